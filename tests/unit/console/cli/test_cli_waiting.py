"""Waiting for operations: what is printed, which status comes out, what Ctrl-C leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from console.cli.confirming import confirm
from console.cli.output import pass_on
from console.cli.waiting import STATUS, carry_out
from core.engine.handle import Handle
from core.errors import OutcomeUnknownError, RefusedError
from core.model import ObjectKey, OperationRecord, OperationStatus, OperationStep, Request, State
from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from core.model.passed_on import PassedOn
from core.verbs.agent.execute import KEPT_BYTES, Exec, ExecStatus
from core.verbs.answer import CallAnswer
from core.verbs.caution import Caution, Danger
from core.verbs.power.requests import Pause

WEB, DB = (ObjectKey("instance", "alpha", uuid) for uuid in ("web", "db"))


def record_of(request: Request) -> OperationRecord:
    return OperationRecord(
        id=f"op-{request.subject.id}", verb=request.verb, host="alpha", subject=request.subject,
        name=request.subject.id, author="a@b", created=1.0,
    )  # fmt: skip


class Accepting:
    """Stands for a fleet: takes every request, and lets a test move the operations on."""

    state = State()

    def __init__(self, act: Callable[[Handle], None] = lambda _: None) -> None:
        self.handles: list[Handle] = []
        self._act = act

    async def submit(self, request: Request, waiting: object = None) -> Handle:
        if request.subject == DB:
            raise RefusedError("db is busy.", "Wait.")
        handle = Handle(record_of(request))
        self.handles.append(handle)
        self._act(handle)
        return handle


def advance(handle: Handle, status: OperationStatus, *steps: str, **more: Any) -> None:
    handle.advance(
        msgspec.structs.replace(
            handle.record,
            status=status,
            steps=tuple(OperationStep(1.0, step) for step in steps),
            **more,
        )
    )


def ends(status: OperationStatus) -> Callable[[Handle], None]:
    def act(handle: Handle) -> None:
        advance(handle, OperationStatus.RUNNING, "asking")
        advance(handle, status, "asking", "it is over", outcome="it is over", hint="try again")

    return act


@pytest.mark.parametrize("status", [status for status in OperationStatus if status.final])
async def test_the_end_of_an_operation_is_the_status_of_the_command(
    status: OperationStatus, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet: Any = Accepting(ends(status))
    assert await carry_out(fleet, [Pause(WEB)], as_json=False) == STATUS[status]
    out, err = capsys.readouterr()
    assert out == f"web: asking\nweb: {status.value}: it is over\n"
    assert err == ("" if status is OperationStatus.DONE else "  try again\n")


async def test_the_worst_end_counts(capsys: pytest.CaptureFixture[str]) -> None:
    fleet: Any = Accepting(ends(OperationStatus.UNKNOWN))
    status = await carry_out(fleet, [Pause(WEB), Pause(DB)], as_json=False)
    assert status == OutcomeUnknownError.exit_status
    assert "db: db is busy.\n  Wait.\n" in capsys.readouterr().err


async def test_json_has_a_line_for_each_version(capsys: pytest.CaptureFixture[str]) -> None:
    fleet: Any = Accepting(ends(OperationStatus.DONE))
    await carry_out(fleet, [Pause(WEB)], as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["queued", "running", "done"]
    assert lines[-1]["hint"] == "try again"


def brings(answer: CallAnswer, status: OperationStatus) -> Callable[[Handle], None]:
    def act(handle: Handle) -> None:
        handle.result = answer
        advance(handle, OperationStatus.RUNNING, "running it")
        advance(handle, status, "running it", outcome="it is over", hint="look")

    return act


STATUS_7 = ExecStatus(42, exited=True, exit_status=7, out=b"\xff\x1b[31m\n", err=b"oh")


async def test_what_a_command_brings_is_passed_on_as_it_is_and_nothing_beside(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    fleet: Any = Accepting(brings(STATUS_7, OperationStatus.DONE))
    assert await carry_out(fleet, [Exec(WEB, "ls")], as_json=False) == 7
    printed = capfdbinary.readouterr()
    assert printed.out == b"\xff\x1b[31m\n"
    assert printed.err == b"  look\noh"


async def test_one_that_did_not_end_has_the_status_of_its_operation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for status in (OperationStatus.FAILED, OperationStatus.UNKNOWN):
        fleet: Any = Accepting(brings(STATUS_7, status))
        assert await carry_out(fleet, [Exec(WEB, "ls")], as_json=False) == STATUS[status]
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "web: " in printed.err


async def test_json_has_all_that_it_brings_in_the_last_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = msgspec.structs.replace(STATUS_7, out=b"x" * (KEPT_BYTES + 1))
    fleet: Any = Accepting(brings(whole, OperationStatus.DONE))
    assert await carry_out(fleet, [Exec(WEB, "ls")], as_json=True) == 7
    *before, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["result"] for line in before] == [{}] * len(before)
    assert len(last["result"]["stdout"]) == KEPT_BYTES + 1
    assert last["result"]["exit_status"] == 7


def test_on_a_terminal_what_a_guest_prints_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    pass_on(PassedOn(b"a\x1b[2J\tb\n", b"", 0))
    assert capsys.readouterr().out == "a\N{REPLACEMENT CHARACTER}[2J\tb\n"


async def test_ctrl_c_names_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    fleet: Any = Accepting(lambda handle: advance(handle, OperationStatus.RUNNING, "asking"))
    waiting = asyncio.create_task(carry_out(fleet, [Pause(WEB)], as_json=False))
    shown = ""
    async with asyncio.timeout(10):
        while "asking" not in shown:
            await asyncio.sleep(0)
            shown += capsys.readouterr().out
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    err = capsys.readouterr().err
    assert "No longer waiting for pause of web: what was sent goes on." in err
    assert "finds out what became of it" in err


@pytest.mark.parametrize(("asked", "told"), [(1, False), (2, True)])
async def test_a_guest_that_did_not_obey_at_first_may_be_waited_for_by_this_command(
    asked: int, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    question = OperationQuestion("wait", "wait on?", (AnswerChoice("wait-on", "as it takes"),))
    countdown = Countdown(1.0, 61.0, "its power is cut", asked)

    def act(handle: Handle) -> None:
        more: dict[str, Any] = {"question": question, "countdown": countdown}
        advance(handle, OperationStatus.VERIFYING, "asking", **more)
        advance(handle, OperationStatus.VERIFYING, "asking", "again", **more)
        advance(handle, OperationStatus.DONE, "asking", "again", outcome="it is off")

    fleet: Any = Accepting(act)
    assert await carry_out(fleet, [Pause(WEB)], as_json=False) == 0
    line = "  virtdeck operations answer op-web wait-on   as it takes\n"
    assert capsys.readouterr().err == (line if told else "")


def test_a_question_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("console.cli.interrupts.can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    monkeypatch.setenv("COLUMNS", "20")
    confirm(Danger(Caution.CONFIRM, "Powers off the guest of web."), sure=False)
    assert capsys.readouterr().err == "Powers off the guest\nof web.\n"

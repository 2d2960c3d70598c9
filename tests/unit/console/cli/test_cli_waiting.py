"""Waiting for operations: what is printed, which status comes out, what Ctrl-C leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from console.cli.waiting import STATUS, carry_out
from core.engine.handle import Handle
from core.errors import OutcomeUnknownError, RefusedError
from core.model import ObjectKey, OperationRecord, OperationStatus, OperationStep, Request, State
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

    async def submit(self, request: Request) -> Handle:
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

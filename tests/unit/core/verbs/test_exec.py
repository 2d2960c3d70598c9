"""A command in a guest: what is asked next, how it ends, what is kept of it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.progress import progress_json, progress_of
from core.model import Instance, InstanceState, OperationStatus
from core.model.secret_value import Secret
from core.verbs.agent.execute import (
    EXEC,
    KEPT_BYTES,
    LATEST,
    Exec,
    ExecCall,
    ExecStarted,
    ExecStatus,
    ExecStatusCall,
    argv_of,
    execute,
)
from core.verbs.answer import ANSWER_BYTES, kept
from core.verbs.checks import against_parameters
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation, Wait

T = 1000.0
WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, id=7)
STARTED = Sent(ExecCall(("ls",)), T, T + 1, answer=ExecStarted(42))
RUNS = ExecStatus(42, exited=False)


def asked(status: ExecStatus | None, at: float = T + 2, **more: object) -> Sent:
    return Sent(ExecStatusCall(42), at, at + 0.1, answer=status, **more)  # type: ignore[arg-type]


def decide(
    *sent: Sent, now: float = T + 3, subject: Instance | None = WEB, **more: object
) -> Action:
    request = Exec(WEB.key, "ls", timeout=30.0)
    progress = Progress(sent, before_id=7)
    return execute(Situation(request, "web", now, progress, subject, **more))  # type: ignore[arg-type]


def test_it_is_started_and_asked_for_until_it_has_ended() -> None:
    first = decide()
    assert isinstance(first, Send)
    assert first.call == ExecCall(("ls",))
    assert decide(STARTED) == Send(ExecStatusCall(42), "asking how it stands")
    waits = decide(STARTED, asked(RUNS), now=T + 2.15)
    assert isinstance(waits, Wait)
    assert not waits.reads
    assert decide(STARTED, asked(RUNS), now=waits.until) == decide(STARTED)
    end = decide(STARTED, asked(ExecStatus(42, exited=True, exit_status=3, out=b"x")))
    assert isinstance(end, End)
    assert (end.status, end.outcome) == (OperationStatus.DONE, "ls in web ended with exit status 3")
    assert end.result == ExecStatus(42, exited=True, exit_status=3, out=b"x")


def test_one_that_takes_long_is_asked_for_less_often() -> None:
    later = decide(STARTED, asked(RUNS, T + 25), now=T + 25.2)
    assert isinstance(later, Wait)
    assert later.until == pytest.approx(T + 25.1 + LATEST)


@pytest.mark.parametrize(("sent", "more", "status", "words"), [
    ((Sent(ExecCall(("ls",)), T, T + 1, "no such file", "look"),), {}, "failed", "no such file"),
    ((Sent(ExecCall(("ls",)), T, T + 1, "lost", certain=False),), {}, "unknown", "is not known"),
    ((Sent(ExecCall(("ls",)), T),), {}, "unknown", "is not known"),
    ((STARTED, asked(RUNS)), {"now": T + 40}, "failed", "it goes on in web as process 42"),
    ((STARTED, asked(None, error="silent")), {"now": T + 40}, "unknown", "can be told: silent"),
    ((STARTED, asked(None, error="Invalid parameter 'pid'")), {}, "unknown", "is told no more"),
    ((STARTED, asked(None, error="agent disappeared")), {}, "unknown", "agent disappeared"),
    ((STARTED,), {"cancelled": "x"}, "cancelled", "goes on in web as process 42"),
    ((STARTED,), {"subject": msgspec.structs.replace(WEB, id=8)}, "unknown", "was turned off"),
    ((STARTED,), {"subject": None}, "unknown", "was turned off"),
])  # fmt: skip
def test_what_else_becomes_of_it(
    sent: tuple[Sent, ...], more: dict[str, object], status: str, words: str
) -> None:
    end = decide(*sent, **more)  # type: ignore[arg-type]
    assert isinstance(end, End)
    assert end.status == status
    assert words in end.outcome


def test_an_agent_that_is_silent_for_a_while_is_asked_again() -> None:
    silent = asked(None, error="not available for now")
    assert isinstance(decide(STARTED, silent, now=T + 2.2), Wait)
    assert decide(STARTED, silent, now=T + 5) == decide(STARTED)
    assert isinstance(decide(STARTED, silent, now=T + 5, link_up=False), Wait)


def test_a_console_that_takes_over_asks_on_at_once() -> None:
    unheard = Sent(ExecStatusCall(42), T + 2)
    adopted = Progress((STARTED, unheard), before_id=7, adopted=T + 3)
    situation = Situation(Exec(WEB.key, "ls"), "web", T + 3, adopted, WEB)
    assert execute(situation) == decide(STARTED)


@pytest.mark.parametrize(("command", "shell", "argv"), [
    ("ls -l '/a b'", False, ("ls", "-l", "/a b")),
    ("'/a b/c'", False, ("/a b/c",)),
    ("ls | wc", True, ("sh", "-c", "ls | wc")),
    ("'ls | wc'", True, ("sh", "-c", "ls | wc")),
    ("ls $HOME", False, ("ls", "$HOME")),
])  # fmt: skip
def test_the_words_are_those_of_a_shell(command: str, shell: bool, argv: tuple[str, ...]) -> None:
    assert argv_of(Exec(WEB.key, command, shell=shell)) == argv


@pytest.mark.parametrize(("command", "why"), [
    ("", "no command"), ("   ", "no command"), ("''", "no command"), ("ls 'x", "close its quotes"),
])  # fmt: skip
def test_what_is_no_command_is_refused(command: str, why: str) -> None:
    (refusal,) = against_parameters(Exec(WEB.key, command))
    assert why in str(refusal)


@given(st.binary(max_size=3 * KEPT_BYTES), st.binary(max_size=3 * KEPT_BYTES), st.booleans())
def test_the_journal_keeps_the_beginning_of_it_or_nothing(
    out: bytes, err: bytes, keeps: bool
) -> None:
    whole = ExecStatus(42, exited=True, exit_status=0, out=out, err=err, keeps=keeps)
    progress = Progress((STARTED, asked(whole)))
    written = progress_json(progress)
    assert len(written) < ANSWER_BYTES
    read = progress_of(EXEC, written)
    assert read is not None
    assert read.sent[0].answer == ExecStarted(42)
    found = read.sent[1].answer
    assert found == kept(whole)
    most = KEPT_BYTES if keeps else 0
    assert (found.out, found.err) == (out[:most], err[:most])
    assert found.out_whole == (len(out) <= most)


def test_what_it_was_given_and_then_prints_is_written_nowhere() -> None:
    request = Exec(WEB.key, "cat", input=Secret("tell-nobody"))
    assert not request.keeps
    assert not Exec(WEB.key, "cat", private=True).keeps
    first = execute(Situation(request, "web", T, Progress(), WEB))
    assert isinstance(first, Send)
    assert isinstance(first.call, ExecCall)
    assert "tell-nobody" not in str(first.call.virsh("web"))
    started = Sent(first.call, T, T + 1, answer=ExecStarted(42))
    look = execute(Situation(request, "web", T + 1, Progress((started,)), WEB))
    assert isinstance(look, Send)
    assert look.call == ExecStatusCall(42, keeps=False)
    status = ExecStatus(42, exited=True, exit_status=0, out=b"tell-nobody", keeps=False)
    assert "tell-nobody" not in progress_json(Progress((started, asked(status))))
    assert "tell-nobody" not in json.dumps(status.kept().told())
    assert status.told()["stdout"] == "tell-nobody"


def test_what_is_no_text_is_told_in_base64_too() -> None:
    told = ExecStatus(1, exited=True, exit_status=0, out=b"\xff").told()
    assert (told["stdout"], told["stdout_base64"]) == ("\N{REPLACEMENT CHARACTER}", "/w==")
    assert "stderr_base64" not in told


def test_a_signal_is_the_status_that_a_shell_has_for_it() -> None:
    assert EXEC.passes_on is not None
    assert EXEC.passes_on(ExecStatus(1, exited=True, signal=9)).status == 137
    assert EXEC.passes_on(ExecStatus(1, exited=True, exit_status=7)).status == 7

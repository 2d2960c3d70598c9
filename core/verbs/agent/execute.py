"""A command run in a guest by its agent: what it prints, and how it ends.

The agent starts it and answers with the number of its process; how that stands is asked for until
it has ended, when the agent tells, once, what it printed. The number is in the journal, so a
console that takes the operation over asks on. There is no taking back: what was started goes on.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import Annotated, Any, ClassVar, Self

from msgspec.structs import replace

from core.model import Request
from core.model.passed_on import PassedOn
from core.model.secret_value import WITHHELD, Secret
from core.model.text import clean
from core.verbs.agent.asking import agent_verb
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.parameter import parameter
from core.verbs.situation import (
    Action,
    End,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
    unknown,
)

COMMAND_BYTES = 32 << 10
OUTPUT_BYTES = 1 << 20
"""What is passed on of each of its outputs. An agent carries about 10 MB, and is cut off above."""
KEPT_BYTES = 12 << 10
"""What the journal keeps of each."""
SIGNALLED = 128
"""The exit status of what a signal ended is this and its number, as a shell has it."""
SOONEST, LATEST = 0.1, 5.0
"""Seconds between two questions how it stands: a quarter of the time it has taken, between these.
"""


def _against_words(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError as error:
        return f"The command cannot be split into words ({error}): close its quotes"
    return "" if words and words[0] else "There is no command: name a program of the guest"


class Exec(Request, frozen=True):
    """Run a command in the guest (guest-exec of its agent)."""

    verb: ClassVar[str] = "exec"
    command: Annotated[
        str,
        parameter(
            "The program and its words, as a shell would be told; they are kept in the journal, and"
            " seen in the guest: passwords belong into the input.",
            longest=COMMAND_BYTES,
            rule=_against_words,
            rest=True,
        ),
    ]
    shell: Annotated[
        bool, parameter("The guest's sh runs it: with pipes, variables and redirections.")
    ] = False
    input: Annotated[
        Secret | None,
        parameter("What it reads: kept nowhere, and then neither is what it prints."),
    ] = None
    timeout: Annotated[
        float,
        parameter(
            "How long it is waited for; after that it goes on in the guest.",
            least=1,
            most=86400,
            unit="s",
        ),
    ] = 60.0
    private: Annotated[
        bool, parameter("What it prints is not kept in the journal.", advanced=True)
    ] = False

    @property
    def keeps(self) -> bool:
        """Whether the journal may have what it prints: it may print what it was given."""
        return not self.private and self.input is None


class ExecStarted(CallAnswer, frozen=True):
    """The process that a guest has started."""

    pid: int


class ExecStatus(CallAnswer, frozen=True):
    """How a process in a guest stands."""

    pid: int
    exited: bool
    exit_status: int | None = None
    signal: int | None = None
    """What ended it."""
    out: bytes = b""
    err: bytes = b""
    out_whole: bool = True
    err_whole: bool = True
    keeps: bool = True

    def kept(self) -> Self:
        """Without its output, where nothing of that is kept; else the beginning of it."""
        most = KEPT_BYTES if self.keeps else 0
        return replace(
            self,
            out=self.out[:most],
            err=self.err[:most],
            out_whole=self.out_whole and len(self.out) <= most,
            err_whole=self.err_whole and len(self.err) <= most,
        )

    def told(self) -> dict[str, Any]:
        """As JSON has it: an output that is no UTF-8 is in base64, too."""
        return {
            "pid": self.pid,
            "exit_status": self.exit_status,
            "signal": self.signal,
            **_told("stdout", self.out, self.out_whole),
            **_told("stderr", self.err, self.err_whole),
        }


def _told(name: str, output: bytes, whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {name: output.decode(errors="replace"), f"{name}_whole": whole}
    try:
        output.decode()
    except UnicodeDecodeError:
        told[f"{name}_base64"] = base64.b64encode(output).decode()
    return told


class ExecCall(Call, frozen=True):
    """guest-exec: it returns when the process has started."""

    answers: ClassVar[type[CallAnswer] | None] = ExecStarted
    argv: tuple[str, ...]
    input: Secret | None = None

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh qemu-agent-command`; what it reads is not shown."""
        arguments: dict[str, Any] = {"path": self.argv[0], "arg": list(self.argv[1:])}
        if self.input is not None:
            arguments["input-data"] = WITHHELD
        words = {"execute": "guest-exec", "arguments": {**arguments, "capture-output": True}}
        return ("qemu-agent-command", name, json.dumps(words))


class ExecStatusCall(Call, frozen=True):
    """guest-exec-status: of one that has ended the agent tells once."""

    repeatable: ClassVar[bool] = True
    looks: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = ExecStatus
    pid: int
    keeps: bool = True


def argv_of(request: Exec) -> tuple[str, ...]:
    """Return the words that the guest is given."""
    words = tuple(shlex.split(request.command))
    if not request.shell:
        return words
    return ("sh", "-c", words[0] if len(words) == 1 else request.command)


def execute(situation: Situation) -> Action:
    """Have it started, and ask how it stands until it has ended or its time is over."""
    request = situation.request
    assert isinstance(request, Exec)
    if not situation.sent:
        call = ExecCall(argv_of(request), request.input)
        return Send(call, f"running {_short(request)} in {situation.name}")
    started = situation.sent[0]
    if not started.accepted:
        return _not_started(situation, request, started)
    if not isinstance(started.answer, ExecStarted):
        return unknown(f"{_short(request)} was started in {situation.name}: nothing tells how")
    return _until_ended(situation, request, started.answer.pid)


def _not_started(situation: Situation, request: Exec, sent: Sent) -> End:
    if sent.error and sent.certain:
        return failed(sent.error, sent.hint)
    what = f"whether {_short(request)} was started in {situation.name} is not known"
    return unknown(f"{what}: {sent.error}" if sent.error else what, "Look in the guest.")


def _until_ended(situation: Situation, request: Exec, pid: int) -> Action:
    last, started = situation.last, situation.sent[0].ended or situation.sent[0].at
    status = last.answer if isinstance(last.answer, ExecStatus) else None
    if status is not None and status.exited:
        return _ended(situation, request, status)
    goes_on = f"{_short(request)} goes on in {situation.name} as process {pid}"
    if _is_over(situation):
        return unknown(f"{situation.name} was turned off, and {_short(request)} with it")
    if last.error and last.certain and isinstance(last.call, ExecStatusCall):
        if "'pid'" in last.error:  # it was told already, or the agent was started anew
            what = f"how {_short(request)} in {situation.name} ended is told no more"
            return unknown(what, "Its agent was started anew since, or another console asked.")
        if "disappeared" in last.error:
            return unknown(last.error, _TOO_MUCH)
    if situation.cancelled:
        return cancelled(f"not waited for any longer: {goes_on}")
    if situation.now >= (until := started + request.timeout):
        late = f"{_short(request)} did not end in {request.timeout:.0f} s"
        if last.error:
            return unknown(f"{late}, as far as can be told: {last.error}", last.hint or _TOO_MUCH)
        hint = f"`exec {situation.name} -- kill {pid}` ends it."
        return failed(f"{late}: it goes on in {situation.name} as process {pid}", hint)
    again = _asked_again(situation, last, started)
    if situation.now < again or not situation.link_up:
        return Wait(max(min(again, until), situation.now + SOONEST), reads=False)
    return Send(ExecStatusCall(pid, request.keeps), "asking how it stands")


_TOO_MUCH = "If it printed 10 MB or more, have it write to a file in the guest."


def _is_over(situation: Situation) -> bool:
    """Whether the guest that ran it is gone; a guest may sleep, and be moved."""
    instance = situation.instance
    off = instance is None or not instance.state.active
    return situation.link_up and (off or situation.restarted)


def _asked_again(situation: Situation, last: Sent, started: float) -> float:
    if not isinstance(last.call, ExecStatusCall):
        return situation.now
    asked = last.ended or last.at
    if last.ended is None and asked < (situation.progress.adopted or 0.0):
        return situation.now
    return asked + min(max((asked - started) / 4, SOONEST), LATEST)


def _ended(situation: Situation, request: Exec, status: ExecStatus) -> End:
    how = f"exit status {status.exit_status}"
    if status.exit_status is None:
        how = f"signal {status.signal}" if status.signal is not None else "no exit status"
    cut = "" if status.out_whole and status.err_whole else "; what it printed was cut"
    hint = f"Only {OUTPUT_BYTES >> 20} MiB is passed on: have it write to a file." if cut else ""
    text = f"{_short(request)} in {situation.name} ended with {how}{cut}"
    return done(text, hint, result=status)


def _short(request: Exec) -> str:
    """Return the program, as a sentence names it."""
    words = argv_of(request)
    shown = clean(request.command if words[:2] == ("sh", "-c") and request.shell else words[0])
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


_SHOWN = 40


def _passed_on(answer: CallAnswer) -> PassedOn:
    assert isinstance(answer, ExecStatus)
    status = answer.exit_status
    if status is None:
        status = SIGNALLED + (answer.signal or 0)
    return PassedOn(answer.out, answer.err, status & 0xFF)


EXEC = agent_verb(
    Exec,
    title="Run a command",
    help="Run a command in the guest, through its agent, and pass on what it prints.",
    doing="running a command",
    key="e",
    decide=execute,
    calls=(ExecCall, ExecStatusCall),
    waits=True,
    single=True,
    passes_on=_passed_on,
    cancelled="It is waited for no longer, and goes on in the guest.",
)

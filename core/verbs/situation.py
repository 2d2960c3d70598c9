"""What a verb decides from, and what it may decide: look at the situation, say what to do next.

A verb decides by a pure function from a `Situation` to an `Action`. The engine carries it out,
looks again, and asks again, until the action is an `End`. What was sent is kept in the journal with
the operation, so the same function decides for an operation that another console began. An undo
list needs nothing more: a verb that fails half-way asks for the undoing calls before its `End`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from core.model import (
    Event,
    Instance,
    InstanceRun,
    Job,
    OperationStatus,
    Request,
    Snapshot,
    Value,
)
from core.model.checkpoint import Checkpoint
from core.model.kept import KeptHost
from core.model.operation import Countdown, OperationQuestion
from core.state.subject import Subject
from core.verbs.answer import CallAnswer
from core.verbs.around import Around
from core.verbs.call import Call

CALL_DEADLINE = 40.0
"""Seconds for one call: longer than the 30 s after which libvirt itself gives up on a lock."""
VERIFY = 15.0
"""Seconds a state that libvirt promised may take to show."""

LookedAt = Literal[
    "snapshots", "block-jobs", "definition", "document", "checkpoints", "backup", "kept"
]
"""What is read of an instance only for a verb that needs it: no event and no listing tells it. Its
definition is read of one that runs: of others that is what there is. The document is its whole XML,
as text; backup is whether one is under way; kept is what is kept of its request's source."""


class Sent(Value, frozen=True):
    """One call of an operation: journalled before it is made, completed when it returned."""

    call: Call
    at: float
    ended: float | None = None
    """None: not returned, or the console died before it did."""
    error: str = ""
    hint: str = ""
    certain: bool = True
    """False: the error leaves open whether the call took effect."""
    answer: Any = None
    """What it answered, of the type `Call.answers`; None too where that was too long for the
    journal, and the console that heard it has ended."""

    @property
    def accepted(self) -> bool:
        """Whether libvirt said yes."""
        return self.ended is not None and not self.error


class Answered(Value, frozen=True):
    """What an operator answered to a question of an operation."""

    key: str
    """Of the question."""
    word: str
    by: str
    """USER@MACHINE."""


class Progress(Value, frozen=True):
    """What the journal keeps of an operation beside its record: enough to go on with it."""

    sent: tuple[Sent, ...] = ()
    before_id: int | None = None
    """The hypervisor's number of the instance when the operation began."""
    gap: bool = False
    """Nobody watched for a while (link lost, console dead): events may have been missed."""
    adopted: float | None = None
    """When this console took it over from one that died."""
    first_adopted: float | None = None
    """When the first console since the newest call took it over: each that does so and ends soon,
    as a command does, would else have the wait begin anew."""
    answers: tuple[Answered, ...] = ()
    """To the questions it put, oldest first."""
    workflow: Any = None
    """Of an operation that a workflow carries out: how it stands, once anything may have been sent;
    a `core.verbs.verb.Workflow.progress`."""

    @property
    def unheard(self) -> tuple[Call, ...]:
        """The calls that may have taken effect and gave no answer that says so."""
        return tuple(one.call for one in self.sent if one.ended is None or not one.certain)

    @property
    def begun(self) -> bool:
        """Whether anything may have been sent."""
        return bool(self.sent) or self.workflow is not None


@dataclass(frozen=True, slots=True)
class Situation:
    """All a verb may know. Times are seconds since the epoch."""

    request: Request
    name: str
    now: float
    progress: Progress
    subject: Subject | None
    """As last read; None when it is gone."""
    events: tuple[Event, ...] = ()
    """Of this subject, oldest first: since the operation began, and a little before."""
    link_up: bool = True
    silent: str = ""
    """The host that does not answer; empty: that of the subject, where any."""
    cancelled: str = ""
    """Why the operator no longer wants to wait; empty: goes on."""
    calling: bool = False
    """A long call of this console is under way."""
    job_runs: bool = False
    """libvirt's job was seen to run, where a long call was made whose answer does not come here."""
    defined: Instance | None = None
    """An instance that runs, as its next start would have it: known where that tells what became of
    a call (`Call.defines`), and where the verb looks at it (`Verb.looks_at`)."""
    volumes: frozenset[tuple[str, str]] = frozenset()
    """Those there are of what calls without an answer were to make (`Call.volume`)."""
    document: str | None = None
    """The XML of its definition without secrets (`core.xml.definition.document.editable`), also of
    a network or a pool: known where the verb looks at it. None: it has none, or was not read."""
    kept: KeptHost | None = None
    """What is kept of its request's source, of this instance alone, before its first call."""
    stop: str = ""
    """Why it must not go on (`Verb.stops`); empty: it may."""
    around: Around = field(default_factory=Around)
    looked: float | None = None
    """When its host began to tell last how the subject is, and what its verb looks at; None: not
    since this console watches it, or since the link was lost."""
    operation: str = ""
    """The id of the operation; empty: of a rehearsal, which makes nothing."""

    @property
    def instance(self) -> Instance | None:
        """The subject, where it is an instance; the instance of a snapshot."""
        return self.subject if isinstance(self.subject, Instance) else self.around.instance

    @property
    def job(self) -> Job | None:
        """libvirt's job on the instance."""
        return self.around.job

    @property
    def run(self) -> InstanceRun:
        """What events and readings told of the instance's present run."""
        return self.around.run

    @property
    def snapshots(self) -> tuple[Snapshot, ...] | None:
        """The snapshots of the instance; None: they were not read."""
        return self.around.snapshots

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...] | None:
        """The checkpoints of the instance, parents first; None: they were not read."""
        return self.around.checkpoints

    @property
    def sent(self) -> tuple[Sent, ...]:
        """The calls so far."""
        return self.progress.sent

    def answer(self, key: str) -> Answered | None:
        """Return what was answered to a question; None: nothing yet."""
        return next((one for one in self.progress.answers if one.key == key), None)

    @property
    def restarted(self) -> bool:
        """Whether the instance runs, but not as the process it was when the operation began."""
        now = None if self.instance is None else self.instance.id
        return now is not None and self.progress.before_id not in (None, now)

    @property
    def blind(self) -> bool:
        """Whether something may have happened that nobody saw."""
        return self.progress.gap or not self.link_up

    @property
    def last(self) -> Sent:
        """The newest call; only where there is one."""
        return self.progress.sent[-1]

    @property
    def fresh(self) -> tuple[Event, ...]:
        """The events since the first call."""
        if not self.sent:
            return ()
        return tuple(event for event in self.events if event.at >= self.sent[0].at)


@dataclass(frozen=True, slots=True)
class Send:
    """Make a call."""

    call: Call
    text: str
    """The line in the operation's log."""
    deadline: float = CALL_DEADLINE
    instead: bool = False
    """In the place of the newest call, which gave no answer: the operator wants it made again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Decide again when something changed, or at `until`, when the instance is read first.

    Without the reading a host that hangs would be taken for a guest that does nothing.
    """

    until: float
    text: str = ""
    """A line for the operation's log, written once."""
    countdown: Countdown | None = None
    question: OperationQuestion | None = None
    """What the operator may answer meanwhile (`Situation.answer`): nothing waits for that."""
    reads: bool = True
    """The instance is read at its end. Not where a call follows that looks itself."""
    share: float | None = None
    """How far what is waited for is, 0 to 1; None: there is no telling."""


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    status: OperationStatus
    outcome: str
    hint: str = ""
    refused: str = ""
    """Why it was refused, as a code of `core.verbs.refusal`."""
    result: CallAnswer | None = None
    """What it has brought, for who asked."""
    again: bool = False
    """Its newest call did nothing, as was seen after its console ended: it may be sent again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to the operator, and decide again when it is answered, or something changed.

    It survives the console: any other one of the journal may answer, and whoever runs the
    operation then goes on with it (`Situation.answer`).
    """

    question: OperationQuestion


Action = Send | Wait | Ask | End
Decide = Callable[[Situation], Action]
"""Reads at a situation, says what to do next. Pure."""


def done(outcome: str, hint: str = "", result: CallAnswer | None = None) -> End:
    """It did what it was for, and has brought this."""
    return End(OperationStatus.DONE, outcome, hint, result=result)


def failed(outcome: str, hint: str = "") -> End:
    """It did not, and nothing of it goes on."""
    return End(OperationStatus.FAILED, outcome, hint)


def unknown(outcome: str, hint: str = "") -> End:
    """It was sent and nobody saw what became of it."""
    return End(OperationStatus.UNKNOWN, outcome, hint)


def cancelled(outcome: str, hint: str = "") -> End:
    """The operator stopped waiting for it."""
    return End(OperationStatus.CANCELLED, outcome, hint)


def stands(situation: Situation) -> str:
    """Say how an instance is, to follow what became of an operation: `; web is running`.

    Empty for what is no instance.
    """
    if situation.request.subject.kind != "instance":
        return ""
    instance, name = situation.instance, situation.name
    seen = "was last seen" if situation.blind else "is"
    state = "gone" if instance is None else instance.state.value
    return f"; {name} {seen} {_SPOKEN.get(state, state)}"


_SPOKEN = {"shutoff": "shut off", "shutting-down": "shutting down", "unknown": "in no known state"}

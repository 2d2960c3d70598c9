"""Operations: what an operator asked for, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from core.model.base import ObjectKey, Value
from core.model.identity import HostIdentity


class OperationStatus(StrEnum):
    """The states of an operation, in their order."""

    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    ASKING = "asking"
    """It waits for an answer of the operator: `OperationRecord.question`."""
    DONE = "done"
    REFUSED = "refused"
    """Its check said no; nothing was touched."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """It was sent and its outcome was not seen: the link was lost or a deadline passed."""

    @property
    def final(self) -> bool:
        """Whether nothing more will come."""
        return self not in (
            OperationStatus.QUEUED,
            OperationStatus.RUNNING,
            OperationStatus.VERIFYING,
            OperationStatus.ASKING,
        )


class OperationStep(Value, frozen=True):
    """One line of an operation's log."""

    at: float
    text: str
    call: str = ""
    """The call that it sent, by its word; empty: it sent none."""
    virsh: str = ""
    """The line by which virsh does what was sent; empty: none does."""
    took: float | None = None
    """Seconds until the call returned; None: it has not."""
    error: str = ""
    """Why the call failed."""
    operation: str = ""
    """The id of an operation that was asked for in this step: its calls are this one's, too."""


def with_step(
    steps: tuple[OperationStep, ...], step: OperationStep, begun: OperationStep | None
) -> tuple[OperationStep, ...]:
    """Return a log with a new step, or with one in the place of `begun`. Pure."""
    if begun is None:
        return (*steps, step)
    return tuple(step if one is begun else one for one in steps)


class AnswerChoice(Value, frozen=True):
    """One answer to a question."""

    word: str
    """What is typed: `again`."""
    text: str
    """What it does, one clause: `send it again`."""
    loss: str = ""
    """What it takes away, a sentence: the subject's name is typed for it; empty: nothing."""
    harmless: bool = False
    """It leaves what it is asked about as that is: a menu's cursor begins on it."""


class OperationQuestion(Value, frozen=True):
    """What an operation asks the operator. Any console of its journal may answer."""

    key: str
    """Tells it from the other questions of the operation."""
    text: str
    choices: tuple[AnswerChoice, ...]


class Countdown(Value, frozen=True):
    """How long a guest is waited for, and what comes then. Times are seconds since the epoch."""

    since: float
    """When it was asked first."""
    until: float | None
    """When it has had its time; None: it is waited for as long as it takes."""
    then: str = ""
    """What is done then, a clause: `its power is cut`."""
    asked: int = 1
    """How often the guest was asked; 0: it is not asked for anything."""
    again: float | None = None
    """When it is asked again; None: it is not."""


class Moved(Value, frozen=True):
    """What of a transfer is over."""

    bytes: int
    of: int | None = None
    """In all; None: not known."""
    rate: float | None = None
    """Bytes a second, of late; None: not known yet."""


class OperationRecord(Value, frozen=True):
    """An operation as the journal keeps it and the screens show it."""

    id: str
    """Sortable by time of creation."""
    verb: str
    """Its name among the verbs: start, shutdown, stop..."""
    host: str
    subject: ObjectKey
    name: str
    """The subject's name when it was asked for."""
    author: str
    """USER@MACHINE of the console it was asked on."""
    created: float
    status: OperationStatus = OperationStatus.QUEUED
    started: float | None = None
    ended: float | None = None
    progress: float | None = None
    """0 to 1; None where there is no telling."""
    moved: Moved | None = None
    """The bytes that went over so far, while they do and where they are counted."""
    steps: tuple[OperationStep, ...] = ()
    outcome: str = ""
    """One sentence once it is final."""
    hint: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    """The request's options as JSON has them, without secrets."""
    hosts: tuple[HostIdentity, ...] = ()
    """The hosts it names: its own first, then its destinations."""
    not_open: str = ""
    """The address of its host where that is not open here: it is shown, and nothing is done to it.
    Its hosts are then called `NAME (not open)`, which no open host is."""
    unjournalled: str = ""
    """Why the journal does not hold it as it stands here, with the cure; empty: it does."""
    doing: str = ""
    """What its subject does meanwhile, in words: `shutting down`; empty in older journals."""
    question: OperationQuestion | None = None
    """What it asks now: it waits for the answer where it is `ASKING`, else it goes on meanwhile."""
    countdown: Countdown | None = None
    """The wait for a guest that is under way."""
    undo: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    """The request that takes it back once it is done, as JSON has it: its verb and options, for the
    same subject; empty: nothing does."""
    refused: str = ""
    """Of one that was refused: the code of the reason (`core.verbs.refusal.RefusalCode`)."""
    result: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    """What it has brought, as JSON has it, as far as that is written down. Untrusted text."""

    @property
    def key(self) -> ObjectKey:
        """The key of this operation."""
        return ObjectKey("operation", self.host, self.id)

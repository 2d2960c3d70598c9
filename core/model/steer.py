"""What is done to a migration that runs, by an operator or its policy, and what came of it."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value


class SteerKind(StrEnum):
    """What can be done to a migration that runs."""

    ABORT = "abort"
    POST_COPY = "post-copy"
    MAX_DOWNTIME = "max-downtime"
    """Milliseconds."""
    BANDWIDTH = "bandwidth"
    """MiB/s; 0: unlimited."""
    POST_COPY_BANDWIDTH = "post-copy-bandwidth"
    """MiB/s; 0: unlimited."""
    PAUSE = "pause"
    """Pause the guest, so that it finishes."""
    POLICY = "policy"
    """Another policy goes on from here; `text` is its name."""
    ADVISE = "advise"
    """Nothing is done; the operator is told. Of policies only."""


class Steer(Value, frozen=True):
    """One thing to do to a migration: what an operator asks for, and what a policy decides."""

    kind: SteerKind
    value: float | None = None
    text: str = ""
    reason: str = ""


class Answer(StrEnum):
    """What came of a steering command."""

    REQUESTED = "requested"
    DONE = "done"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    """Its deadline passed: it may yet take effect."""
    ADVISED = "advised"
    """It was only said."""


class SteerRecord(Value, frozen=True):
    """A steering command, who gave it and why, and what came of it."""

    at: float
    steer: Steer
    by: str
    """USER@MACHINE, or `policy NAME`."""
    answer: Answer = Answer.REQUESTED
    answered: float | None = None
    detail: str = ""
    """Why it was refused, in one sentence."""
    virsh: str = ""
    """The equivalent command."""

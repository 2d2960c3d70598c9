"""An operation that is a backup, from its first call to its last: what was sent, how it ended.

libvirt tells of an end by an event, which does not say of which backup: the host is asked whether
this one goes on. What ends while nobody listens is told by the statistics of the last job. A backup
of which neither tells is no backup. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from core.model.run import JobOutcome
from core.verbs.backup.calls import BackupPlanCall, BackupStatus, BackupStatusCall
from core.verbs.backup.pull_calls import PullPlanCall
from core.verbs.call import Call
from core.verbs.situation import End, Send, Sent, Situation, Wait

SOON = 0.3
"""Seconds after which it is first looked whether there is something to look at."""
EVERY = 2.0
"""Seconds between two looks how far it is: an event tells of the end."""
Result = Literal["running", "completed", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a backup stands."""

    result: Result
    error: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """What the calls of an operation tell of its backup."""

    now: Situation

    def sent(self, kind: type[Call]) -> Sent | None:
        """Return the newest call of a kind; None: none was sent."""
        return next((one for one in reversed(self.now.sent) if isinstance(one.call, kind)), None)

    def once(self, call: Call, text: str) -> Send | None:
        """Send a call, unless it was; one of which a console that ended never heard is made again.

        None: it is done.
        """
        before = self.sent(type(call))
        lost = before is not None and before.ended is None
        if before is None or (lost and before.at < (self.now.progress.adopted or 0.0)):
            return Send(call, text)
        return None

    @property
    def plan(self) -> BackupPlanCall | PullPlanCall:
        """What was decided before anything was made; only where it was sent."""
        sent = self.sent(BackupPlanCall) or self.sent(PullPlanCall)
        assert sent is not None
        assert isinstance(sent.call, BackupPlanCall | PullPlanCall)
        return sent.call

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of the backup."""
        return tuple(disk.path for disk in self.plan.disks)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Target and file of each disk."""
        return tuple((disk.target, disk.path) for disk in self.plan.disks)

    def ended(self, begun: Sent) -> Ended:
        """Tell how the backup that was begun stands: by the event, else by what the host told."""
        told, status = self._told(begun), self._status(begun)
        if told is not None:
            goes_on = status is not None and status.runs
            if goes_on or (status is None and not self._looked_since(told)):
                return Ended("running")
            return Ended("completed" if told.result == "completed" else "failed", told.error)
        if self.now.instance is None and self.now.link_up:
            return Ended("lost")
        if status is None or status.runs:
            return Ended("running")
        if not (begun.accepted or status.checkpoint) or not status.result:
            return Ended("lost")
        return Ended("completed" if status.result == "completed" else "failed", status.error)

    def _told(self, begun: Sent) -> JobOutcome | None:
        """Return the end of a backup that an event told of since this one was begun.

        It may be that of an earlier one: an event comes on its own way, and late from a busy host.
        """
        told = self.now.run.last_job
        ours = told is not None and told.operation == "backup" and told.at >= begun.at
        return told if ours else None

    def _looked_since(self, told: JobOutcome) -> bool:
        """Whether the host was asked, after an event, if this backup goes on all the same."""
        sent = self.sent(BackupStatusCall)
        return sent is not None and sent.at >= told.at and sent.ended is not None

    def _status(self, begun: Sent) -> BackupStatus | None:
        sent = self.sent(BackupStatusCall)
        if sent is None or sent.at <= begun.at or not isinstance(sent.answer, BackupStatus):
            return None
        return sent.answer

    def follow(self, begun: Sent) -> Send | Wait:
        """Look how far it is, or wait for the next look: whatever is told wakes it before."""
        now, sent, status = self.now, self.sent(BackupStatusCall), self._status(begun)
        due = sent.at + EVERY if sent is not None else (begun.ended or begun.at) + SOON
        told = self._told(begun)
        if told is not None and not self._looked_since(told):
            due = 0.0 if sent is None else min(due, sent.at + SOON)
        if now.now >= due:
            return Send(BackupStatusCall(self.plan.name, self.paths), "asking how far it is")
        total = 0 if status is None else status.total
        share = min(1.0, status.processed / total) if status is not None and total else None
        return Wait(due, share=share, reads=False)


def with_more(end: End, text: str) -> End:
    """Return an end with more to say of it."""
    return replace(end, outcome=f"{end.outcome.rstrip('.')}; {text}")

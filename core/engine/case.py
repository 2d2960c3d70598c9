"""One operation under way: what was asked, what was sent, what was seen."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import takewhile
from typing import Any

import msgspec

from core.clock import Clock
from core.engine.handle import Handle
from core.model import (
    Event,
    Instance,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    OperationStep,
    Request,
    State,
    Value,
)
from core.model.kept import KeptHost
from core.model.operation import Moved
from core.state.subject import Subject, owner_of
from core.verbs.answer import CallAnswer, kept
from core.verbs.around import around
from core.verbs.call import Call
from core.verbs.registry import verb_of
from core.verbs.situation import End, Progress, Sent, Situation
from core.verbs.undoing import undo_of
from core.verbs.verb import Verb

EVENTS_KEPT = 200
"""Events of one instance a verb may look back on."""

LOOK_BACK = 2.0
"""Seconds of events before the operation a case begins with."""


class Case:
    """The mutable side of an operation. Lives on the core's asyncio loop; knows no hypervisor."""

    unread = False
    """An event came since its subject was last read for it."""

    def __init__(self, record: OperationRecord, request: Request, clock: Clock) -> None:
        self._clock = clock
        self._origin = clock.now() - clock.monotonic()
        self.request = request
        self.verb = verb_of(request)
        self.record = record
        """The operation as it stands; the handle follows once the journal has it."""
        self.handle = Handle(record)
        self.progress = Progress()
        self.subject: Subject | None = None
        self.defined: Instance | None = None
        """A running subject as its next start would have it, where that was read."""
        self.volumes = frozenset[tuple[str, str]]()
        self.document: str | None = None
        self.kept: KeptHost | None = None
        """As `Situation` has these."""
        self.job_runs = False
        """libvirt's job on the subject was seen to run."""
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.cancelled = ""
        self.cancel_asked = False
        """An operator wants it ended, not another operation that is in its place."""
        self.stale = False
        """The link was lost since the subject was read."""
        self.looked: float | None = None
        """When the host began to tell last how it is; None: not since the link was lost."""
        self.unseen = False
        """The host did not tell how the subject is when it was last asked."""
        self.woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.calling: asyncio.Task[None] | None = None
        """A long call that is under way."""
        self.cancel_heard = False
        """What another console wants was heard: that it is ended."""
        self.written: Progress | None = None
        """What the journal has of it; None: nothing yet."""
        self.at_rest = asyncio.Event()
        """Set while no call is on its way that is over soon; the journal has the answer to each."""
        self.at_rest.set()

    def now(self) -> float:
        """Seconds since the epoch, without the steps of a clock that is set meanwhile.

        Else setting the clock would end a guest's time to power off, and might cut its power.
        """
        return self._origin + self._clock.monotonic()

    def situation(self, state: State, *, link_up: bool) -> Situation:
        """Return all the verb may know; of what is around the subject, as the state has it."""
        return Situation(
            request=self.request,
            name=self.record.name,
            now=self.now(),
            progress=self.progress,
            subject=self.subject,
            job_runs=self.job_runs,
            defined=self.defined,
            volumes=self.volumes,
            document=self.document,
            kept=self.kept,
            stop=self.verb.stops(state, self.request, self.record.id),
            events=tuple(self.events),
            link_up=link_up,
            cancelled=self.cancelled,
            calling=self.calling is not None and not self.calling.done(),
            around=around(state, self.record.subject),
            looked=self.looked,
            operation=self.record.id,
        )

    def begin(self, state: State, recent: tuple[Event, ...]) -> None:
        """Take the subject as it now is for what was before, and the newest events about it."""
        undo = undo_of(self.verb, self.situation(state, link_up=True))
        self.record = msgspec.structs.replace(self.record, undo=undo)
        self.events = deque(recent, EVENTS_KEPT)
        before = self.subject.id if isinstance(self.subject, Instance) else None
        self.progress = Progress(before_id=before)

    def saw(self, event: Event) -> None:
        """Take an event of the subject."""
        self.events.append(event)
        self.unread = True
        self.woken.set()

    def update(self, subject: Subject | None) -> None:
        """Take the subject as the state now has it; None: it is gone."""
        self.subject = subject
        self.unseen = False
        self.woken.set()

    def stop_waiting(self, reason: str) -> None:
        """Wait for it no longer, or take it from the queue."""
        self.cancelled = reason
        self.woken.set()
        if self.record.status is OperationStatus.QUEUED and self.task is not None:
            self.task.cancel()

    def lost_link(self) -> None:
        """Remember that events may be missed from now on."""
        self.stale = True
        self.looked = None
        self.progress = msgspec.structs.replace(self.progress, gap=True)
        self.woken.set()

    def sending(self, call: Call, text: str, virsh: str = "", *, instead: bool = False) -> None:
        """Note a call about to be made: to be kept first. `instead` of the newest one."""
        now, before = self.now(), self.progress.sent[: -1 if instead else None]
        if not call.long:
            self.at_rest.clear()
        self.progress = msgspec.structs.replace(self.progress, sent=(*before, Sent(call, now)))
        self._step(
            OperationStep(now, text, call.word, virsh),
            status=OperationStatus.RUNNING,
            started=self.record.started if self.record.started is not None else now,
        )

    def not_sending(self) -> None:
        """Take back the call that was about to be made."""
        *earlier, last = self.progress.sent
        self.progress = msgspec.structs.replace(self.progress, sent=tuple(earlier))
        *before, step = self.record.steps
        self._step(OperationStep(last.at, step.text), steps=tuple(before))

    def not_journalled(self, trouble: str) -> None:
        """Note why the journal does not hold it as it stands."""
        self.record = msgspec.structs.replace(self.record, unjournalled=trouble)

    def answered(
        self, index: int, error: str, hint: str, *, certain: bool, answer: CallAnswer | None = None
    ) -> None:
        """Note what came of a call, by its place among those sent."""
        now, sent = self.now(), list(self.progress.sent)
        sent[index] = msgspec.structs.replace(
            sent[index], ended=now, error=error, hint=hint, certain=certain, answer=answer
        )
        self.progress = msgspec.structs.replace(self.progress, sent=tuple(sent))
        if sent[index].call.looks:
            return
        steps = list(self.record.steps)
        # from the end: the log also has the calls in whose place others were made
        places = [number for number, step in enumerate(steps) if step.call]
        logged = [number for number, one in enumerate(sent) if not one.call.looks]
        place = places[logged.index(index) - len(logged)]
        took = now - sent[index].at
        steps[place] = msgspec.structs.replace(steps[place], took=took, error=error)
        self.record = msgspec.structs.replace(self.record, steps=tuple(steps))
        text = f"{steps[place].text} failed: {error}" if error else ""
        self._next(now, text, status=OperationStatus.VERIFYING)

    def said(self, text: str) -> bool:
        """Add a line to the log, unless it is there already; whether it was new."""
        if not text or any(step.text == text for step in self.record.steps):
            return False
        self._next(self.now(), text)
        return True

    def advance(self, workflow: Value, share: float | None, *lines: str, asked: str = "") -> None:
        """Note how the workflow that carries it out stands, 0 to 1, with lines for the log.

        `asked` is the id of an operation that it asked for, and that the lines tell of.

        What is learnt after the end does not open the operation again.
        """
        now = self.now()
        self.progress = msgspec.structs.replace(self.progress, workflow=workflow)
        if self.record.status.final:
            return
        self.record = msgspec.structs.replace(
            self.record,
            steps=(
                *self.record.steps,
                *(OperationStep(now, line, operation=asked) for line in lines if line),
            ),
            status=OperationStatus.RUNNING,
            started=self.record.started if self.record.started is not None else now,
            progress=share,
        )

    def is_far(self, share: float | None, moved: Moved | None = None) -> None:
        """Note how far a long call is, 0 to 1, and what bytes of it went over."""
        self.record = msgspec.structs.replace(self.record, progress=share, moved=moved)

    def ended(self, end: End) -> None:
        """Note the end."""
        now, result = self.now(), end.result
        if result is None and end.status is not OperationStatus.DONE:
            result = self.verb.leaves(self.request, self.progress.sent)
        self.handle.result = result
        self._next(
            now,
            end.outcome,
            status=end.status,
            ended=now,
            outcome=end.outcome,
            hint=end.hint,
            refused=end.refused,
            result={} if (brought := kept(result)) is None else brought.told(),
            countdown=None,
            question=None,
            progress=1.0 if end.status is OperationStatus.DONE else None,
            moved=None,
        )

    def _next(self, now: float, text: str, **changes: object) -> None:
        if text:
            self._step(OperationStep(now, text), **changes)
        else:
            self.record = msgspec.structs.replace(self.record, **changes)

    def _step(self, step: OperationStep, **changes: Any) -> None:
        steps = (*changes.pop("steps", self.record.steps), step)
        self.record = msgspec.structs.replace(self.record, steps=steps, **changes)


def adopted(case: Case) -> bool:
    """Whether a case was taken over from a console that ended."""
    return case.progress.adopted is not None


def awaited(case: Case) -> asyncio.Task[None] | None:
    """Return what others have to wait for; None: a question keeps nobody from anything."""
    return None if case.record.status is OperationStatus.ASKING else case.task


def recent_events(state: State, subject: ObjectKey, now: float) -> tuple[Event, ...]:
    """Return the newest events about an object, oldest first: a case begins with them. Pure.

    Of a snapshot those of its instance: it has none of its own.
    """
    owner = owner_of(subject)
    late = takewhile(lambda event: event.at >= now - LOOK_BACK, reversed(state.events))
    return tuple(event for event in late if event.subject == owner)[::-1]


def amendable(case: Case) -> bool:
    """Whether a case is over for whoever waits, and what it has come to may still change."""
    return case.record.status.final and is_amendable(case.verb, case.progress)


def is_amendable(verb: Verb, progress: Progress | None) -> bool:
    """Whether what an operation has come to may still change, although it is over. Pure."""
    if verb.workflow is None or progress is None or progress.workflow is None:
        return False
    return verb.workflow.amendable(progress.workflow)

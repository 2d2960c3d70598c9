"""What a request takes away, and how it is confirmed for that: decided here for every surface.

Pure: the state and the request are all that is looked at. The screens and the command line ask
what `danger_of` says, in its words; neither has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.model import (
    Drain,
    Job,
    Migrate,
    OperationRecord,
    Pause,
    Reboot,
    Request,
    Reset,
    ResumeMigration,
    Shutdown,
    State,
    Stop,
)
from core.model.text import clean
from core.operations import migration_danger, second_copy
from core.operations.caution import Caution, Danger
from core.operations.wording import listed, name_of
from core.state import resume_crash


@dataclass(frozen=True, slots=True)
class _Subjects:
    """What requests of one kind are for, as the parts of a sentence."""

    whom: str
    """`web on alpha`, `3 instances`."""
    many: bool

    @property
    def of_guest(self) -> str:
        return f"the {'guests' if self.many else 'guest'} of {self.whom}"

    @property
    def they_serve(self) -> str:
        return "they serve" if self.many else "it serves"

    @property
    def unwritten(self) -> str:
        return f"what {'their guests have' if self.many else 'its guest has'} not written to disk"


def _stop(_: Request, subjects: _Subjects) -> str:
    return f"Cuts the power of {subjects.whom}: {subjects.unwritten} is lost."


def _reset(_: Request, subjects: _Subjects) -> str:
    return f"Resets {subjects.whom} without asking: {subjects.unwritten} is lost."


def _shutdown(request: Request, subjects: _Subjects) -> str:
    text = f"Powers off {subjects.of_guest}: what {subjects.they_serve} ends."
    if isinstance(request, Shutdown) and request.then_stop:
        text += f" Cuts the power after {request.timeout:.0f} s: then {subjects.unwritten} is lost."
    return text


def _reboot(_: Request, subjects: _Subjects) -> str:
    return f"Reboots {subjects.of_guest}: what {subjects.they_serve} is interrupted."


def _pause(_: Request, subjects: _Subjects) -> str:
    until = "they are" if subjects.many else "it is"
    return f"Stops the vCPUs of {subjects.whom}: what {subjects.they_serve} stands still until "\
           f"{until} resumed."  # fmt: skip


def _resume_migration(_: Request, subjects: _Subjects) -> str:
    return f"Connects both hosts of {subjects.whom} again and fetches the rest of its memory."


def _drain(_: Request, subjects: _Subjects) -> str:
    return f"Moves every active instance away from {subjects.whom}."


_SENTENCES: Mapping[type[Request], tuple[Caution, Callable[[Request, _Subjects], str]]] = {
    Stop: (Caution.TYPE, _stop),
    Reset: (Caution.TYPE, _reset),
    Shutdown: (Caution.KEY, _shutdown),
    Reboot: (Caution.KEY, _reboot),
    Pause: (Caution.KEY, _pause),
    ResumeMigration: (Caution.KEY, _resume_migration),
    Drain: (Caution.TYPE, _drain),
}
"""By the kind of a request: how it is confirmed at least, and what it does."""


def least_caution(kind: type[Request]) -> Caution:
    """Return how a request is confirmed at least, whatever it is for: what a help page can say."""
    return _SENTENCES[kind][0] if kind in _SENTENCES else Caution.NONE


def danger(state: State, request: Request) -> Danger:
    """Return what one request takes away, as the state has it now."""
    return danger_of(state, (request,))


def danger_of(state: State, requests: Sequence[Request]) -> Danger:
    """Return what requests take away together: the strictest caution, every sentence once."""
    caution = max((_caution(state, request) for request in requests), default=Caution.NONE)
    kinds = dict.fromkeys(type(request) for request in requests)
    sentences = [
        sentence
        for kind in kinds
        for sentence in _sentences(state, [item for item in requests if type(item) is kind])
    ]
    sentences += filter(None, (second_copy.danger(state, request) for request in requests))
    return Danger(
        caution, "\n".join(sentences), _word(state, requests) if caution is Caution.TYPE else ""
    )


def _caution(state: State, request: Request) -> Caution:
    if isinstance(request, ResumeMigration) and any(resume_crash.crash_of(state, request.subject)):
        return Caution.TYPE
    cuts = isinstance(request, Shutdown) and request.then_stop
    if cuts or _vanishes(state, request) or second_copy.danger(state, request):
        return Caution.TYPE
    if isinstance(request, Migrate):
        return Caution.CONFIRM if migration_danger.of_migrate(state, [request]) else Caution.NONE
    return least_caution(type(request))


def _word(state: State, requests: Sequence[Request]) -> str:
    """A name with blanks at its ends or signs that cannot be typed gives way to the id."""
    if len(requests) > 1:
        return str(len(requests))
    name = name_of(state, requests[0])
    return name if name == clean(name).strip() else requests[0].subject.id


def _sentences(state: State, requests: Sequence[Request]) -> list[str]:
    """What requests of one kind do, then what that costs some of them beside."""
    first = requests[0]
    if isinstance(first, Migrate):
        return migration_danger.of_migrate(
            state, [item for item in requests if isinstance(item, Migrate)]
        )
    if type(first) not in _SENTENCES:
        return []
    _, sentence = _SENTENCES[type(first)]
    many = len(requests) > 1
    whom = f"{len(requests):,} instances" if many else _place(state, first)
    crash = resume_crash.crash_of(state, first.subject) if type(first) is ResumeMigration else ()
    return [
        *filter(None, crash),
        sentence(first, _Subjects(whom, many)),
        *_failing_jobs(state, requests),
        *_vanishing(state, requests),
    ]


def _place(state: State, request: Request) -> str:
    name, host = clean(name_of(state, request)), clean(request.subject.host)
    return host if request.subject.kind == "host" else f"{name} on {host}"


def _failing_jobs(state: State, requests: Sequence[Request]) -> list[str]:
    """A power cut ends libvirt's job with the guest; every other verb waits for it."""
    jobs: list[tuple[Request, Job]] = [
        (request, job)
        for request in requests
        if isinstance(request, Stop) and (job := state.jobs.get(request.subject)) is not None
    ]
    if not jobs:
        return []
    if len(requests) == 1:
        return [f"Its {jobs[0][1].kind} fails."]
    named = [f"{job.kind} of {clean(name_of(state, request))}" for request, job in jobs]
    return [f"Also fails: {listed(named)}."]


def _vanishing(state: State, requests: Sequence[Request]) -> list[str]:
    names = [clean(name_of(state, item)) for item in requests if _vanishes(state, item)]
    if not names:
        return []
    if len(names) == 1:
        return [f"{names[0]} is transient: once off, it cannot be started again."]
    return [f"{listed(names)} are transient: once off, they cannot be started again."]


def _vanishes(state: State, request: Request) -> bool:
    """Whether the instance itself is gone afterwards: libvirt drops a transient one once off."""
    ends = isinstance(request, Stop | Shutdown)
    instance = state.instances.get(request.subject)
    return ends and instance is not None and not instance.persistent


CANCEL = Caution.KEY
"""Cancelling an operation is confirmed by a yes; Ctrl-C on a command line asks by itself."""


def danger_of_cancel(record: OperationRecord) -> Danger:
    """Return what cancelling an operation does."""
    return Danger(CANCEL, _CANCELLED.get(record.verb, _UNDONE))


_UNDONE = "What it had begun is undone where that is possible."
_CANCELLED = {
    Drain.verb: "No further instance is begun; what is under way goes on to its end.",
    Migrate.verb: "It is aborted, and runs on where it is; not possible once it is in post-copy.",
}

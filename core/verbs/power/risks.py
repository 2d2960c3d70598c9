"""What the power verbs take away, in whole sentences."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.power.requests import Reboot, Shutdown, Start
from core.verbs.verb import Risk, Subjects
from core.verbs.wording import name_of


def _stop(_: Request, subjects: Subjects) -> str:
    return f"Cuts the power of {subjects.whom}: {subjects.unwritten} is lost."


def _reset(_: Request, subjects: Subjects) -> str:
    return f"Resets {subjects.whom} without asking: {subjects.unwritten} is lost."


def _shutdown(request: Request, subjects: Subjects) -> str:
    text = f"Powers off {subjects.of_guest}: what {subjects.they_serve} ends."
    if isinstance(request, Shutdown) and request.then_stop:
        if subjects.many:
            late = f"Those that do not obey in {request.timeout:.0f} s have their power cut"
        else:
            late = f"If it does not obey in {request.timeout:.0f} s, its power is cut"
        text += f" {late}, unless you wait on: then {subjects.unwritten} is lost."
    return text


def _reboot(request: Request, subjects: Subjects) -> str:
    text = f"Reboots {subjects.of_guest}: what {subjects.they_serve} is interrupted."
    if isinstance(request, Reboot) and request.then_hard:
        text += f" Cuts the power after {request.timeout:.0f} s, and starts again: then "\
                f"{subjects.unwritten} is lost."  # fmt: skip
    return text


def _hard_reboot(_: Request, subjects: Subjects) -> str:
    they, are = ("they", "are") if subjects.many else ("it", "is")
    return (
        f"Cuts the power of {subjects.whom}, and starts {'them' if subjects.many else 'it'} as "
        f"{they} {are} defined now: {subjects.unwritten} is lost."
    )


def _of_rebooting(_: State, request: Request) -> Caution:
    hard = isinstance(request, Reboot) and request.then_hard
    return Caution.TYPE if hard else Caution.NONE


def _pause(_: Request, subjects: Subjects) -> str:
    until = "they are" if subjects.many else "it is"
    return f"Stops the vCPUs of {subjects.whom}: what {subjects.they_serve} stands still until "\
           f"{until} resumed."  # fmt: skip


def _forgets(state: State, request: Request) -> bool:
    instance = state.instances.get(request.subject)
    saved = instance is not None and instance.managed_save
    return saved and isinstance(request, Start) and request.forget_saved


def _of_starting(state: State, request: Request) -> Caution:
    return Caution.TYPE if _forgets(state, request) else Caution.NONE


def _forgetting(state: State, requests: Sequence[Request]) -> list[str]:
    names = [clean(name_of(state, item)) for item in requests if _forgets(state, item)]
    unwritten = "what was not written to disk is lost"
    return [f"Throws the saved memory of {listed(names)} away: {unwritten}."] if names else []


def _vanishes(state: State, request: Request) -> bool:
    """Whether the instance itself is gone once off: libvirt drops a transient one then."""
    instance = state.instances.get(request.subject)
    return instance is not None and not instance.persistent


def _of_ending(state: State, request: Request) -> Caution:
    if _vanishes(state, request):
        return Caution.TYPE
    cuts = isinstance(request, Shutdown) and request.then_stop
    return Caution.CONFIRM if cuts else Caution.NONE


def _vanishing(state: State, requests: Sequence[Request]) -> list[str]:
    names = [clean(name_of(state, item)) for item in requests if _vanishes(state, item)]
    if not names:
        return []
    if len(names) == 1:
        return [f"{names[0]} is transient: once off, it cannot be started again."]
    return [f"{listed(names)} are transient: once off, they cannot be started again."]


def _failing_jobs(state: State, requests: Sequence[Request]) -> list[str]:
    """A power cut ends libvirt's job with the guest; every other verb waits for it."""
    jobs = [(request, job) for request in requests for job in _jobs(state, request)]
    if not jobs:
        return []
    if len(requests) == 1:
        what = listed([job for _, job in jobs])
        return [f"Its {what} {'fails' if len(jobs) == 1 else 'fail'}."]
    named = [f"{job} of {clean(name_of(state, request))}" for request, job in jobs]
    return [f"Also fails: {listed(named)}."]


def _jobs(state: State, request: Request) -> list[str]:
    """Return what runs on an instance and on its disks: `save`, `copy of vda`."""
    job, run = state.jobs.get(request.subject), state.runs.get(request.subject)
    running = () if run is None else run.running_block_jobs
    return [*([job.kind] if job else []), *(f"{one.type} of {one.disk}" for one in running)]


def _of_stopping(state: State, requests: Sequence[Request]) -> list[str]:
    return [*_failing_jobs(state, requests), *_vanishing(state, requests)]


STOP = Risk(Caution.TYPE, _stop, raised=_of_ending, after=_of_stopping)
RESET = Risk(Caution.TYPE, _reset)
START = Risk(raised=_of_starting, after=_forgetting)
SHUTDOWN = Risk(Caution.KEY, _shutdown, raised=_of_ending, after=_vanishing)
REBOOT = Risk(Caution.KEY, _reboot, raised=_of_rebooting)
HARD_REBOOT = Risk(Caution.TYPE, _hard_reboot, after=_failing_jobs)
PAUSE = Risk(Caution.KEY, _pause)

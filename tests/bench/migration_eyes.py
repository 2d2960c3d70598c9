"""Who looks on at the migrations of a bench, whoever runs them: the same eyes for all.

Two connections of the bench's own that get libvirt's events and ask for nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.lab import Lab, LabHost


@dataclass(frozen=True)
class Told:
    """An event of libvirt's, when it came in (epoch seconds)."""

    at: float
    host: str
    name: str
    what: str
    values: dict[str, Any] = field(default_factory=dict)


class Eyes:
    """Gets the events of both hosts. Written by the thread `virt-events`, read by any."""

    def __init__(self, lab: Lab) -> None:
        event_loop.ensure_running()
        self.told: list[Told] = []
        self._connections = [self._open(host) for host in lab.hosts]

    def _open(self, host: LabHost) -> Any:
        connection = libvirt.open(host.uri)

        def lifecycle(_: Any, domain: Any, event: int, detail: int, *__: Any) -> None:
            self._note(host, domain, f"lifecycle-{event}-{detail}-")

        def iteration(_: Any, domain: Any, number: int, *__: Any) -> None:
            self._note(host, domain, "pass")

        def completed(_: Any, domain: Any, values: dict[str, Any], *__: Any) -> None:
            self._note(host, domain, "completed", dict(values))

        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, iteration),
            (libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, completed),
        ):
            connection.domainEventRegisterAny(None, event, callback, None)
        return connection

    def _note(
        self, host: LabHost, domain: Any, what: str, values: dict[str, Any] | None = None
    ) -> None:
        self.told.append(Told(time.time(), host.name, domain.name(), what, values or {}))

    def close(self) -> None:
        """Look no more."""
        for connection in self._connections:
            connection.close()

    def course(self, name: str, source: str, since: float) -> Course:
        """What became of a migration of `name` that was asked for at `since`."""
        events = [one for one in self.told if one.name == name and one.at >= since]
        here = [one for one in events if one.host == source]
        there = [one for one in events if one.host != source]
        suspended = f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_SUSPENDED}-"
        begun, done = _first(here, "pass"), _last(here, "completed")
        gone = _first(here, f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_STOPPED}-")
        switched = _first(here, f"{suspended}{libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY}-")
        stood = _first(here, suspended)
        resumed = _first(there, f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_RESUMED}-")
        finished = gone is not None and resumed is not None
        end = done or gone
        return Course(
            finished=finished,
            begun=begun.at if begun else None,
            completed=done.at if done else None,
            total=end.at - begun.at if finished and end and begun else None,
            downtime=float(done.values["downtime"]) if done and "downtime" in done.values else None,
            seen=max(resumed.at - stood.at, 0.0) * 1000 if finished and resumed and stood else None,
            post_copy=switched is not None,
            values=done.values if done else {},
        )


def _first(told: list[Told], what: str) -> Told | None:
    return next((one for one in told if one.what.startswith(what)), None)


def _last(told: list[Told], what: str) -> Told | None:
    return _first(told[::-1], what)


@dataclass(frozen=True)
class Course:
    """A migration as its events told it; None: it did not happen, or was not told."""

    finished: bool
    begun: float | None
    """When the first pass began, epoch seconds."""
    completed: float | None
    """When JOB_COMPLETED came in, epoch seconds."""
    total: float | None
    """Seconds from the first pass to JOB_COMPLETED."""
    downtime: float | None
    """Milliseconds, as libvirt measured it."""
    seen: float | None
    """Milliseconds between the events of the guest's stop and of its going on."""
    post_copy: bool
    values: dict[str, Any]
    """libvirt's record of the job."""

"""The preflight of live hosts: both are looked at together, then everything is judged.

Looking takes some calls to both hosts; judging takes none. What was seen is kept for some seconds,
so that an operator who tries options in a dialog has each answer at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar
from weakref import WeakValueDictionary

from msgspec.structs import replace

from core.clock import Clock
from core.errors import VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.preflight import (
    InstanceNeeds,
    read_job,
    read_needs_of,
    read_source,
)
from core.hypervisor.observe.preflight_destination import read_destination
from core.hypervisor.session import Hypervisor
from core.migration.execution.measure import measure as measure_use
from core.migration.plan.connected import with_connected
from core.migration.preflight.assessment import assess
from core.migration.preflight.facts import DestinationFacts, Facts, FailedLook, SourceFacts, Trouble
from core.migration.preflight.judge import wanted_needs
from core.migration.preflight.xml import question_xml
from core.model import UNMEASURED, LinkStatus, MemoryUse, ObjectKey, Preflight, Rewrites, State
from core.verbs.migration.requests import Migrate

T = TypeVar("T")
_Key = tuple[ObjectKey, str, str, Rewrites]

LOOK_DEADLINE = 8.0
"""Seconds a host may take for each of its answers."""
JOB_DEADLINE = 2.0
"""Seconds the question for its job may take."""
FACTS_KEPT = 3.0
"""Seconds for which what was seen is judged again without another look."""
USE_KEPT = 120.0
"""Seconds for which it is of use how a guest uses its memory."""
_GONE = Trouble("the instance is not there any more.", "Look at the list again.")


class Preflights:
    """Preflights of a fleet. On the core's asyncio loop only."""

    def __init__(
        self, hosts: Mapping[str, Hypervisor], state: Callable[[], State], clock: Clock
    ) -> None:
        self._hosts = hosts
        self._state = state
        self._clock = clock
        self._kept: dict[_Key, tuple[float, Facts]] = {}
        self._uses: dict[ObjectKey, tuple[float, MemoryUse]] = {}
        self._measuring: WeakValueDictionary[ObjectKey, asyncio.Lock] = WeakValueDictionary()

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        """Return all that speaks against a migration; a host that does not answer is a finding.

        `measure` waits some seconds to see how the guest uses its memory, which the forecast wants,
        unless it was measured within two minutes; `fresh` looks again whatever was seen before.
        """
        request = with_connected(self._state(), request)
        subject = request.subject
        asked = measure and not request.offline and request.post_copy != "at-once"
        measure = asked and self._use(subject) is UNMEASURED
        facts = await self._facts(request, fresh=fresh or measure)
        if measure:
            lock = self._measuring.setdefault(subject, asyncio.Lock())
            async with lock:
                if self._use(subject) is UNMEASURED:  # nobody did while we waited
                    await self._measure(subject, facts)
        facts = replace(facts, memory=self._use(subject))
        return assess(request, facts, self._state(), self._clock.now())

    async def _facts(self, request: Migrate, *, fresh: bool) -> Facts:
        now = self._clock.monotonic()
        self._kept = {
            key: (seen, kept) for key, (seen, kept) in self._kept.items() if now - seen < FACTS_KEPT
        }
        key = (request.subject, request.to, request.destination_name, request.rewrites)
        if not fresh and key in self._kept:
            return self._kept[key][1]
        facts = await self._gather(request)
        # a host that did not answer is asked again at once when it may
        if facts.source_trouble is None and facts.destination_trouble is None:
            self._kept[key] = self._clock.monotonic(), facts
        return facts

    async def _gather(self, request: Migrate) -> Facts:
        at, subject = self._clock.now(), request.subject
        here, there = self._hosts.get(subject.host), self._hosts.get(request.to)
        facts = Facts(at=at)
        if there is not None:
            facts = replace(facts, destination_uri=there.address.shown)
        if here is None or here is there:
            return facts
        first, trouble = await _ask(here, lambda conn: read_needs_of(conn, subject.id))
        if first is None:
            return replace(facts, source_trouble=trouble or _GONE)
        (source, trouble), (destination, no_answer) = await asyncio.gather(
            self._source(here, subject.id, at, first), self._destination(there, request, first, at)
        )
        return replace(
            facts,
            source=source,
            source_trouble=trouble or (_GONE if source is None else None),
            destination=destination,
            destination_trouble=no_answer,
        )

    async def _source(
        self, host: Hypervisor, uuid: str, at: float, first: InstanceNeeds
    ) -> tuple[SourceFacts | None, Trouble | None]:
        address = host.address
        # apart from the rest: with a hypervisor process that hangs, it is this that is not answered
        (source, trouble), (job, no_job) = await asyncio.gather(
            _ask(host, lambda conn: read_source(conn, address, uuid, at, first)),
            _ask(host, lambda conn: read_job(conn, uuid), JOB_DEADLINE),
        )
        if source is None:
            return None, trouble
        gap = () if no_job is None else (FailedLook("job", no_job.message.rstrip(".")),)
        return replace(source, job=job, gaps=(*source.gaps, *gap)), None

    async def _destination(
        self, host: Hypervisor | None, request: Migrate, first: InstanceNeeds, at: float
    ) -> tuple[DestinationFacts | None, Trouble | None]:
        if host is None:
            return None, None
        wanted = wanted_needs(request, first.xml, first.needs)
        xml = question_xml(request, first.xml)
        return await _ask(
            host,
            lambda conn: read_destination(
                conn,
                host.address,
                wanted,
                at,
                xml=xml,
                name=request.destination_name,
                host_cpu=first.host_cpu,
            ),
        )

    async def _measure(self, subject: ObjectKey, facts: Facts) -> None:
        host, source = self._hosts.get(subject.host), facts.source
        needs = None if source is None else source.needs
        if host is None or source is None or needs is None or not source.active:
            return
        if source.job != "":  # a job runs, or it is not known
            return
        use = await measure_use(host, subject.id, needs.instance.memory_maximum)
        if use != UNMEASURED:
            self._uses[subject] = self._clock.monotonic(), use

    def _use(self, subject: ObjectKey) -> MemoryUse:
        measured, use = self._uses.get(subject, (float("-inf"), UNMEASURED))
        return use if self._clock.monotonic() - measured < USE_KEPT else UNMEASURED


async def _ask(
    host: Hypervisor, function: Callable[[Connection], T], deadline: float | None = None
) -> tuple[T | None, Trouble | None]:
    """Return what a host tells, or why it does not."""
    if host.link.status is not LinkStatus.UP:
        return None, Trouble(host.link.error or "its link is not up.", host.link.hint)
    try:
        return await host.call(function, deadline=deadline or LOOK_DEADLINE), None
    except VirtdeckError as error:
        return None, Trouble(error.message, error.hint)

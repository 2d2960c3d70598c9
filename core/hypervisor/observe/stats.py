"""The statistics of one host: one bulk call a tick, alive through hung hypervisor processes.

For the link:

    statistics = Statistics(host, clock, interval, make_lane)
    while up:
        sink(await statistics.tick())     # a Sampled, about every `interval` seconds
    statistics.close()                    # when the link goes down or is closed

`make_lane()` gives a fresh lane (`core.hypervisor.connection.lane.Lane` will do): `usable`,
`close()` and `await call(function, deadline=)`, which abandons the lane when it raises
DeadlineError. One lane asks in the ticks; a second one is opened only while somebody does not
answer. One `tick` at a time. After a reconnect make a new `Statistics`: what a restarted daemon's
calls hang on is not known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from core.clock import Clock
from core.errors import DeadlineError, VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.stats_plan import StatisticsPlan
from core.hypervisor.observe.stats_read import StatsAnswer, StatsQuestion, ask, ask_some, check_all
from core.model.observation import Sampled
from core.model.stats import Counters

T = TypeVar("T")
_log = logging.getLogger(__name__)

_OPEN_DEADLINE = 15.0
_SCAN_DEADLINE = 5.0


class StatisticsLane(Protocol):
    """What the statistics need of a lane."""

    @property
    def usable(self) -> bool:
        """Whether it takes another call."""
        ...

    async def call(self, function: Callable[[Connection], T], *, deadline: float) -> T:
        """Run `function(conn)` on the lane's thread; raises DeadlineError and others."""
        ...

    def close(self) -> None:
        """Give the connection back once its call, if any, returns. Returns at once."""
        ...


class Statistics:
    """Asks one host for its figures. All methods on the caller's asyncio loop."""

    def __init__(
        self,
        host: str,
        clock: Clock,
        interval: float,
        make_lane: Callable[[], StatisticsLane],
    ) -> None:
        self._host = host
        self._clock = clock
        self._plan = StatisticsPlan(interval)
        self._ticks = _Renewing(make_lane)
        self._probes = _Renewing(make_lane)
        self._probing: asyncio.Task[None] | None = None
        self._interval = interval
        self._handles: dict[str, Any] = {}
        """By UUID, of the connection that asks in the ticks."""
        self.cpu = 0.0
        """Seconds of processor time that the last tick took on its lane."""
        self.own_figures = False
        """Whether to ask for the hypervisor's own figures as well, in the same calls."""

    async def tick(self, only: Sequence[str] = ()) -> Sampled:
        """Ask once and return every active instance's counters.

        With `only` those of some, where nobody is hung and it is known whom to ask: a sample of
        `some`. Else of all.

        Returns within a deadline of two to three ticks even when a process is hung; then the
        counters of those not asked everything are `partial`. Raises DeadlineError when the daemon
        itself does not answer, and what the lane raises when the link is down.
        """
        question = replace(self._plan.next(), own=self.own_figures)
        handles = {uuid: self._handles[uuid] for uuid in only if uuid in self._handles}
        answer = await self._ask_in_tick(question, handles if self._plan.calm else {})
        self._start_probe()
        return self._sampled(answer.counters or {}, some=answer.some)

    def close(self) -> None:
        """Stop probing and give both connections back. Returns at once."""
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None
        self._handles = {}  # each would keep the connection open
        self._ticks.close()
        self._probes.close()

    async def _ask_in_tick(self, question: StatsQuestion, some: dict[str, Any]) -> StatsAnswer:
        started = self._clock.monotonic()
        answer = StatsAnswer()
        known, self._handles = self._handles, {}  # of a lane that is lost they are worth nothing
        try:
            await self._ticks.call(_asking(question, answer, some), self._plan.deadline)
        except DeadlineError:
            if not question.one_call and answer.counters is None:
                raise  # not even the call that waits for no process: the daemon itself is hung
            self._plan.timed_out(question)
            _log.info("%s: the bulk statistics call is stuck; looking for the cause", self._host)
            told = _snapshot(answer)
            if self._probing is not None:
                return told
            probed = await self._probe()
            return told if probed.counters is None else probed
        self.cpu = answer.cpu
        if answer.some:
            self._handles = known
            self._plan.answered_by_some(answer)
        else:
            self._handles, answer.handles = answer.handles, {}
            self._plan.answered(answer, self._clock.monotonic() - started)
        return answer

    async def _probe(self) -> StatsAnswer:
        """Ask the suspects aside from the ticks; raises DeadlineError when the daemon is hung."""
        question = self._plan.probe()
        answer = StatsAnswer()
        if question is None:
            return answer
        question = replace(question, own=self.own_figures)
        try:
            await self._probes.call(_asking(question, answer), self._plan.probe_deadline)
        except DeadlineError:
            if answer.counters is None:
                raise
            stuck = _snapshot(answer)
            self._plan.probe_timed_out(stuck, await self._scan(stuck))
            return stuck
        self._plan.probe_answered(answer)
        return answer

    async def _scan(self, stuck: StatsAnswer) -> StatsAnswer:
        scan = StatsAnswer()

        def check(conn: Connection) -> None:
            check_all(conn, stuck.asked, scan)

        try:
            await self._probes.call(check, _SCAN_DEADLINE)
        except DeadlineError:
            _log.debug("%s: the scan for hung processes took too long", self._host)
        return scan

    def _start_probe(self) -> None:
        if self._probing is None and self._plan.probe() is not None:
            self._probing = asyncio.create_task(self._probe_aside(), name=f"probe-{self._host}")

    async def _probe_aside(self) -> None:
        try:
            await self._probe()
        except VirtdeckError as error:  # the next tick meets the same and reports it
            _log.debug("%s: the probe failed: %s", self._host, error)
        finally:
            self._probing = None

    def _sampled(self, counters: dict[str, Counters], *, some: bool) -> Sampled:
        silent = tuple(uuid for uuid in self._plan.silent if uuid in counters)
        return Sampled(
            *(self._host, self._clock.now(), counters, silent), some=some, interval=self._interval
        )


class _Renewing:
    """A lane that is replaced by a fresh one when a stuck call has cost it."""

    def __init__(self, make_lane: Callable[[], StatisticsLane]) -> None:
        self._make_lane = make_lane
        self._lane: StatisticsLane | None = None

    async def call(self, function: Callable[[Connection], T], deadline: float) -> T:
        """Make a call on the present lane, or on a fresh one opened before the deadline runs."""
        if self._lane is None or not self._lane.usable:
            self._lane = self._make_lane()
            await self._lane.call(_nothing, deadline=_OPEN_DEADLINE)
        return await self._lane.call(function, deadline=deadline)

    def close(self) -> None:
        """Close the lane, if there is one."""
        if self._lane is not None:
            self._lane.close()
            self._lane = None


def _nothing(conn: Connection) -> None:
    """Have the lane open its connection."""


def _asking(
    question: StatsQuestion, answer: StatsAnswer, some: dict[str, Any] | None = None
) -> Callable[[Connection], None]:
    def asking(conn: Connection) -> None:
        started = time.thread_time()
        if some:
            ask_some(conn, some, question.check, answer, own=question.own)
        else:
            ask(conn, question, answer)
        answer.cpu = time.thread_time() - started

    return asking


def _snapshot(answer: StatsAnswer) -> StatsAnswer:
    """Return what an answer holds now: the stuck call may write into the original later."""
    return StatsAnswer(answer.counters, answer.asked, dict(answer.control), answer.complete)

"""The statistics clock of one host: a bulk call every interval while the link is up.

Where sampling all of its instances that often would cost too much, only those in view are asked in
every tick, and all of them as often as the pace of the fleet allows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from itertools import islice
from math import inf

from msgspec.structs import replace

from core.clock import Clock
from core.errors import VirtdeckError
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.observe.pace import Pace
from core.hypervisor.observe.refresher import Sink
from core.hypervisor.observe.stats import Statistics
from core.hypervisor.observe.stats_read import OWN_SINCE
from core.model import ObjectKey
from core.model.observation import Sampled

PART = 500
"""Instances that the state takes over in one go: about 10 ms."""
IN_VIEW = 200
"""Instances that are asked in every tick at most: more than a terminal has lines."""
_log = logging.getLogger(__name__)


class Sampler:
    """Hands over a `Sampled` about every `statistics_interval`. All methods on the core's loop.

    A tick starts when the one before is over: a slow host is asked less often, never twice at once.
    """

    def __init__(self, connector: Connector, clock: Clock, sink: Sink, pace: Pace) -> None:
        self._connector = connector
        self._pace = pace
        self._in_view: tuple[str, ...] = ()
        self._looked = asyncio.Event()
        self._whole_at = 0.0
        """When all instances were sampled last (monotonic)."""
        self._clock = clock
        self._sink = sink
        self._task: asyncio.Task[None] | None = None
        self._lanes: list[Lane] = []
        self._turn = asyncio.Lock()
        """Held while a tick asks, and by whoever wants nothing asked."""
        self.libvirt = 0
        """The daemon's version as libvirt counts; 0: not known yet."""

    @property
    def ended(self) -> bool:
        """Whether no more will come: none are asked for, or all that were have come."""
        return not self._connector.options.statistics_interval or (
            self._task is not None and self._task.done()
        )

    def start(self) -> None:
        """Begin to ask: the link is up."""
        if self._connector.options.statistics_interval and self._task is None:
            name = f"statistics-{self._connector.address.name}"
            self._task = asyncio.create_task(self._run(), name=name)

    def prefer(self, keys: Iterable[ObjectKey]) -> None:
        """Ask these instances in every tick, if not all can be: somebody looks at them."""
        uuids = (key.id for key in keys if key.kind == "instance")
        self._in_view = tuple(islice(uuids, IN_VIEW))
        self._looked.set()

    def held(self) -> AbstractAsyncContextManager[object]:
        """Ask nothing meanwhile, once the tick that is under way is over: two to three at most."""
        return self._turn

    def stop(self) -> None:
        """Ask no more: the link is down. What is still asked is not handed over."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> tuple[Lane, ...]:
        """Stop for good; returns the lanes whose threads still run."""
        self.stop()
        for lane in self._lanes:
            lane.close()
        return tuple(lane for lane in self._lanes if not lane.ended)

    async def _run(self) -> None:
        options = self._connector.options
        interval, left = options.statistics_interval, options.statistics_limit
        host = self._connector.address.name
        statistics = Statistics(host, self._clock, interval, self._make_lane)
        self._whole_at = -inf
        try:
            while left is None or left > 0:
                started = self._clock.monotonic()
                statistics.own_figures = self.libvirt >= OWN_SINCE
                try:
                    async with self._turn:
                        sampled = await statistics.tick(() if self._due(started) else self._in_view)
                    spent = statistics.cpu + await self._hand_over(sampled)
                    if not sampled.some:
                        self._whole_at = started
                        self._pace.sampled(host, spent)
                    if left is not None and _whole(sampled):
                        left -= 1
                except VirtdeckError as error:  # the link has its own eyes for a dead host
                    _log.info("no statistics of %s: %s", host, error)
                except Exception:
                    _log.exception("the statistics of %s failed in a way they should not", host)
                elapsed = self._clock.monotonic() - started
                if left != 0:
                    await asyncio.sleep(max(interval - elapsed, interval / 10))
                    await self._until_asked()
        finally:
            statistics.close()

    def _due(self, now: float) -> bool:
        """Whether it is time to sample all instances; a tick that is a little early counts.

        It always is where a few samples are asked for: somebody waits for them.
        """
        options = self._connector.options
        interval = options.statistics_interval
        return (
            options.statistics_limit is not None
            or now >= self._whole_at + self._pace.sample_every(interval) - interval / 10
        )

    async def _until_asked(self) -> None:
        """Wait until somebody looks at an instance, or all of them are due."""
        while not (self._in_view or self._due(self._clock.monotonic())):
            interval = self._connector.options.statistics_interval
            due = self._whole_at + self._pace.sample_every(interval)
            self._looked.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - self._clock.monotonic())):
                    await self._looked.wait()

    async def _hand_over(self, sampled: Sampled) -> float:
        """Give a sample to the sink; the processor time that took, in seconds."""
        spent = 0.0
        for part in parts_of(sampled):
            started = time.thread_time()
            self._sink(part)
            spent += time.thread_time() - started
            await asyncio.sleep(0)  # a sample of thousands keeps nobody waiting
        return spent

    def _make_lane(self) -> Lane:
        self._lanes = [lane for lane in self._lanes if not lane.ended]
        lane = Lane(f"lane-{self._connector.address.name}-statistics", self._connector)
        self._lanes.append(lane)
        return lane


def parts_of(sampled: Sampled, most: int = PART) -> Iterator[Sampled]:
    """Yield a sample in parts of `most` instances; a small one as it is. Pure."""
    parts = -(-len(sampled.instances) // most)
    if parts <= 1:
        yield sampled
        return
    items = iter(sampled.instances.items())
    for part in range(parts):
        some = dict(islice(items, most))
        yield replace(sampled, instances=some, part=part, parts=parts)


def _whole(sampled: Sampled) -> bool:
    """Whether a sample has the figures of every instance: no process was passed over."""
    return not sampled.some and not any(counters.partial for counters in sampled.instances.values())

"""What tests of the link share: a sink that remembers, and waiting for conditions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from core.clock import SystemClock
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.session import Hypervisor
from core.model.host import LinkStatus
from core.model.instance import Instance
from core.model.observation import (
    InstanceGone,
    InstanceRead,
    InstancesDescribed,
    LinkChanged,
    Listed,
    Observation,
)
from core.state.instances import with_description
from tests.patience import PATIENCE

T = TypeVar("T")
QUICK = LinkOptions(
    keepalive_interval=1,
    keepalive_count=2,
    connect_timeout=10.0,
    statistics_interval=0.1,
    sweep_interval=0,
    backoff_first=0.02,
    backoff_limit_local=0.2,
)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Return when the condition holds; raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds * PATIENCE):
        while not condition():  # noqa: ASYNC110 - conditions are about threads and other processes
            await asyncio.sleep(0.005)


class Collector:
    """A sink: every observation, and the instances as they follow from them."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.instances: dict[str, Instance] = {}

    def __call__(self, observation: Observation) -> None:
        self.seen.append(observation)
        match observation:
            case Listed() if "instances" in observation.kinds:
                self.instances = {i.uuid: self._as_known(i) for i in observation.instances}
            case InstancesDescribed():
                for read in observation.instances:
                    old = self.instances.get(read.uuid)
                    if old is not None:
                        self.instances[read.uuid] = with_description(old, read)
            case InstanceRead():
                self.instances[observation.instance.uuid] = observation.instance
            case InstanceGone():
                self.instances.pop(observation.uuid, None)

    def _as_known(self, listed: Instance) -> Instance:
        """A listing takes no description away: a sweep may follow one before anybody looks."""
        old = self.instances.get(listed.uuid)
        if old is None or not old.described or listed.described:
            return listed
        return with_description(listed, old)

    def of(self, kind: type[T]) -> list[T]:
        """Return the observations of one kind."""
        return [item for item in self.seen if isinstance(item, kind)]

    def listings(self, kind: str) -> int:
        """Return how often a kind of object was listed."""
        return sum(kind in listed.kinds for listed in self.of(Listed))

    @property
    def statuses(self) -> list[LinkStatus]:
        """Return the link's statuses, repetitions left out."""
        result: list[LinkStatus] = []
        for change in self.of(LinkChanged):
            if not result or result[-1] != change.link.status:
                result.append(change.link.status)
        return result

    @property
    def status(self) -> LinkStatus | None:
        """Return the link's status now."""
        return self.statuses[-1] if self.statuses else None

    def last(self, kind: type[T]) -> T:
        """Return the newest observation of one kind."""
        return self.of(kind)[-1]


@asynccontextmanager
async def linked(
    uri: str, options: LinkOptions = QUICK, name: str = "host"
) -> AsyncIterator[tuple[Hypervisor, Collector]]:
    """Start a host, give it and what it tells, close it."""
    seen = Collector()
    host = Hypervisor(name, uri, sink=seen, clock=SystemClock(), options=options)
    await host.start()
    try:
        yield host, seen
    finally:
        await host.close()


def described(seen: Collector, instances: int) -> Callable[[], bool]:
    """Return the condition that so many instances are known, each with its description."""
    return lambda: (
        len(seen.instances) == instances and all(i.described for i in seen.instances.values())
    )

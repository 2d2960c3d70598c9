"""Statistics of libvirt's test driver, over real lanes."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import VirtdeckError
from core.hypervisor.connection.binding import libvirt, load
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe.pace import Pace
from core.hypervisor.observe.stats import Statistics
from core.hypervisor.session import Hypervisor
from core.model import Counters, ObjectKey
from core.model.observation import Observation, Sampled
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import CountingBinding, instance_xml, uuid_of, wait_for


class Slow(Pace):
    """A fleet that can pay for no second sample of all."""

    seconds = 1e6

    def sample_every(self, interval: float) -> float:
        return max(interval, self.seconds)


@asynccontextmanager
async def sampled_host(
    options: LinkOptions, pace: Pace
) -> AsyncIterator[tuple[Hypervisor, list[Sampled]]]:
    """A host of seven active instances, and what was sampled of it."""
    seen: list[Sampled] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, Sampled):
            seen.append(observation)

    with PrivateDaemon(9, running=6) as daemon:
        host = Hypervisor(
            *("alpha", daemon.uri), sink=sink, clock=SystemClock(), options=options, pace=pace
        )
        await host.start()
        yield host, seen
        await host.close()


def statistics_of(uri: str, lanes: list[Lane]) -> Statistics:
    connector = Connector(parse_uri(uri), LinkOptions())

    def make_lane() -> Lane:
        lanes.append(Lane("lane-test", connector))
        return lanes[-1]

    return Statistics("alpha", SystemClock(), 0.1, make_lane)


def world(directory: Path, instances: int) -> str:
    path = directory / f"world-{instances}.xml"
    body = "".join(instance_xml(number) for number in range(instances))
    path.write_text(f"<node>{body}</node>")
    return f"test://{path}"


@pytest.mark.parametrize("instances", [6, 300])
async def test_one_call_a_tick_whatever_the_number_of_instances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instances: int
) -> None:
    lanes: list[Lane] = []
    statistics = statistics_of(world(tmp_path, instances), lanes)
    await statistics.tick()
    counting = CountingBinding(load().libvirtmod)
    monkeypatch.setattr(load(), "libvirtmod", counting)
    sampled = await statistics.tick()
    monkeypatch.undo()
    assert counting.remote == ["virConnectGetAllDomainStats"]
    assert set(sampled.instances) == {uuid_of(number) for number in range(instances)}
    assert sampled.instances[uuid_of(0)] == Counters(state=1, reason=0)
    assert (sampled.host, sampled.silent, len(lanes)) == ("alpha", (), 1)
    statistics.close()
    gc.collect()
    wait_for(lambda: lanes[0].ended)


async def test_those_in_view_are_asked_in_one_call_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes: list[Lane] = []
    statistics = statistics_of(world(tmp_path, 50), lanes)
    await statistics.tick()
    counting = CountingBinding(load().libvirtmod)
    monkeypatch.setattr(load(), "libvirtmod", counting)
    sampled = await statistics.tick([uuid_of(3), uuid_of(7)])
    monkeypatch.undo()
    assert counting.remote == ["virDomainListGetStats"]
    assert (sampled.some, sampled.instances.keys()) == (True, {uuid_of(3), uuid_of(7)})
    statistics.close()
    gc.collect()
    wait_for(lambda: lanes[0].ended)


async def test_a_fleet_that_cannot_pay_samples_what_is_in_view() -> None:
    pace = Slow()
    options = LinkOptions(statistics_interval=0.05, sweep_interval=0)
    async with sampled_host(options, pace) as (host, seen):
        await until(lambda: seen)
        assert len(seen[0].instances) == 7
        host.prefer(tuple(ObjectKey("instance", "alpha", uuid_of(number)) for number in (2, 4)))
        await until(lambda: len(seen) > 3)
        assert [one.some for one in seen[1:4]] == [True] * 3
        assert seen[3].instances.keys() == {uuid_of(2), uuid_of(4)}
        host.prefer(())
        counts = [len(seen)]
        while len(counts) < 20 and counts[-1] not in counts[:-1]:
            await asyncio.sleep(0.3)  # six ticks
            counts.append(len(seen))
        assert counts[-1] in counts[:-1], "nobody looks at anything"
        pace.seconds = 0.0
        host.prefer((ObjectKey("pool", "alpha", "any"),))
        await until(lambda: not seen[-1].some)


async def test_a_command_that_waits_for_two_samples_waits_for_no_pace() -> None:
    options = LinkOptions(statistics_interval=0.05, statistics_limit=2, sweep_interval=0)
    async with sampled_host(options, Slow()) as (host, seen):
        await until(lambda: host.unread is not None and not host.unread.sampling)
    assert [(one.some, len(one.instances)) for one in seen] == [(False, 7)] * 2


async def test_only_active_instances_are_sampled() -> None:
    keeper = libvirt.open("test:///default")  # keeps the one default world alive
    lanes: list[Lane] = []
    statistics = statistics_of("test:///default", lanes)
    off = keeper.defineXML(instance_xml(700, "off"))
    sampled = await statistics.tick()
    assert uuid_of(700) not in sampled.instances
    off.create()
    assert uuid_of(700) in (await statistics.tick()).instances
    off.destroy()
    off.undefine()
    assert uuid_of(700) not in (await statistics.tick()).instances
    statistics.close()


async def test_a_host_that_cannot_be_reached_is_an_error() -> None:
    statistics = statistics_of("test+unix:///default?socket=/nonexistent/socket", [])
    with pytest.raises(VirtdeckError):
        await statistics.tick()
    statistics.close()


async def test_nothing_is_sampled_while_a_call_is_not_to_be_disturbed() -> None:
    options = LinkOptions(statistics_interval=0.01, sweep_interval=0)
    during: list[int] = []

    async with sampled_host(options, Pace()) as (host, seen):
        await until(lambda: len(seen) > 2)

        def call(_: object) -> None:
            during.append(len(seen))
            time.sleep(0.3)  # thirty ticks would come meanwhile
            during.append(len(seen))

        await host.call(call, undisturbed=True)
        first, last = during
        assert last <= first + 1  # one that had been asked before is handed over yet
        await until(lambda: len(seen) > last + 2)

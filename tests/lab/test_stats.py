"""Statistics past hypervisor processes that are really stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from core.clock import SystemClock
from core.hypervisor.calls.power import stop
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe.detail import read_detail
from core.hypervisor.observe.reading import read_instance
from core.hypervisor.observe.stats import Statistics
from core.lab import LabHost
from core.model import InstanceState
from core.model.observation import Sampled
from core.state.rates import Sample, rates_between
from tests.driver.worlds import read_listing

INTERVAL = 0.5


class Stopper:
    """Stops QEMU processes and lets them go on again."""

    def __init__(self, host: LabHost) -> None:
        self._host = host
        self._pids: dict[str, int] = {}

    def stop(self, name: str) -> None:
        self._pids[name] = self._host.qemu_pid(name)
        os.kill(self._pids[name], signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in self._pids.values():
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:  # the test killed it
                continue
        self._pids.clear()


@pytest.fixture
def stopper(alpha: LabHost) -> Iterator[Stopper]:
    found = Stopper(alpha)
    yield found
    found.go_on()


class Rig:
    """The statistics of alpha, its own connector, and its instances' UUIDs by name."""

    def __init__(self, host: LabHost, names: list[str]) -> None:
        self.connector = Connector(parse_uri(host.uri), LinkOptions())
        self.statistics = Statistics("alpha", SystemClock(), INTERVAL, self.lane)
        self.uuids = {name: host.virsh("domuuid", name).strip() for name in names}

    def lane(self) -> Lane:
        return Lane("lane-test", self.connector)

    async def tick(self) -> Sampled:
        await asyncio.sleep(INTERVAL)
        return await self.statistics.tick()

    async def tick_until(self, condition: Callable[[Sampled], bool], ticks: int = 40) -> Sampled:
        for _ in range(ticks):
            sampled = await self.tick()
            if condition(sampled):
                return sampled
        raise AssertionError(f"not within {ticks} ticks: {sampled}")

    def full(self, sampled: Sampled) -> set[str]:
        return {
            name
            for name, uuid in self.uuids.items()
            if uuid in sampled.instances and not sampled.instances[uuid].partial
        }

    def silent(self, sampled: Sampled) -> set[str]:
        return {name for name, uuid in self.uuids.items() if uuid in sampled.silent}


@pytest.fixture
async def rig(alpha: LabHost, guest: Callable[..., str]) -> Rig:
    guest("alpha", "first", disk="default/spare.raw")
    guest("alpha", "second")
    return Rig(alpha, ["web", "db", "cache", "first", "second"])


async def test_one_hung_process_costs_only_its_own_figures(rig: Rig, stopper: Stopper) -> None:
    sampled = await rig.tick_until(lambda s: rig.full(s) == set(rig.uuids))
    assert sampled.silent == ()
    web = sampled.instances[rig.uuids["web"]]
    assert web.cpu_time is not None
    assert web.balloon in (96 << 20, (96 << 20) - 8192), "emulated guests get a little less"
    assert web.rss is not None
    assert web.vcpus == 1
    (disk,) = web.disks
    assert (disk.target, disk.capacity) == ("vda", 64 << 20)
    assert disk.read_bytes is not None
    assert None not in (disk.read_time, disk.write_time, disk.flush_requests, disk.flush_time)
    assert web.vcpu_wait is not None
    assert web.vcpu_delay is not None

    stopper.stop("first")
    sampled = await rig.tick_until(lambda s: rig.silent(s) == {"first"})
    before = None
    for _ in range(6):  # whatever hangs, db writes memory and so burns CPU between two ticks
        assert rig.full(sampled) == {"web", "db", "cache", "second"}
        assert rig.silent(sampled) == {"first"}
        hung = sampled.instances[rig.uuids["first"]]
        assert hung.partial
        assert hung.state == 1
        assert not hung.disks or hung.disks[0].read_bytes is None
        now = sampled.instances[rig.uuids["db"]].cpu_time
        assert before is None or (now is not None and now > before)
        before = now
        sampled = await rig.tick()

    stopper.go_on()
    sampled = await rig.tick_until(lambda s: rig.full(s) == set(rig.uuids))
    assert sampled.silent == ()
    rig.statistics.close()


async def test_what_its_vcpus_and_disks_waited_for_is_known(rig: Rig) -> None:
    """With the hypervisor's own figures too, which emulation has none of."""
    rig.statistics.own_figures = True
    before = await rig.tick()
    after = await rig.tick()
    for name, uuid in rig.uuids.items():
        first, last = (sampled.instances[uuid] for sampled in (before, after))
        assert not last.partial
        rates = rates_between(Sample(before.at, first), Sample(after.at, last), 1)
        assert rates.vcpu_delay is not None, name
        assert 0.0 <= rates.vcpu_delay <= 100.0
        assert [disk.target for disk in rates.disks] == [disk.target for disk in last.disks]
    rig.statistics.close()


async def test_several_hung_from_the_very_first_tick(rig: Rig, stopper: Stopper) -> None:
    for name in ("first", "second", "cache"):
        stopper.stop(name)
    sampled = await rig.tick_until(lambda s: rig.silent(s) == {"first", "second", "cache"})
    sampled = await rig.tick()
    assert rig.full(sampled) == {"web", "db"}
    stopper.go_on()
    await rig.tick_until(lambda s: rig.full(s) == set(rig.uuids) and not s.silent)
    rig.statistics.close()


async def test_all_hung_and_one_of_them_killed(rig: Rig, stopper: Stopper, alpha: LabHost) -> None:
    await rig.tick()
    for name in rig.uuids:
        stopper.stop(name)
    sampled = await rig.tick_until(lambda s: rig.silent(s) == set(rig.uuids))
    assert rig.full(sampled) == set()

    # reading does not wait for a hung process, and neither does a listing
    reader = Lane("lane-test", rig.connector)
    uuid = rig.uuids["first"]
    instance = await reader.call(lambda c: read_instance(c, "alpha", uuid), deadline=20.0)
    assert instance is not None
    assert instance.state is InstanceState.RUNNING
    detail = await reader.call(
        lambda c: read_detail(c, "alpha", rig.uuids["web"], 0.0), deadline=20.0
    )
    assert detail is not None
    if detail.xml:
        assert "<name>web</name>" in detail.xml
        assert any("was not asked" in note for note in detail.notes)
    else:  # libvirt 11 would wait for the XML, too; 9 does not
        assert any("does not answer" in note for note in detail.notes)
    listed = await reader.call(lambda c: read_listing(c, "alpha", 0.0), deadline=20.0)
    assert set(rig.uuids.values()) <= {i.uuid for i in listed.instances}

    os.kill(alpha.qemu_pid("first"), signal.SIGKILL)
    await rig.tick_until(lambda s: uuid not in s.instances and uuid not in s.silent)
    stopper.go_on()
    rest = set(rig.uuids) - {"first"}
    await rig.tick_until(lambda s: rig.full(s) == rest and not s.silent)
    reader.close()
    rig.statistics.close()


async def test_the_power_of_a_hung_instance_can_be_cut(rig: Rig, stopper: Stopper) -> None:
    await rig.tick()
    stopper.stop("second")
    await rig.tick_until(lambda s: rig.silent(s) == {"second"})
    lane = Lane("lane-test", rig.connector)
    uuid = rig.uuids["second"]
    await lane.call(lambda conn: stop(conn, uuid), deadline=40.0)
    sampled = await rig.tick_until(lambda s: not s.silent)
    assert rig.full(sampled) == set(rig.uuids) - {"second"}
    lane.close()
    rig.statistics.close()

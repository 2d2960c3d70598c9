"""The statistics past hung hypervisor processes, on a simulated connection.

The simulation has the behaviour measured on libvirt 9.0 with QEMU 7.2: a call that needs a stopped
QEMU never returns and holds its job; with NOWAIT later calls pass over a held job; state, interface
figures and controlInfo never wait. The real thing is in tests/lab/test_stats.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DeadlineError
from core.hypervisor.observe.stats import Statistics
from core.hypervisor.observe.stats_plan import STUCK_LIMIT
from core.model.observation import Sampled

BLOCKING = 2 | 4 | 8 | 32
VM = 1 << 10
"""virDomainStatsTypes."""


class StuckError(Exception):
    """The call never returns."""


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Host:
    """A libvirtd with instances, some of which hang."""

    def __init__(self, names: list[str]) -> None:
        self.clock = Clock()
        self.instances = list(names)
        self.hung: set[str] = set()
        self.held: dict[str, float] = {}
        self.daemon_hung = False
        self.calls: list[str] = []
        self.groups: list[int] = []
        """What each call asked for."""
        self.stuck = 0
        self.lanes = 0
        self.tick = 0

    def recover(self, name: str) -> None:
        self.hung.discard(name)
        self.held.pop(name, None)

    def stop(self, name: str) -> None:
        self.instances.remove(name)
        self.recover(name)

    def records(self, names: list[str], groups: int) -> list[tuple[Domain, dict[str, Any]]]:
        if self.daemon_hung:
            raise StuckError
        return [(Domain(self, name), self._record(name, groups)) for name in names]

    def _record(self, name: str, groups: int) -> dict[str, Any]:
        record: dict[str, Any] = {"state.state": 1, "net.count": 0}
        if not groups & BLOCKING:
            return record
        record |= {"balloon.current": 1024, "block.count": 1, "cpu.time": self.tick}
        if name in self.held:
            return record
        if name in self.hung:
            self.held[name] = self.clock.time
            self.stuck += 1
            raise StuckError
        return record | {"balloon.rss": 5, "block.0.name": "vda", "block.0.rd.bytes": self.tick}

    # the calls of a virConnect

    def getAllDomainStats(self, groups: int, flags: int) -> list[tuple[Domain, dict[str, Any]]]:  # noqa: N802
        self.calls.append("all")
        self.groups.append(groups)
        assert flags & (1 << 29)
        return self.records(list(self.instances), groups)

    def domainListGetStats(  # noqa: N802
        self, domains: list[Domain], groups: int, flags: int
    ) -> list[tuple[Domain, dict[str, Any]]]:
        self.calls.append("list")
        self.groups.append(groups)
        return self.records([d.name for d in domains if d.name in self.instances], groups)


class Domain:
    def __init__(self, host: Host, name: str) -> None:
        self.host, self.name = host, name

    def UUIDString(self) -> str:  # noqa: N802
        return self.name

    def controlInfo(self) -> list[int]:  # noqa: N802
        self.host.calls.append("control")
        if self.name in self.host.held:
            return [2, 0, int(1000 * (self.host.clock.time - self.host.held[self.name]))]
        return [0, 0, 0]


class Lane:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.usable = True
        host.lanes += 1

    async def call(self, function: Callable[[Any], Any], *, deadline: float) -> Any:
        assert self.usable
        await asyncio.sleep(0)
        try:
            return function(self.host)
        except StuckError:
            self.usable = False
            self.host.clock.time += deadline
            raise DeadlineError("The host gave no answer.") from None

    def close(self) -> None:
        self.usable = False


class Rig:
    """A host, its statistics, and ticks every 2 s."""

    def __init__(self, count: int = 6) -> None:
        self.host = Host([f"i{number}" for number in range(count)])
        self.statistics = Statistics("alpha", self.host.clock, 2.0, lambda: Lane(self.host))

    async def tick(self, *only: str) -> Sampled:
        self.host.tick += 1
        self.host.calls.clear()
        self.host.clock.time += 2.0
        sampled = await self.statistics.tick(only)
        for _ in range(10):  # a probe aside gets its turn between two ticks
            await asyncio.sleep(0)
        return sampled

    async def ticks(self, count: int) -> Sampled:
        for _ in range(count):
            sampled = await self.tick()
        return sampled


def full(sampled: Sampled) -> set[str]:
    return {uuid for uuid, counters in sampled.instances.items() if not counters.partial}


async def test_calm_host_costs_one_call_a_tick() -> None:
    rig = Rig()
    await rig.ticks(3)
    assert rig.host.calls == ["all"]
    assert rig.host.lanes == 1


async def test_some_are_asked_in_one_call_once_all_are_known() -> None:
    rig = Rig()
    assert not (await rig.tick("i1", "i4")).some, "it is not known yet whom to ask"
    rig.host.stop("i4")
    sampled = await rig.tick("i1", "i4", "nobody")
    assert sampled.some
    assert rig.host.calls == ["list"]
    assert sampled.instances.keys() == full(sampled) == {"i1"}
    assert sampled.instances["i1"].cpu_time == rig.host.tick
    assert sampled.interval == 2.0
    assert (await rig.tick("i4")).instances == {}, "it is gone"
    assert not (await rig.tick("nobody")).some
    assert rig.host.calls == ["all"]


async def test_one_of_some_that_hangs_is_found_as_any_other() -> None:
    rig = Rig()
    await rig.tick()
    rig.host.hung.add("i2")
    for _ in range(6):
        sampled = await rig.tick("i1", "i2")
    assert not sampled.some, "as long as one hangs, all are asked with care"
    assert sampled.silent == ("i2",)
    assert full(sampled) == {"i0", "i1", "i3", "i4", "i5"}
    rig.host.recover("i2")
    await rig.ticks(4)
    assert (await rig.tick("i1", "i2")).some
    assert rig.host.calls == ["list"]


async def test_one_of_some_that_is_passed_over_is_looked_at() -> None:
    rig = Rig()
    await rig.tick()
    rig.host.held["i1"] = rig.host.clock.time  # another call waits for it
    for _ in range(4):
        sampled = await rig.tick("i1", "i3")
    assert sampled.silent == ("i1",)
    assert full(await rig.tick()) >= {"i0", "i2", "i3"}


async def test_the_hypervisors_own_figures_cost_no_call_of_their_own() -> None:
    rig = Rig()
    await rig.tick()
    assert not any(groups & VM for groups in rig.host.groups)
    rig.statistics.own_figures = True
    await rig.tick()
    assert rig.host.calls == ["all"]
    assert rig.host.groups[-1] & VM
    rig.host.hung.add("i2")
    rig.host.groups.clear()
    await rig.ticks(3)
    blocking = [groups for groups in rig.host.groups if groups & BLOCKING]
    assert blocking
    assert all(groups & VM for groups in blocking)
    harmless = [groups for groups in rig.host.groups if not groups & BLOCKING]
    assert not any(groups & VM for groups in harmless)


async def test_others_move_from_the_first_deadline_on() -> None:
    rig = Rig()
    await rig.ticks(3)
    rig.host.hung.add("i2")
    for _ in range(5):
        sampled = await rig.tick()
        assert full(sampled) == {"i0", "i1", "i3", "i4", "i5"}
        assert {c.disks[0].read_bytes for u, c in sampled.instances.items() if u != "i2"} == {
            rig.host.tick
        }
        assert sampled.silent == ("i2",)
        assert sampled.instances["i2"].cpu_time is None or sampled.instances["i2"].partial
    assert rig.host.stuck == 1
    assert rig.host.calls == ["all", "control", "list"]


async def test_hung_on_the_very_first_tick() -> None:
    rig = Rig()
    rig.host.hung.add("i0")
    sampled = await rig.tick()
    assert full(sampled) == {"i1", "i2", "i3", "i4", "i5"}
    assert sampled.silent == ("i0",)


async def test_comes_back_when_it_answers() -> None:
    rig = Rig()
    rig.host.hung.add("i1")
    await rig.ticks(3)
    rig.host.recover("i1")
    await rig.ticks(2)
    sampled = await rig.tick()
    assert (sampled.silent, full(sampled)) == ((), set(rig.host.instances))
    assert rig.host.calls == ["all"]


async def test_hung_again_while_nobody_holds_its_job() -> None:
    """A daemon that forgot its stuck calls: the probe finds out, not the tick's call."""
    rig = Rig()
    rig.host.hung.add("i1")
    await rig.ticks(2)
    rig.host.held.clear()
    for _ in range(4):
        sampled = await rig.tick()
        assert full(sampled) == {"i0", "i2", "i3", "i4", "i5"}
    assert sampled.silent == ("i1",)
    assert rig.host.stuck == 2


async def test_two_hung_are_named_within_the_first_deadline() -> None:
    rig = Rig()
    await rig.tick()
    rig.host.hung.update({"i1", "i4"})
    sampled = await rig.tick()
    assert set(sampled.silent) == {"i1", "i4"}
    assert full(await rig.ticks(2)) == {"i0", "i2", "i3", "i5"}
    assert rig.host.stuck == 2


async def test_all_hung() -> None:
    rig = Rig()
    await rig.tick()
    rig.host.hung.update(rig.host.instances)
    await rig.ticks(10)
    sampled = await rig.tick()
    assert set(sampled.silent) == set(rig.host.instances)
    assert set(sampled.instances) == set(rig.host.instances)
    assert full(sampled) == set()


async def test_a_killed_process_is_forgotten() -> None:
    rig = Rig()
    rig.host.hung.add("i3")
    await rig.ticks(2)
    rig.host.stop("i3")
    sampled = await rig.ticks(2)
    assert sampled.silent == ()
    assert rig.host.calls == ["all"]


async def test_a_new_instance_is_asked_soon() -> None:
    rig = Rig()
    rig.host.hung.add("i3")
    await rig.ticks(2)
    rig.host.instances.append("new")
    await rig.tick()
    assert "new" in full(await rig.tick())


async def test_somebody_elses_stuck_call_is_seen() -> None:
    """It shields ours: the bulk call returns, passing the hung one over."""
    rig = Rig()
    rig.host.hung.add("i4")
    rig.host.held["i4"] = rig.host.clock.time - 60
    sampled = await rig.ticks(4)
    assert sampled.silent == ("i4",)
    assert full(sampled) == {"i0", "i1", "i2", "i3", "i5"}
    assert rig.host.stuck == 0


async def test_a_hung_daemon_is_an_error() -> None:
    rig = Rig()
    await rig.tick()
    rig.host.daemon_hung = True
    with pytest.raises(DeadlineError):
        await rig.tick()


async def test_many_hung_do_not_eat_the_daemons_workers() -> None:
    rig = Rig(40)
    await rig.tick()
    rig.host.hung.update(rig.host.instances[5:35])
    sampled = await rig.ticks(40)
    assert rig.host.stuck <= STUCK_LIMIT + 1
    assert set(rig.host.instances[:5]) <= full(sampled)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["hang", "recover", "stop", "tick"]), st.integers(0, 7)),
        max_size=25,
    )
)
def test_whatever_hangs_the_rest_is_told_and_everything_comes_back(
    steps: list[tuple[str, int]],
) -> None:
    async def run() -> None:
        rig = Rig(8)
        host = rig.host
        for what, number in steps:
            name = f"i{number}"
            if what == "hang" and name in host.instances and len(host.hung) < STUCK_LIMIT - 1:
                host.hung.add(name)
            elif what == "recover":
                host.recover(name)
            elif what == "stop" and name in host.instances:
                host.stop(name)
            await rig.tick()
        sampled = await rig.ticks(2 + len(host.hung))
        assert full(sampled) == set(host.instances) - host.hung
        assert set(sampled.silent) == host.hung & set(host.instances)
        for name in list(host.hung):
            host.recover(name)
        sampled = await rig.ticks(3)
        assert (full(sampled), sampled.silent) == (set(host.instances), ())

    asyncio.run(run())

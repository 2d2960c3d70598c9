"""What reading a host costs, counted on the wire: exact numbers, so that one more call fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.hypervisor.connection.options import LinkOptions, Reading
from core.hypervisor.observe import describing
from core.hypervisor.observe.reading import xml_may_wait
from core.hypervisor.session import Hypervisor
from core.model.base import ObjectKey
from core.model.host import LinkStatus
from core.model.observation import (
    InstancesDescribed,
    LinkChanged,
    Listed,
    NetworksDescribed,
    Observation,
)
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.watching import until
from tests.slow_link import SlowLink

TABLE = frozenset({Reading.EVENTS, Reading.INSTANCES})
DESCRIPTIONS = TABLE | {Reading.DESCRIPTIONS}
FIRST_TABLE = 12
"""Opening, the terms of keepalive, one event, and the instances in five."""


@contextmanager
def counted(daemon: PrivateDaemon) -> Iterator[tuple[str, SlowLink]]:
    """The URI of a daemon over a proxy that counts its calls."""
    path = daemon.directory / "counted"
    with SlowLink(path, daemon.socket) as link:
        yield f"test+unix:///default?socket={path}", link


async def read(
    uri: str, options: LinkOptions, sink: Callable[[Observation], None], first: tuple[str, ...] = ()
) -> None:
    """Open a host, its instances `first` preferred, and read until nothing is left to read."""
    host = Hypervisor("host", uri, sink=sink, clock=SystemClock(), options=options)
    host.prefer(tuple(ObjectKey("instance", "host", uuid) for uuid in first))
    await host.start()
    await host.settled()
    await until(lambda: host.unread is not None and host.unread.at_rest, 60)
    await host.close()


@pytest.mark.parametrize("instances", [6, 200])
async def test_the_first_table_costs_the_same_whatever_the_number_of_instances(
    instances: int,
) -> None:
    calls: list[int] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, Listed):
            assert len(observation.instances) == instances
            calls.append(link.calls().total())

    running = instances // 2
    with PrivateDaemon(instances - 1, running) as daemon, counted(daemon) as (uri, link):
        await read(uri, _with(TABLE), sink)
    assert calls == [FIRST_TABLE]


async def test_describing_costs_one_call_for_each_instance() -> None:
    """And one to ask whether XML may be waited for: where it may, another for each that runs.

    On a busy machine lanes would help, which cost calls of their own.
    """
    with PrivateDaemon(99, running=40) as daemon, counted(daemon) as (uri, link):
        seen: list[Observation] = []
        await read(uri, _with(TABLE), seen.append)
        without = link.calls().total()
        await read(uri, replace(_with(DESCRIPTIONS), describing_lanes=0), seen.append)
        both = link.calls().total()
        active = 41 if xml_may_wait(daemon.keeper) else 0
    described = sum(len(item.instances) for item in seen if isinstance(item, InstancesDescribed))
    assert described == 100
    assert both - 2 * without == 1 + 100 + active


async def test_what_is_looked_at_is_described_first(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, InstancesDescribed):
            order.extend(instance.uuid for instance in observation.instances)

    monkeypatch.setattr(describing, "_CHUNK", 1)
    wanted = (uuid_of(30), uuid_of(20))
    with PrivateDaemon(40) as daemon:
        await read(daemon.uri, _with(DESCRIPTIONS), sink, wanted)
    assert len(order) == 41
    assert tuple(order[: len(wanted)]) == wanted


async def test_a_sweep_reads_nothing_again_that_stayed_as_it_was() -> None:
    listings: list[Listed] = []
    described: list[Observation] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, Listed):
            listings.append(observation)
        elif isinstance(observation, InstancesDescribed):
            described.append(observation)

    options = _with(DESCRIPTIONS, sweep_interval=0.05)
    with PrivateDaemon(20, running=10) as daemon:
        host = Hypervisor("host", daemon.uri, sink=sink, clock=SystemClock(), options=options)
        await host.start()
        await until(lambda: sum(len(item.instances) for item in described) >= 21)  # type: ignore[attr-defined]
        before = len(listings)
        await until(lambda: len(listings) > before + 3)
        await host.close()
    assert sum(len(item.instances) for item in described) == 21  # type: ignore[attr-defined]


LIST_NETWORKS, NETWORK_XML = 283, 43
"""Procedures of remote_protocol.x."""
NETWORKS = frozenset({Reading.NETWORKS, Reading.INSTANCES})


async def test_networks_are_listed_in_four_calls_and_described_afterwards_those_in_view_first() -> (
    None
):
    """A later listing reads the XML of what is in view and of what it shows otherwise, no other."""
    seen: list[Counter[int]] = []
    order: list[str] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, Listed) and "networks" in observation.kinds:
            assert len(observation.networks) == 101
            seen.append(link.calls())
        elif isinstance(observation, NetworksDescribed):
            order.extend(network.name for network in observation.networks)

    with PrivateDaemon(0) as daemon, counted(daemon) as (uri, link):
        made = [
            daemon.keeper.networkDefineXML(
                f"<network><name>n{number}</name><bridge name='br{number}'/></network>"
            )
            for number in range(100)
        ]
        looked_at = ObjectKey("network", "host", made[70].UUIDString())
        host = Hypervisor("host", uri, sink=sink, clock=SystemClock(), options=_with(NETWORKS))
        host.prefer((looked_at,))
        await host.start()
        await host.settled()
        await until(lambda: host.unread is not None and host.unread.at_rest, 60)
        first = link.calls()
        made[3].setAutostart(1)
        await host.refresh()
        await until(lambda: host.unread is not None and host.unread.at_rest, 60)
        again = link.calls() - first
        await host.close()
    assert [(asked[LIST_NETWORKS], asked[NETWORK_XML]) for asked in seen] == [(4, 0), (8, 101)]
    assert first[NETWORK_XML] == 101
    assert order[0] == "n70"
    assert len(set(order)) == 101
    assert (again[LIST_NETWORKS], again[NETWORK_XML]) == (4, 2)
    assert order[101:] == ["n70", "n3"]


def _with(reads: frozenset[Reading], sweep_interval: float = 0) -> LinkOptions:
    return LinkOptions(statistics_interval=0, sweep_interval=sweep_interval, reads=reads)


async def test_a_link_is_not_lost_because_an_answer_takes_long(daemon: PrivateDaemon) -> None:
    """Ten times as long as a call may take, while keepalive tells that the host is there."""
    options = LinkOptions(
        keepalive_interval=5, call_deadline=0.005, listing_deadline=0.005, sweep_interval=0
    )
    seen: list[Observation] = []
    path = daemon.directory / "far"
    with SlowLink(path, daemon.socket, round_trip=0.05):
        await read(f"test+unix:///default?socket={path}", options, seen.append)
    links = [item.link.status for item in seen if isinstance(item, LinkChanged)]
    assert links == [LinkStatus.CONNECTING, LinkStatus.UP, LinkStatus.CLOSED]
    assert {kind for item in seen if isinstance(item, Listed) for kind in item.kinds} == {
        "instances", "networks", "pools", "volumes"
    }  # fmt: skip

"""Statistics of libvirt's test driver, over real lanes."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import VirtdeckError
from core.hypervisor.binding import libvirt, load
from core.hypervisor.connector import Connector
from core.hypervisor.lane import Lane
from core.hypervisor.options import LinkOptions
from core.hypervisor.stats import Statistics
from core.hypervisor.uri import parse_uri
from core.model import Counters
from tests.driver.worlds import CountingBinding, instance_xml, uuid_of, wait_for


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

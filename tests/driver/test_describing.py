"""The instances' XML read in the background, beside readings that somebody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.observe import describing, reading
from core.hypervisor.observe.describing import Chunk, InstanceDescriptions
from core.model import Instance, ObjectKey
from core.model.observation import InstanceRead, InstancesDescribed
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import linked, until
from tests.driver.worlds import uuid_of

T = TypeVar("T")


@pytest.mark.parametrize("meanwhile", ["nothing", "read", "not readable"])
async def test_what_somebody_read_meanwhile_is_not_overtaken_by_what_may_be_older(
    meanwhile: str,
) -> None:
    conn = libvirt.open("test:///default")
    key = ObjectKey("instance", "alpha", conn.lookupByName("test").UUIDString())
    handed: list[Instance] = []

    def no_lane() -> None:
        raise AssertionError("no lane helps")

    descriptions = InstanceDescriptions(
        "alpha", handed.extend, no_lane, lanes=0, deadline=lambda: 10.0  # type: ignore[arg-type]
    )  # fmt: skip

    async def call(function: Callable[[Connection], T], *, deadline: float) -> T:
        found = function(conn)
        if isinstance(found, Chunk) and meanwhile != "nothing":
            descriptions.dealt_with((key,), () if meanwhile == "read" else (key,))
        return found

    descriptions.backlog.add([key])
    await descriptions.step(call)
    assert [one.name for one in handed] == ([] if meanwhile == "read" else ["test"])
    assert descriptions.left == 0


async def test_what_a_lane_reads_stays_where_the_link_itself_could_not_read_it(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ObjectKey("instance", "host", uuid_of(2))
    reads, may_go = threading.Event(), threading.Event()
    really = describing.describe_instance

    def held(*args: Any, **options: Any) -> Instance:
        found = really(*args, **options)
        reads.set()
        assert may_go.wait(60)
        return found

    async with linked(daemon.uri) as (host, seen):
        await until(lambda: host.unread is not None and host.unread.at_rest)
        monkeypatch.setattr(describing, "describe_instance", held)
        monkeypatch.setattr(reading, "waits_for_xml", lambda _: True)
        before = len(seen.of(InstancesDescribed))
        refresher = host._link.refresher
        refresher._descriptions.backlog.add([key])
        lane = asyncio.create_task(refresher._descriptions._help())
        await until(reads.is_set)
        refresher._stale.add([key])
        refresher._work.set()
        await until(lambda: seen.of(InstanceRead))
        assert not seen.last(InstanceRead).instance.described
        may_go.set()
        await lane
    described = [one for each in seen.of(InstancesDescribed)[before:] for one in each.instances]
    assert [(one.key, one.described) for one in described] == [(key, True)]

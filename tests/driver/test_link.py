"""The link to a host: up, lost, hung, back, with nothing lost, doubled, leaked or delayed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil
import pytest

from core.clock import SystemClock
from core.errors import DeadlineError, NotFoundError, ReadOnlyError, UnreachableError, UsageError
from core.hypervisor.binding import Connection
from core.hypervisor.listing import read_listing
from core.hypervisor.options import LinkOptions
from core.hypervisor.session import Hypervisor
from core.model.event import InstanceLifecycle
from core.model.host import LinkStatus
from core.model.instance import InstanceState
from core.model.observation import (
    HostAdded,
    InstanceGone,
    InstanceRead,
    LinkChanged,
    Listed,
    PoolRead,
    Sampled,
)
from tests.driver.private_daemon import PrivateDaemon, domain_xml, uuid_of
from tests.driver.watching import Collector, until

QUICK = LinkOptions(
    keepalive_interval=1,
    keepalive_count=2,
    connect_timeout=1.0,
    statistics_interval=0.1,
    sweep_interval=0,
    backoff_first=0.02,
    backoff_limit=0.2,
)
UP, DOWN, CONNECTING = LinkStatus.UP, LinkStatus.DOWN, LinkStatus.CONNECTING


@asynccontextmanager
async def linked(
    uri: str, options: LinkOptions = QUICK, name: str = "host"
) -> AsyncIterator[tuple[Hypervisor, Collector]]:
    seen = Collector()
    host = Hypervisor(name, uri, sink=seen, clock=SystemClock(), options=options)
    await host.start()
    try:
        yield host, seen
    finally:
        await host.close()


def described(seen: Collector, instances: int) -> Callable[[], bool]:
    return lambda: (
        len(seen.instances) == instances and all(i.described for i in seen.instances.values())
    )


async def test_a_host_comes_up_listed_described_and_sampled(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await host.settled()
        kinds = [type(item) for item in seen.seen]
        assert kinds[:4] == [HostAdded, LinkChanged, LinkChanged, Listed]
        assert seen.statuses == [CONNECTING, UP]
        assert {i.name for i in seen.instances.values()} == {"test", "vm0001", "vm0002", "vm0003"}
        await until(described(seen, 4))
        assert seen.instances[uuid_of(1)].disks[0].target == "vda"
        await until(lambda: len(seen.of(Sampled)) >= 3)
    assert seen.statuses == [CONNECTING, UP, LinkStatus.CLOSED]


async def test_what_others_do_arrives_as_events_and_the_object_is_read_again(
    daemon: PrivateDaemon,
) -> None:
    async with linked(daemon.uri) as (_host, seen):
        await until(described(seen, 4))
        daemon.keeper.lookupByUUIDString(uuid_of(2)).create()
        await until(lambda: seen.instances[uuid_of(2)].state is InstanceState.RUNNING)
        assert seen.last(InstanceLifecycle).change == "started"
        daemon.keeper.defineXML(domain_xml(9))
        await until(lambda: uuid_of(9) in seen.instances)
        daemon.keeper.lookupByUUIDString(uuid_of(9)).undefine()
        await until(lambda: uuid_of(9) not in seen.instances)
        assert [gone.uuid for gone in seen.of(InstanceGone)] == [uuid_of(9)]
        daemon.keeper.storagePoolLookupByName("default-pool").refresh()
        await until(lambda: seen.of(PoolRead))


async def test_events_during_the_listing_come_after_it_and_none_is_lost(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = daemon.keeper.lookupByUUIDString(uuid_of(1))

    def slow_listing(conn: Connection, host: str, at: float) -> Listed:
        domain.create()
        listed = read_listing(conn, host, at)
        domain.destroy()
        daemon.keeper.getLibVersion()
        return listed

    monkeypatch.setattr("core.hypervisor.listing.read_listing", slow_listing)
    async with linked(daemon.uri) as (_host, seen):
        await until(lambda: len(seen.of(InstanceLifecycle)) >= 2)
        listed = next(i for i, item in enumerate(seen.seen) if isinstance(item, Listed))
        events = [i for i, item in enumerate(seen.seen) if isinstance(item, InstanceLifecycle)]
        assert events[0] > listed
        assert [event.change for event in seen.of(InstanceLifecycle)] == ["started", "stopped"]
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.SHUTOFF)


async def test_a_killed_daemon_is_seen_at_once_and_comes_back_as_a_fresh_listing_says(
    daemon: PrivateDaemon,
) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        daemon.kill()
        await until(lambda: seen.status is DOWN, 2.0)
        down = next(c.link for c in seen.of(LinkChanged) if c.link.status is DOWN)
        assert "broke off" in down.error
        assert down.hint
        assert down.next_attempt is not None
        with pytest.raises(UnreachableError, match="down"):
            await host.call(lambda conn: conn.getType())
        await until(lambda: seen.last(LinkChanged).link.attempt >= 3)
        assert "does not run" in seen.last(LinkChanged).link.error
        daemon.start()
        daemon.keeper.lookupByUUIDString(uuid_of(3)).create()
        await until(lambda: seen.status is UP)
        await until(described(seen, 4))
        await until(lambda: seen.instances[uuid_of(3)].state is InstanceState.RUNNING)
        fresh = read_listing(daemon.keeper, "host", 0)
        assert {i.uuid: i.state for i in fresh.instances} == {
            uuid: i.state for uuid, i in seen.instances.items()
        }


async def test_nothing_leaks_over_five_lives_of_a_daemon(daemon: PrivateDaemon) -> None:
    def usage() -> tuple[int, int]:
        return psutil.Process().num_fds(), threading.active_count()

    async with linked(daemon.uri) as (host, seen):
        used = []
        for life in range(6):
            await until(lambda: seen.status is UP)
            await until(described(seen, 4))
            samples = len(seen.of(Sampled))
            await until(lambda count=samples: len(seen.of(Sampled)) > count)
            await host.call(lambda conn: conn.getType())
            if life:
                # the lanes of the life before end when their close() has returned
                with contextlib.suppress(TimeoutError):
                    await until(lambda: usage() == used[0], 5)
            used.append(usage())
            # Events are delivered once each: no callback of an earlier life is left.
            before = len(seen.of(InstanceLifecycle))
            daemon.keeper.lookupByUUIDString(uuid_of(1)).create()
            await until(lambda count=before: len(seen.of(InstanceLifecycle)) > count)
            await host.reread(uuid_of(1))
            assert len(seen.of(InstanceLifecycle)) == before + 1
            daemon.kill()
            await until(lambda: seen.status is not UP)
            daemon.start()
        assert used == [used[0]] * 6


async def test_a_frozen_daemon_is_noticed_by_keepalive_and_taken_up_again(
    daemon: PrivateDaemon,
) -> None:
    async with linked(daemon.uri) as (_host, seen):
        await until(described(seen, 4))
        daemon.stop()
        await until(lambda: seen.status is DOWN, 6.0)
        down = next(c.link for c in seen.of(LinkChanged) if c.link.status is DOWN)
        assert "keepalive" in down.error
        # An attempt on a daemon that is frozen does not return; its deadline does.
        await until(lambda: "did not answer within 1 s" in seen.last(LinkChanged).link.error)
        daemon.resume()
        await until(lambda: seen.status is UP)
        await until(described(seen, 4))


async def test_a_frozen_host_delays_no_other(
    daemon: PrivateDaemon, daemons: Callable[..., PrivateDaemon]
) -> None:
    other = daemons()
    async with linked(daemon.uri) as (_one, _), linked(other.uri) as (_two, seen):
        await until(described(seen, 4))
        daemon.stop()
        samples = len(seen.of(Sampled))
        other.keeper.lookupByUUIDString(uuid_of(1)).create()
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.RUNNING, 2.0)
        await until(lambda: len(seen.of(Sampled)) >= samples + 5, 4.0)
        daemon.resume()


async def test_a_daemon_frozen_before_the_first_opening_is_reported_not_waited_for(
    daemon: PrivateDaemon,
) -> None:
    daemon.stop()
    async with linked(daemon.uri) as (host, seen):
        await host.settled()
        assert seen.statuses == [CONNECTING, DOWN]
        link = seen.last(LinkChanged).link
        assert link.error == "host did not answer within 1 s."
        assert "virsh" in link.hint
        began = time.monotonic()
        await host.close()
        assert time.monotonic() - began < 1.0
        daemon.resume()


async def test_closing_returns_while_a_call_hangs(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        daemon.stop()
        stuck = asyncio.create_task(host.call(lambda conn: conn.getLibVersion(), deadline=60))
        await asyncio.sleep(0)
        began = time.monotonic()
        await host.close()
        assert time.monotonic() - began < 1.0
        assert host.link.status is LinkStatus.CLOSED
        daemon.resume()
        with contextlib.suppress(UnreachableError):
            await stuck


async def test_a_call_that_misses_its_deadline_leaves_the_link_up(daemon: PrivateDaemon) -> None:
    gate = threading.Event()
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        with pytest.raises(DeadlineError):
            await host.call(lambda _conn: gate.wait(), uuid=uuid_of(1), deadline=0.1)
        assert await host.call(lambda conn: conn.getType(), uuid=uuid_of(1)) == "TEST"
        gate.set()
        assert seen.statuses == [CONNECTING, UP]


async def test_reconnect_ends_the_wait_at_once(daemon: PrivateDaemon) -> None:
    patient = LinkOptions(backoff_first=30, backoff_limit=60, statistics_interval=0)
    async with linked(daemon.uri, patient) as (host, seen):
        await host.settled()
        daemon.kill()
        await until(lambda: seen.status is DOWN)
        daemon.start()
        await host.reconnect()
        await until(lambda: seen.status is UP, 5.0)


async def test_a_sweep_finds_what_no_event_told_and_asks_about_nothing_else(
    daemon: PrivateDaemon,
) -> None:
    options = LinkOptions(sweep_interval=0.2, statistics_interval=0)
    async with linked(daemon.uri, options) as (_host, seen):
        await until(described(seen, 4))
        listings = len(seen.of(Listed))
        reads = len(seen.of(InstanceRead))
        await until(lambda: len(seen.of(Listed)) >= listings + 2)
        assert all(listed.sweep for listed in seen.of(Listed)[1:])
        assert len(seen.of(InstanceRead)) == reads
        daemon.keeper.lookupByUUIDString(uuid_of(2)).setAutostart(1)  # sends no event
        await until(lambda: len(seen.of(InstanceRead)) > reads)
        assert seen.last(InstanceRead).instance.uuid == uuid_of(2)
        assert seen.last(InstanceRead).instance.autostart


async def test_refresh_and_reread_on_demand(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        listings = len(seen.of(Listed))
        await host.refresh()
        assert len(seen.of(Listed)) == listings + 1
        instance = await host.reread(uuid_of(1))
        assert instance is not None
        assert instance.name == "vm0001"
        assert await host.reread(uuid_of(77)) is None


async def test_a_read_only_link_sees_everything_and_writes_nothing(daemon: PrivateDaemon) -> None:
    options = LinkOptions(read_only=True, statistics_interval=0.1)
    async with linked(daemon.uri, options) as (host, seen):
        await until(described(seen, 4))
        assert host.link.read_only
        with pytest.raises(ReadOnlyError, match="read-only"):
            await host.call(lambda conn: conn.lookupByUUIDString(uuid_of(1)).create())
        daemon.keeper.lookupByUUIDString(uuid_of(1)).create()
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.RUNNING)


async def test_the_local_test_driver_needs_no_daemon() -> None:
    async with linked("test:///default") as (host, seen):
        await until(lambda: any(i.described for i in seen.instances.values()))
        assert [i.name for i in seen.instances.values()] == ["test"]
        with pytest.raises(NotFoundError):
            await host.call(lambda conn: conn.lookupByName("nobody"))


async def test_a_thousand_instances_are_described_while_short_reads_go_first(
    daemons: Callable[..., PrivateDaemon],
) -> None:
    crowd = daemons(instances=1000)
    async with linked(crowd.uri) as (host, seen):
        await host.settled()
        assert len(seen.instances) == 1001
        instance = await host.reread(uuid_of(1000))
        assert instance is not None
        # Read on demand long before its turn in the background came.
        assert not described(seen, 1001)()
        await until(described(seen, 1001), 30)


async def test_a_uri_without_sense_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match="no driver 'qem'"):
        Hypervisor("host", "qem:///system", sink=Collector(), clock=SystemClock())


async def test_a_host_that_wants_a_password_is_refused_politely(tmp_path: os.PathLike[str]) -> None:
    node = f"{tmp_path}/node.xml"
    with open(node, "w") as file:  # noqa: ASYNC230, PTH123 - a few bytes, before anything runs
        file.write(
            "<node><cpu><mhz>1</mhz><model>x</model><active>1</active><nodes>1</nodes>"
            "<sockets>1</sockets><cores>1</cores><threads>1</threads></cpu><memory>1</memory>"
            "<auth><user password='secret'>alice</user></auth></node>"
        )
    async with linked(f"test://{node}") as (host, seen):
        await host.settled()
        link = seen.last(LinkChanged).link
        assert link.status is DOWN
        assert "wants you to log in" in link.error
        assert "auth.conf" in link.hint

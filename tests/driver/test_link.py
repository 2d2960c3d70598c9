"""The link to a host: up, lost, hung, back, with nothing lost, doubled, leaked or delayed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.errors import DeadlineError, UnreachableError
from core.hypervisor.connection import ssh_gate
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.ssh_gate import SshGate, Way
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe import describing, listing
from core.hypervisor.session import Hypervisor
from core.model.base import ObjectKey
from core.model.event import InstanceLifecycle
from core.model.host import LinkStatus
from core.model.instance import Instance, InstanceState
from core.model.observation import (
    HostAdded,
    HostRead,
    InstanceGone,
    InstanceRead,
    InstancesDescribed,
    LinkChanged,
    Listed,
    PoolRead,
    Sampled,
)
from tests.driver.private_daemon import PrivateDaemon, domain_xml, uuid_of
from tests.driver.watching import QUICK, Collector, described, linked, until
from tests.driver.worlds import read_listing
from tests.patience import PATIENCE

HASTY = replace(QUICK, connect_timeout=1.0)
UP, DOWN, CONNECTING = LinkStatus.UP, LinkStatus.DOWN, LinkStatus.CONNECTING


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


async def test_a_link_that_waits_for_its_turn_to_log_in_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing listens at port 9 of this machine: it need not come up to be next."""

    async def ask_nobody(_way: Way) -> dict[str, str]:
        return {}

    monkeypatch.setattr(ssh_gate, "LOGIN_SECONDS", 3600.0)
    gate = SshGate(1, ask_nobody)
    uri = "qemu+libssh2://127.0.0.1:9/system"
    release = await gate.turn(parse_uri(uri))
    seen = Collector()
    host = Hypervisor("far", uri, sink=seen, clock=SystemClock(), options=QUICK, gate=gate)
    await host.start()
    try:
        await until(lambda: bool(host.link.waiting))
        assert host.link.status is CONNECTING
        assert host.link.waiting == "its turn to log in at 127.0.0.1:9, where 1 do at a time"
        release()
        await host.settled()
        waits = [change.link.waiting for change in seen.of(LinkChanged)]
        assert [bool(words) for words in waits[:3]] == [False, True, False]
        assert (seen.statuses[-1], host.link.waiting) == (DOWN, "")
    finally:
        await host.close()


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

    real = listing.read_instances

    def slow_listing(conn: Connection, host: str) -> Any:
        domain.create()
        listed = real(conn, host)
        domain.destroy()
        daemon.keeper.getLibVersion()
        return listed

    monkeypatch.setattr("core.hypervisor.observe.listing.read_instances", slow_listing)
    async with linked(daemon.uri) as (_host, seen):
        await until(lambda: len(seen.of(InstanceLifecycle)) >= 2)
        listed = next(i for i, item in enumerate(seen.seen) if isinstance(item, Listed))
        events = [i for i, item in enumerate(seen.seen) if isinstance(item, InstanceLifecycle)]
        assert events[0] > listed
        assert [event.change for event in seen.of(InstanceLifecycle)] == ["started", "stopped"]
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.SHUTOFF)


async def test_a_flood_of_events_loses_none_doubles_none_and_ends_in_the_truth(
    daemons: Callable[..., PrivateDaemon],
) -> None:
    crowd = daemons(instances=50, running=50)
    rounds = 20

    def flood() -> None:
        domains = [crowd.keeper.lookupByUUIDString(uuid_of(n)) for n in range(1, 51)]
        for turn in range(rounds):
            for domain in domains:
                domain.resume() if turn % 2 else domain.suspend()

    async with linked(crowd.uri) as (host, seen):
        await host.settled()
        await asyncio.to_thread(flood)
        await until(lambda: len(seen.of(InstanceLifecycle)) >= 50 * rounds, 30)
        await until(
            lambda: (
                {i.state for i in seen.instances.values() if i.name != "test"}
                == {InstanceState.RUNNING}
            ),
            30,
        )
        changes = [(event.uuid, event.change) for event in seen.of(InstanceLifecycle)]
        assert len(changes) == 50 * rounds
        for number in range(1, 51):
            mine = [change for uuid, change in changes if uuid == uuid_of(number)]
            assert mine == ["suspended", "resumed"] * (rounds // 2)


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


def no_more(one: tuple[int, int], first: list[tuple[int, int]]) -> bool:
    return all(now <= max(most) for now, most in zip(one, zip(*first, strict=True), strict=True))


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
            # Read on the lane that the call after it then uses again.
            await until(lambda count=life: len(seen.of(HostRead)) > count)
            await host.call(lambda conn: conn.getType())
            if life:
                # the lanes of the life before end when their close() has returned
                with contextlib.suppress(TimeoutError):
                    await until(lambda: no_more(usage(), used[:2]), 5)
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
        # fewer is no leak: a lane that helps a slow machine need not be there each time
        assert all(no_more(one, used[:2]) for one in used), used


async def test_a_frozen_daemon_is_noticed_by_keepalive_and_taken_up_again(
    daemon: PrivateDaemon,
) -> None:
    async with linked(daemon.uri, HASTY) as (_host, seen):
        await until(described(seen, 4))
        before = len(seen.of(LinkChanged))  # to open it may have taken more than one attempt
        daemon.stop()
        await until(lambda: seen.status is DOWN, 6.0)
        changes = seen.of(LinkChanged)[before:]
        down = next(change.link for change in changes if change.link.status is DOWN)
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
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.RUNNING)
        await until(lambda: len(seen.of(Sampled)) >= samples + 5)
        daemon.resume()


async def test_a_daemon_frozen_before_the_first_opening_is_reported_not_waited_for(
    daemon: PrivateDaemon,
) -> None:
    daemon.stop()
    async with linked(daemon.uri, HASTY) as (host, seen):
        await host.settled()
        assert seen.statuses == [CONNECTING, DOWN]
        link = seen.last(LinkChanged).link
        assert link.error == "host did not answer within 1 s."
        assert "virsh" in link.hint
        began = time.monotonic()
        await host.close()
        assert time.monotonic() - began < 5 * PATIENCE  # and not as long as what hangs
        daemon.resume()


async def test_reconnect_ends_the_wait_at_once(daemon: PrivateDaemon) -> None:
    patient = LinkOptions(backoff_first=30, backoff_limit_local=60, statistics_interval=0)
    async with linked(daemon.uri, patient) as (host, seen):
        await host.settled()
        daemon.kill()
        await until(lambda: seen.status is DOWN)
        daemon.start()
        await host.reconnect()
        await until(lambda: seen.status is UP, 5.0)


async def test_attempts_that_fail_do_not_begin_the_loss_anew(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        daemon.kill()
        await until(lambda: host.link.status is DOWN)
        lost, attempt = host.link.since, host.link.attempt
        for number in range(attempt, attempt + 3):
            await host.reconnect()
            await until(lambda last=number: host.link.status is DOWN and host.link.attempt > last)
            assert host.link.since == lost
        daemon.start()
        await host.reconnect()
        await until(lambda: host.link.status is UP)
        assert host.link.since > lost
        daemon.kill()
        await until(lambda: host.link.status is DOWN)
        assert host.link.since > lost
        assert {change.link.since for change in seen.of(LinkChanged)} >= {lost, host.link.since}


async def test_a_sweep_finds_what_no_event_told_and_asks_about_nothing_else(
    daemon: PrivateDaemon,
) -> None:
    options = LinkOptions(sweep_interval=0.2, statistics_interval=0)
    async with linked(daemon.uri, options) as (_host, seen):
        await until(described(seen, 4))
        sweeps, reads = seen.listings("instances"), len(seen.of(InstancesDescribed))
        await until(lambda: seen.listings("instances") >= sweeps + 2)
        assert len(seen.of(InstancesDescribed)) == reads
        assert not seen.of(InstanceRead)
        daemon.keeper.lookupByUUIDString(uuid_of(2)).setAutostart(1)  # sends no event
        await until(lambda: len(seen.of(InstancesDescribed)) > reads)
        (instance,) = seen.last(InstancesDescribed).instances
        assert instance.uuid == uuid_of(2)
        assert seen.instances[uuid_of(2)].autostart


async def test_what_a_daemon_that_was_started_anew_tells_nobody_is_found_soon(
    daemon: PrivateDaemon,
) -> None:
    options = replace(QUICK, sweep_interval=3600, sweep_after_loss=0.2, statistics_interval=0)
    async with linked(daemon.uri, options) as (host, seen):
        await until(described(seen, 4))
        daemon.kill()
        await until(lambda: host.link.status is DOWN)
        before = seen.listings("instances")
        daemon.start()
        await until(lambda: host.link.status is UP)
        await until(lambda: seen.listings("instances") >= before + 2)


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


async def test_without_keepalive_a_call_s_deadline_still_finds_a_hung_host(
    daemon: PrivateDaemon,
) -> None:
    options = replace(QUICK, keepalive_interval=0, call_deadline=0.3, statistics_interval=0)
    async with linked(daemon.uri, options) as (host, seen):
        await until(described(seen, 4))
        # nothing else is read, which would find the host hung before us
        await until(lambda: (left := host.unread) is not None and left.at_rest)
        daemon.stop()
        with pytest.raises(DeadlineError):
            await host.reread(uuid_of(1))
        await until(lambda: seen.status is DOWN)
        daemon.resume()
        await until(lambda: seen.status is UP)


def ever_described(seen: Collector) -> set[str]:
    return {row.uuid for found in seen.of(InstancesDescribed) for row in found.instances}


async def test_an_object_nobody_foresaw_costs_nothing_else(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = describing.describe_instance

    def choke(conn: Connection, handles: Any, key: ObjectKey, **options: bool) -> Instance:
        if key.id == uuid_of(2):
            raise ValueError("never seen such a thing")
        return real(conn, handles, key, **options)

    monkeypatch.setattr(describing, "describe_instance", choke)
    options = replace(QUICK, sweep_interval=0.2)
    async with linked(daemon.uri, options) as (_host, seen):
        # ever: a sweep that comes soon lists them anew, without what was described
        await until(lambda: len(ever_described(seen)) == 3)
        assert uuid_of(2) not in ever_described(seen)
        monkeypatch.setattr(describing, "describe_instance", real)
        await until(lambda: uuid_of(2) in ever_described(seen))  # a sweep tries it again
        assert seen.statuses == [CONNECTING, UP]

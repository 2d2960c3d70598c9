"""A listing that events overtake: what they told of stays so, and is read again, once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.observe import listing, reading, refresher
from core.model.event import (
    Found,
    InstanceLifecycle,
    NetworkLifecycle,
    PoolLifecycle,
    PoolRefreshed,
)
from core.model.observation import InstanceRead, NetworkRead, NetworksDescribed, PoolRead
from core.model.state import State
from core.state.store import Store
from tests.driver.private_daemon import PrivateDaemon, domain_xml, uuid_of
from tests.driver.watching import QUICK, Collector, described, linked, until
from tests.driver.worlds import NETWORK, POOL, VOLUME


class Gate:
    """Holds a listing back once libvirt has answered, until a test lets it go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.listed, self.may_go = threading.Event(), threading.Event()
        self.times = 0
        really: Callable[..., Any] = getattr(listing, name)

        def held(*args: Any, **options: Any) -> Any:
            answer = really(*args, **options)
            self.times += 1
            self.listed.set()
            assert self.may_go.wait(60)
            return answer

        monkeypatch.setattr(listing, name, held)


def pictures(seen: Collector) -> list[State]:
    """Return the state after each observation; nothing was a find of a listing."""
    states = states_of(seen)
    assert not [event for event in states[-1].events if isinstance(event, Found)]
    return states[:-1]


def states_of(seen: Collector) -> list[State]:
    """Return the state after each observation, and as it is long after."""
    store, states = Store(), []
    for observation in seen.seen:
        store.apply(observation)
        states.append(store.state)
    store.elapse(observation.at + 1000)
    return [*states, store.state]


def missing(seen: Collector, kind: str, name: str) -> list[State]:
    """Return the states in which a kind of the host's objects counts as listed without one."""
    counting = [state for state in states_of(seen) if kind in state.hosts["host"].listed]
    assert counting
    return [state for state in counting if name not in named(getattr(state, kind))]


def changes(seen: Collector, kind: type[Any]) -> int:
    return len(seen.of(kind))


async def test_pools(daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, "read_storage")
    async with linked(daemon.uri) as (host, seen):
        await until(gate.listed.is_set)
        old = daemon.keeper.storagePoolLookupByName("default-pool")
        old.destroy()
        old.undefine()
        new = daemon.keeper.storagePoolDefineXML(POOL.format(name="new", uuid=uuid_of(900)))
        new.build(0)
        new.create(0)
        told = {"stopped", "undefined", "defined", "started"}
        await until(lambda: told <= {event.change for event in seen.of(PoolLifecycle)})
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert all("default-pool" not in named(state.pools) for state in pictures(seen))
    assert named(pictures(seen)[-1].pools) == {"new"}
    assert gate.times == 1
    assert len(seen.of(PoolRead)) == 1, "however many events told of it"


async def test_networks(daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, "read_networks")
    async with linked(daemon.uri) as (host, seen):
        await until(gate.listed.is_set)
        old = daemon.keeper.networkLookupByName("default")
        old.destroy()
        old.undefine()
        daemon.keeper.networkDefineXML(NETWORK)
        told = {"stopped", "undefined", "defined"}
        await until(lambda: told <= {event.change for event in seen.of(NetworkLifecycle)})
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert all("default" not in named(state.networks) for state in pictures(seen))
    assert named(pictures(seen)[-1].networks) == {"lan"}
    assert gate.times == 1
    assert len(seen.of(NetworkRead)) == 1


async def test_a_pool_that_is_refreshed_is_not_missing_where_the_pools_count_as_listed(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = daemon.keeper.storagePoolLookupByName("default-pool")
    pool.createXML(VOLUME.format(name="one.img"))
    gate = Gate(monkeypatch, "read_storage")
    async with linked(daemon.uri) as (host, seen):
        await until(gate.listed.is_set)
        pool.refresh()
        await until(lambda: seen.of(PoolRefreshed))
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert not missing(seen, "pools", "default-pool")
    assert not missing(seen, "volumes", "one.img")
    assert all(volume.described for volume in pictures(seen)[-1].volumes.values())
    assert gate.times == 1


async def test_a_pool_that_came_while_the_link_was_down_is_not_missing_either(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(lambda: host.unread is not None and host.unread.at_rest)
        daemon.kill()
        await until(lambda: host.unread is None)
        before = len(seen.of(PoolRefreshed))
        gate = Gate(monkeypatch, "read_storage")
        daemon.start()
        new = daemon.keeper.storagePoolDefineXML(POOL.format(name="new", uuid=uuid_of(900)))
        new.build(0)
        new.create(0)
        await until(gate.listed.is_set)
        new.refresh()
        await until(lambda: len(seen.of(PoolRefreshed)) > before)
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
    states = [state for state in states_of(seen) if "pools" in state.hosts["host"].listed]
    first = next(at for at, state in enumerate(states) if "new" in named(state.pools))
    assert not [state for state in states[first:] if "new" not in named(state.pools)]
    assert states[first - 1].hosts["host"].link.since != states[first].hosts["host"].link.since


async def test_a_pool_that_cannot_be_read_is_shown_as_listed_and_listed_again(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "read_storage")
    refused = RefusedOnce(monkeypatch, "read_pool")
    async with linked(daemon.uri, replace(QUICK, backoff_limit=0.1)) as (host, seen):
        await until(gate.listed.is_set)
        daemon.keeper.storagePoolLookupByName("default-pool").refresh()
        await until(lambda: seen.of(PoolRefreshed))
        gate.may_go.set()
        await until(lambda: gate.times == 2)
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert refused.times == 1
    assert not missing(seen, "pools", "default-pool")


async def test_a_network_that_starts_is_not_missing_where_the_networks_count_as_listed(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "read_networks")
    async with linked(daemon.uri) as (host, seen):
        await until(gate.listed.is_set)
        restart(daemon)
        await until(lambda: changes(seen, NetworkLifecycle) >= 2)
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert not missing(seen, "networks", "default")
    assert [state for state in pictures(seen) if described_networks(state)]
    assert gate.times == 1


async def test_a_network_that_cannot_be_read_is_shown_as_listed_and_read_again(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "read_networks")
    refused = RefusedOnce(monkeypatch, "read_network")
    async with linked(daemon.uri) as (host, seen):
        await until(gate.listed.is_set)
        restart(daemon)
        await until(lambda: changes(seen, NetworkLifecycle) >= 2)
        gate.may_go.set()
        await until(lambda: host.unread is not None and host.unread.at_rest)
        assert refused.times == 1
        assert not missing(seen, "networks", "default")
        assert described_networks(states_of(seen)[-1]) == {"default"}
        assert gate.times == 2, "another listing, at once"
        refused.times = 0
        described = changes(seen, NetworksDescribed)
        restart(daemon)
        await until(lambda: refused.times)
        await until(lambda: host.unread is not None and host.unread.at_rest)
        assert gate.times == 3
        assert changes(seen, NetworksDescribed) > described


async def test_instances(daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        await until(lambda: host.unread is not None and host.unread.at_rest)
        gate = Gate(monkeypatch, "read_instances")
        listed_again = asyncio.create_task(host.refresh())
        await until(gate.listed.is_set)
        daemon.keeper.lookupByUUIDString(uuid_of(2)).undefine()
        daemon.keeper.lookupByUUIDString(uuid_of(3)).create()
        daemon.keeper.defineXML(domain_xml(800)).create()
        await until(lambda: changes(seen, InstanceLifecycle) >= 4)
        at_events = len(seen.seen)
        gate.may_go.set()
        await listed_again
        await until(lambda: host.unread is not None and host.unread.at_rest)
    for state in pictures(seen)[at_events - 1 :]:
        running = {row.uuid: row.state.active for row in state.instances.values()}
        assert uuid_of(2) not in running
        assert running[uuid_of(3)]
        assert running[uuid_of(800)]
    assert gate.times == 1
    again = [read.instance.uuid for read in seen.of(InstanceRead)]
    assert sorted(again) == [uuid_of(3), uuid_of(800)]


async def test_networks_that_wait_among_many_instances_are_read(daemon: PrivateDaemon) -> None:
    """They were forgotten where a listing of the instances was cheaper than reading each."""
    async with linked(daemon.uri) as (host, seen):
        await until(lambda: host.unread is not None and host.unread.at_rest)
        async with host._link.refresher._reading:
            for number in range(500, 500 + refresher.MANY):
                daemon.keeper.defineXML(domain_xml(number))
            daemon.keeper.networkDefineXML(NETWORK)
            await until(lambda: changes(seen, InstanceLifecycle) >= refresher.MANY)
            await until(lambda: changes(seen, NetworkLifecycle))
        await until(lambda: host.unread is not None and host.unread.at_rest)
    assert "lan" in named(pictures(seen)[-1].networks)
    assert seen.listings("instances") == 2


class RefusedOnce:
    """libvirt refuses to tell of an object, the first time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.times = 0
        really: Callable[..., Any] = getattr(reading, name)

        def refusing(conn: Connection, *args: Any) -> Any:
            self.times += 1
            if self.times == 1:
                raise libvirt.libvirtError("it is not told")
            return really(conn, *args)

        monkeypatch.setattr(reading, name, refusing)


def restart(daemon: PrivateDaemon) -> None:
    network = daemon.keeper.networkLookupByName("default")
    network.destroy()
    network.create()


def described_networks(state: State) -> set[str]:
    return {row.name for row in state.networks.values() if row.described}


def named(rows: Any) -> set[str]:
    return {row.name for row in rows.values()}

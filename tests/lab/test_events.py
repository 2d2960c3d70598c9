"""What happens to real guests, done from outside, seen as events with its cause."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.clock import SystemClock
from core.hypervisor.calls.power import instance_state, resume, shutdown, start, stop, suspend
from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.observe.detail import read_detail
from core.hypervisor.observe.events import register
from core.hypervisor.observe.facts import read_facts
from core.hypervisor.observe.reading import read_instance
from core.lab import LabHost, Wanted
from core.model import AgentState, Instance, InstanceState
from core.model import event as model
from core.model.event import Event
from tests.driver.worlds import read_listing

INTERFACE = (
    "<interface type='user'><model type='virtio'/><mac address='52:54:00:9:9:9'/></interface>"
)


class Watched:
    """A connection to alpha and every event it gave."""

    def __init__(self, uri: str, eventually: Callable[..., Any]) -> None:
        event_loop.ensure_running()
        self.events: list[Event] = []
        self.conn = libvirt.open(uri)
        self.registration = register(self.conn, "alpha", SystemClock(), self.events.append)
        self.registration.complete()
        self._eventually = eventually

    def changes(self, name: str) -> list[tuple[str, str]]:
        return [
            (event.change, event.detail)
            for event in self.events
            if isinstance(event, model.InstanceLifecycle) and event.name == name
        ]

    def until(self, name: str, *change: str) -> None:
        self._eventually(lambda: change in self.changes(name), f"{change} of {name}")

    def until_one(self, name: str, kind: type[Event]) -> Any:
        def find() -> list[Event]:
            return [e for e in self.events if isinstance(e, kind) and e.name == name]

        return self._eventually(find, f"{kind.__name__} of {name}", deadline=60)[-1]


@pytest.fixture
def watched(alpha: LabHost, eventually: Callable[..., Any]) -> Iterator[Watched]:
    found = Watched(alpha.uri, eventually)
    yield found
    found.registration.deregister()
    assert found.conn.close() == 0


def uuid_of(virsh: Callable[..., str], name: str) -> str:
    return virsh("alpha", "domuuid", name)


def test_every_event_is_offered_by_qemu(watched: Watched) -> None:
    assert {refusal.constant for refusal in watched.registration.refused} == set()


def test_started_paused_resumed_and_stopped(
    watched: Watched, guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = guest("alpha", "seen", wanted=Wanted.SHUT_OFF)
    for verb in ("start", "suspend", "resume", "destroy", "undefine"):
        virsh("alpha", verb, name)
    watched.until(name, "undefined", "removed")
    # a power cut may show QEMU's own goodbye (shutdown, by the host) before the stop
    changes = [found for found in watched.changes(name) if found != ("shutdown", "host")]
    assert changes == [
        ("defined", "added"),
        ("resumed", "unpaused"),  # QEMU's vCPUs start before libvirt calls the instance started
        ("started", "booted"),
        ("suspended", "paused"),
        ("resumed", "unpaused"),
        ("stopped", "destroyed"),
        ("undefined", "removed"),
    ]


def test_a_killed_process_is_a_failure(
    watched: Watched,
    guest: Callable[..., str],
    virsh: Callable[..., str],
    qemu_pid: Callable[[str, str], int],
) -> None:
    name = guest("alpha", "killed")
    uuid = uuid_of(virsh, name)
    os.kill(qemu_pid("alpha", name), signal.SIGKILL)
    watched.until(name, "stopped", "failed")
    found = instance_state(watched.conn, uuid)
    assert found is not None
    assert (found.state, found.reason, found.id) == (InstanceState.SHUTOFF, "crashed", None)


def test_a_panic_is_a_crash(
    watched: Watched, guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = guest("alpha", "panics", "vd.panic=1")
    watched._eventually(
        lambda: ("crashed", "panicked") in watched.changes(name), "the panic", deadline=90
    )
    found = instance_state(watched.conn, uuid_of(virsh, name))
    assert found is not None
    assert (found.state, found.reason) == (InstanceState.CRASHED, "panicked")


def test_devices_agent_and_details(
    watched: Watched,
    guest: Callable[..., str],
    virsh: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    name = guest("alpha", "plugged", disk="default/clone.qcow2")
    uuid = uuid_of(virsh, name)
    booted("alpha", name)
    watched._eventually(lambda: agents(watched, name)[-1:] == ["connected"], "the agent")
    domain = watched.conn.lookupByUUIDString(uuid)
    domain.attachDeviceFlags(INTERFACE, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    added = watched.until_one(name, model.DeviceAdded)
    described = read_instance(watched.conn, "alpha", uuid)
    assert described is not None
    assert added.alias in {interface.alias for interface in described.interfaces}
    assert described.agent is AgentState.CONNECTED
    assert described.type in ("kvm", "qemu")
    domain.detachDeviceAlias(added.alias, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    removed = watched.until_one(name, model.DeviceRemoved)
    assert removed.alias == added.alias

    virsh("alpha", "snapshot-create-as", name, "before", "--description", "kept")
    detail = read_detail(watched.conn, "alpha", uuid, 7.0)
    assert detail is not None
    assert detail.at == 7.0
    assert f"<name>{name}</name>" in detail.xml
    assert "<alias" not in detail.inactive_xml
    assert [(s.name, s.current, s.state) for s in detail.snapshots] == [("before", True, "running")]
    assert not any(note.startswith("Addresses by agent") for note in detail.notes)
    virsh("alpha", "snapshot-delete", name, "before")
    del domain


def agents(watched: Watched, name: str) -> list[str]:
    return [e.state for e in watched.events if isinstance(e, model.AgentChanged) and e.name == name]


def test_power_calls_and_the_state_they_leave(
    watched: Watched,
    guest: Callable[..., str],
    virsh: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    name = guest("alpha", "powered", wanted=Wanted.SHUT_OFF)
    uuid = uuid_of(virsh, name)
    conn = watched.conn
    start(conn, uuid)
    suspend(conn, uuid)
    assert state(conn, uuid) == (InstanceState.PAUSED, "user")
    resume(conn, uuid)
    assert state(conn, uuid) == (InstanceState.RUNNING, "unpaused")
    booted("alpha", name)
    shutdown(conn, uuid)
    watched._eventually(lambda: ("stopped", "shutdown") in watched.changes(name), "power off", 30)
    assert state(conn, uuid) == (InstanceState.SHUTOFF, "shutdown")
    stop(conn, uuid)  # off already: not an error
    start(conn, uuid)
    conn.lookupByUUIDString(uuid).managedSave(0)
    assert state(conn, uuid) == (InstanceState.SHUTOFF, "saved")
    assert next(i for i in listed(conn) if i.uuid == uuid).managed_save
    start(conn, uuid)
    stop(conn, uuid)
    assert state(conn, uuid) == (InstanceState.SHUTOFF, "destroyed")


def state(conn: Any, uuid: str) -> tuple[InstanceState, str]:
    found = instance_state(conn, uuid)
    assert found is not None
    return found.state, found.reason


def listed(conn: Any) -> tuple[Instance, ...]:
    return read_listing(conn, "alpha", 0.0).instances


def test_pool_events_and_a_listing_agree_with_single_reads(
    watched: Watched, virsh: Callable[..., str]
) -> None:
    virsh("alpha", "pool-refresh", "default")
    pool = watched.until_one("default", model.PoolRefreshed)
    found = read_listing(watched.conn, "alpha", 0.0)
    assert pool.uuid in {p.uuid for p in found.pools}
    assert {v.name for v in found.volumes if v.pool == pool.uuid} >= {"spare.raw", "clone.qcow2"}
    facts = read_facts(watched.conn)
    assert facts.hypervisor == "QEMU"
    assert facts.libvirt_version.count(".") == 2
    assert facts.uuid
    assert f"<uuid>{facts.uuid}</uuid>" in virsh("alpha", "capabilities")
    for instance in found.instances:
        single = read_instance(watched.conn, "alpha", instance.uuid)
        assert single is not None
        assert (single.name, single.state, single.id, single.persistent) == (
            instance.name,
            instance.state,
            instance.id,
            instance.persistent,
        )

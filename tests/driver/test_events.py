"""Events of libvirt's test driver, and the translation of those it cannot send."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.hypervisor import event_words as words
from core.hypervisor.connection.binding import libvirt, load
from core.hypervisor.observe.event_table import KINDS, NOT_REGISTERED, OBJECTS, Stamp
from core.hypervisor.observe.events import event_ids, known_kinds, make_callback, register
from core.model import event as model
from core.model.event import Event, UnknownEvent
from core.model.probe import probe_name
from tests.driver.worlds import NETWORK, POOL, instance_xml, open_world, uuid_of, wait_for

STAMP = ("alpha", 5.0, uuid_of(1), "vm1")


class FixedClock(SystemClock):
    def now(self) -> float:
        return 5.0


class Watched:
    """A connection to a world, and every event it gave."""

    def __init__(self, directory: Path) -> None:
        self.events: list[Event] = []
        self.conn = open_world(directory)
        self.registration = register(self.conn, "alpha", FixedClock(), self.events.append)
        self.registration.complete()

    def of(self, uuid: str) -> list[Event]:
        return [event for event in self.events if event.uuid == uuid]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path)
    yield found
    found.registration.deregister()


def test_the_life_of_an_instance(watched: Watched) -> None:
    domain = watched.conn.defineXML(instance_xml(1))
    domain.create()
    domain.suspend()
    domain.resume()
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "new", None, None, 0)
    domain.destroy()
    domain.undefine()
    wait_for(lambda: len(watched.of(uuid_of(1))) >= 7)
    assert watched.of(uuid_of(1)) == [
        model.InstanceLifecycle(*STAMP, "defined", "added"),
        model.InstanceLifecycle(*STAMP, "started", "booted"),
        model.InstanceLifecycle(*STAMP, "suspended", "paused"),
        model.InstanceLifecycle(*STAMP, "resumed", "unpaused"),
        model.MetadataChanged(*STAMP, "title"),
        model.InstanceLifecycle(*STAMP, "stopped", "destroyed"),
        model.InstanceLifecycle(*STAMP, "undefined", "removed"),
    ]


def test_a_look_of_an_evacuation_is_no_instance(watched: Watched) -> None:
    look = probe_name("b7a4a2f0-4f0e-4a3f-9a51-0c1d2e3f4a5b")
    watched.conn.createXML(instance_xml(1, look)).destroy()
    watched.conn.createXML(instance_xml(2, f"{look}-of-mine")).destroy()
    wait_for(lambda: len(watched.of(uuid_of(2))) >= 2)
    assert watched.of(uuid_of(1)) == []


def test_networks_and_pools(watched: Watched) -> None:
    network = watched.conn.networkDefineXML(NETWORK)
    network.create()
    network.destroy()
    pool = watched.conn.storagePoolDefineXML(POOL.format(name="p", uuid=uuid_of(9)))
    pool.build(0)
    pool.create(0)
    pool.refresh(0)
    pool.destroy()
    pool.undefine()
    wait_for(lambda: len(watched.events) >= 9)
    lan = ("alpha", 5.0, network.UUIDString(), "lan")
    p = ("alpha", 5.0, uuid_of(9), "p")
    assert watched.events == [
        model.NetworkLifecycle(*lan, "defined"),
        model.NetworkLifecycle(*lan, "started"),
        model.NetworkLifecycle(*lan, "stopped"),
        model.PoolLifecycle(*p, "defined"),
        model.PoolLifecycle(*p, "created"),
        model.PoolLifecycle(*p, "started"),
        model.PoolRefreshed(*p),
        model.PoolLifecycle(*p, "stopped"),
        model.PoolLifecycle(*p, "undefined"),
    ]


def test_node_devices(tmp_path: Path) -> None:
    # only the test driver's default world has a host bus adapter to make a device on
    open_world(tmp_path).close()
    conn = libvirt.open("test:///default")
    events: list[Event] = []
    registration = register(conn, "alpha", FixedClock(), events.append)
    registration.complete()
    xml = """<device><parent>scsi_host1</parent><capability type='scsi_host'>
        <capability type='fc_host'><wwnn>2100000012341234</wwnn><wwpn>1100000012341234</wwpn>
        </capability></capability></device>"""
    device = conn.nodeDeviceCreateXML(xml, 0)
    name = device.name()
    device.destroy()
    wait_for(lambda: len(events) >= 2)
    registration.deregister()
    assert events == [
        model.NodeDeviceLifecycle("alpha", 5.0, "", name, "created"),
        model.NodeDeviceLifecycle("alpha", 5.0, "", name, "deleted"),
    ]
    assert events[0].subject == ("node-device", "alpha", name)


def test_every_event_id_of_the_binding_is_mapped_or_left_out_by_name() -> None:
    pattern = re.compile(r"VIR_\w*_EVENT_ID_(?!LAST$)\w+")
    constants = {name for name in dir(load()) if pattern.fullmatch(name)}
    typed = {kind.constant for kind in KINDS}
    assert constants == set(event_ids())
    assert constants - typed - set(NOT_REGISTERED) == set()
    registered = {kind.constant for kind, _number in known_kinds()}
    assert registered == constants - set(NOT_REGISTERED)
    assert all(constant.startswith(tuple(OBJECTS)) for constant in typed)


def test_an_event_id_from_the_future_is_registered_as_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load(), "VIR_DOMAIN_EVENT_ID_SURPRISE", 77, raising=False)
    monkeypatch.setattr(load(), "VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE", 30, raising=False)
    kinds = {kind.constant: (kind, number) for kind, number in known_kinds()}
    assert "VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE" not in kinds
    kind, number = kinds["VIR_DOMAIN_EVENT_ID_SURPRISE"]
    event = translate(kind.constant, "a\x1b[2Jb", 3, None, {"k": 1})
    assert event == UnknownEvent(*STAMP, "instance", 77, ("a�[2Jb", 3, None, "{'k': 1}"))
    assert number == 77


class Handle:
    """An object's handle as a callback gets it."""

    def name(self) -> str:
        return "vm1"

    def UUIDString(self) -> str:  # noqa: N802
        return uuid_of(1)

    def usageID(self) -> str:  # noqa: N802
        return "/images/luks.qcow2"


def translate(constant: str, *values: Any) -> Event:
    """Return the event a callback makes of libvirt's arguments."""
    numbers = {kind.constant: (kind, number) for kind, number in known_kinds()}
    kind, number = numbers.get(constant) or (next(k for k in KINDS if k.constant == constant), -1)
    events: list[Event] = []
    callback = make_callback(kind.object, number, kind.build, "alpha", FixedClock(), events.append)
    callback(None, Handle(), *values, None)
    (event,) = events
    return event


# The arguments are those libvirt 9.0 with QEMU 7.2 was seen to pass; the last few are newer.
@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("REBOOT", (), model.Rebooted(*STAMP)),
        ("RTC_CHANGE", (-3600,), model.ClockChanged(*STAMP, -3600)),
        ("WATCHDOG", (2,), model.WatchdogFired(*STAMP, "reset")),
        (
            "IO_ERROR_REASON",
            ("/i/f.qcow2", "virtio-disk0", 1, "enospc"),
            model.IoError(*STAMP, "/i/f.qcow2", "virtio-disk0", "pause", "enospc"),
        ),
        (
            "GRAPHICS",
            (
                1,
                {"family": 0, "node": "127.0.0.1", "service": "5900"},
                {"family": 0, "node": "10.0.0.9", "service": "40000"},
                "vnc",
                [],
            ),
            model.GraphicsChanged(*STAMP, "initialize", "10.0.0.9:40000", "vnc"),
        ),
        ("CONTROL_ERROR", (), model.ControlError(*STAMP)),
        (
            "BLOCK_JOB_2",
            ("vda", 4, 3),
            model.BlockJobChanged(*STAMP, "vda", "active-commit", "ready"),
        ),
        (
            "DISK_CHANGE",
            ("/i/missing.iso", None, "ide0-1-0", 0),
            model.DiskChanged(*STAMP, "/i/missing.iso", "", "ide0-1-0", "change-missing-on-start"),
        ),
        ("TRAY_CHANGE", ("ide0-1-0", 1), model.TrayMoved(*STAMP, "ide0-1-0", "close")),
        ("PMWAKEUP", (0,), model.PowerManagement(*STAMP, "wakeup")),
        ("PMSUSPEND", (0,), model.PowerManagement(*STAMP, "suspend")),
        ("PMSUSPEND_DISK", (0,), model.PowerManagement(*STAMP, "suspend-disk")),
        ("BALLOON_CHANGE", (1024,), model.BalloonChanged(*STAMP, 1 << 20)),
        ("DEVICE_ADDED", ("net1",), model.DeviceAdded(*STAMP, "net1")),
        ("DEVICE_REMOVED", ("net1",), model.DeviceRemoved(*STAMP, "net1")),
        ("DEVICE_REMOVAL_FAILED", ("net1",), model.DeviceRemovalFailed(*STAMP, "net1")),
        (
            "TUNABLE",
            ({"cputune.vcpupin0": "0", "blkdeviotune.total_bytes_sec": 5},),
            model.TunableChanged(
                *STAMP, {"cputune.vcpupin0": "0", "blkdeviotune.total_bytes_sec": 5}
            ),
        ),
        ("AGENT_LIFECYCLE", (1, 2), model.AgentChanged(*STAMP, "connected", "channel")),
        ("MIGRATION_ITERATION", (3,), model.MigrationIteration(*STAMP, 3)),
        (
            "JOB_COMPLETED",
            ({"operation": 5, "errmsg": "no\x07", "data_total": 2**63},),
            model.JobCompleted(*STAMP, {"operation": 5, "errmsg": "no�", "data_total": 2**63}),
        ),
        ("METADATA_CHANGE", (2, "urn:x"), model.MetadataChanged(*STAMP, "element", "urn:x")),
        (
            "BLOCK_THRESHOLD",
            ("vda[6]", None, 100, 7),
            model.BlockThreshold(*STAMP, "vda[6]", "", 100, 7),
        ),
        ("MEMORY_FAILURE", (1, 2, 1), model.MemoryFailure(*STAMP, "guest", "fatal", 1)),
        (
            "MEMORY_DEVICE_SIZE_CHANGE",
            ("virtiomem0", 2048),
            model.MemoryDeviceResized(*STAMP, "virtiomem0", 2 << 20),
        ),
        ("NIC_MAC_CHANGE", ("net0", "a", "b"), model.MacChanged(*STAMP, "net0", "a", "b")),
        ("VCPU_REMOVED", (1,), model.VcpuRemoved(*STAMP, 1)),
        ("LIFECYCLE", (3, 2), model.InstanceLifecycle(*STAMP, "suspended", "ioerror")),
        ("LIFECYCLE", (8, 0), model.InstanceLifecycle(*STAMP, "crashed", "panicked")),
        ("LIFECYCLE", (5, 42), model.InstanceLifecycle(*STAMP, "stopped", "unknown-42")),
        ("LIFECYCLE", (42, 1), model.InstanceLifecycle(*STAMP, "unknown-42", "unknown-1")),
        ("WATCHDOG", (-1,), model.WatchdogFired(*STAMP, "unknown--1")),
    ],
)
def test_arguments_become_typed_events(name: str, values: tuple[Any, ...], expected: Event) -> None:
    assert translate(f"VIR_DOMAIN_EVENT_ID_{name}", *values) == expected


def test_a_secret_is_named_by_its_usage() -> None:
    event = translate("VIR_SECRET_EVENT_ID_LIFECYCLE", 0, 0)
    secret = ("alpha", 5.0, uuid_of(1), "/images/luks.qcow2")
    assert event == model.SecretLifecycle(*secret, "defined")
    changed = translate("VIR_SECRET_EVENT_ID_VALUE_CHANGED")
    assert changed == model.SecretValueChanged(*secret)


def test_arguments_that_do_not_fit_are_kept_as_unknown() -> None:
    event = translate("VIR_DOMAIN_EVENT_ID_WATCHDOG", 2, "and more")
    assert event == UnknownEvent(*STAMP, "instance", 3, (2, "and more"))


@pytest.mark.parametrize(
    ("prefix", "table"),
    [
        *[
            (f"VIR_DOMAIN_EVENT_{change.upper()}_", words.LIFECYCLE_DETAILS[number])
            for number, change in enumerate(words.LIFECYCLE)
        ],
        ("VIR_DOMAIN_EVENT_WATCHDOG_", words.WATCHDOG),
        ("VIR_DOMAIN_EVENT_IO_ERROR_", words.IO_ERROR),
        ("VIR_DOMAIN_EVENT_GRAPHICS_(?!ADDRESS)", words.GRAPHICS_PHASE),
        ("VIR_DOMAIN_BLOCK_JOB_TYPE_", words.BLOCK_JOB_TYPE),
        ("VIR_DOMAIN_EVENT_DISK_", words.DISK_CHANGE),
        ("VIR_DOMAIN_EVENT_TRAY_CHANGE_", words.TRAY),
        ("VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_", words.AGENT_STATE),
        ("VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_", words.AGENT_REASON),
        ("VIR_DOMAIN_METADATA_", words.METADATA),
        ("VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_", words.MEMORY_FAILURE_RECIPIENT),
        ("VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_", words.MEMORY_FAILURE_ACTION),
        ("VIR_NETWORK_EVENT_(?!ID_)", words.NETWORK),
        ("VIR_STORAGE_POOL_EVENT_(?!ID_)", words.POOL),
        ("VIR_SECRET_EVENT_(?!ID_)", words.SECRET),
        ("VIR_NODE_DEVICE_EVENT_(?!ID_)", words.NODE_DEVICE),
    ],
)
def test_words_are_the_bindings_own(prefix: str, table: tuple[str, ...]) -> None:
    pattern = re.compile(prefix + r"(?!LAST$)(\w+)")
    found = {
        number: match[1].lower().replace("_", "-")
        for name, number in vars(load()).items()
        if (match := pattern.fullmatch(name))
    }
    assert found
    for number, name in found.items():
        assert words.word(table, number) == name


def test_secrets_are_refused_by_this_driver_and_that_is_not_fatal(watched: Watched) -> None:
    refused = {refusal.constant for refusal in watched.registration.refused}
    assert refused == {"VIR_SECRET_EVENT_ID_LIFECYCLE", "VIR_SECRET_EVENT_ID_VALUE_CHANGED"}
    assert all("not supported" in refusal.reason for refusal in watched.registration.refused)


def test_a_connection_is_free_after_deregistering(tmp_path: Path) -> None:
    found = Watched(tmp_path)
    found.conn.defineXML(instance_xml(1))
    wait_for(lambda: found.events)
    found.registration.deregister()
    found.registration.deregister()
    gc.collect()
    assert found.conn.close() == 0


def test_registering_on_a_dead_connection_raises_and_leaves_nothing(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.close()
    with pytest.raises(libvirt.libvirtError):
        register(conn, "alpha", FixedClock(), lambda event: None)


def test_a_callback_never_raises() -> None:
    def explode(event: Event) -> None:
        raise RuntimeError("the loop is closed")

    def build(stamp: Stamp) -> Event:
        return model.Rebooted(*stamp)

    make_callback("instance", 1, build, "alpha", FixedClock(), explode)(None, Handle(), None)
    make_callback("instance", 1, build, "alpha", FixedClock(), explode)(None, object(), None)

"""Which event ids of libvirt's are registered, and how each callback's arguments become an event.

Ids are named, not numbered: a name the installed binding does not have is not registered. The
order is the order of registration: over a slow link each registration costs a round trip, so what
the state is made of comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from core.hypervisor import event_words as words
from core.hypervisor.event_words import lifecycle_words, word
from core.model import event as model
from core.model.event import Event
from core.model.event_base import Scalar
from core.model.text import clean

KIB = 1024


class Stamp(NamedTuple):
    """The fields every event starts with, in their order."""

    host: str
    at: float
    uuid: str
    name: str


Build = Callable[..., Event]
"""Takes a Stamp and the callback's own arguments; any exception means they were not understood."""


class Kind(NamedTuple):
    """One event id: which object it belongs to, its constant's name, and its translation."""

    object: str
    constant: str
    build: Build


def text(value: object) -> str:
    """Return a string argument of a callback without control characters; None is empty."""
    return "" if value is None else clean(str(value))


def scalar(value: object) -> Scalar:
    """Return any argument as something a tape can hold."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(value)


def scalars(values: dict[str, Any]) -> dict[str, Scalar]:
    """Return libvirt's typed parameters with clean names and values."""
    return {text(name): scalar(value) for name, value in values.items()}


Convert = Callable[[Any], Any]
"""Turns one argument of a callback into one field of an event."""


def _same(value: Any) -> Any:
    return value


def _from_kib(value: int) -> int:
    return value * KIB


def _by(table: words.Words) -> Convert:
    return lambda number: word(table, number)


def _of(event: type[Event], *converters: Convert) -> Build:
    """Return a build that fills an event's fields from the callback's arguments, one by one."""
    make: Callable[..., Event] = event

    def build(stamp: Stamp, *values: Any) -> Event:
        fields = [convert(value) for convert, value in zip(converters, values, strict=True)]
        return make(*stamp, *fields)

    return build


def _change(event: type[Event], table: words.Words) -> Build:
    make: Callable[..., Event] = event
    # the second number is libvirt's "detail", which these objects do not use: always 0
    return lambda stamp, change, _detail: make(*stamp, word(table, change))


def _lifecycle(stamp: Stamp, event: int, detail: int) -> Event:
    return model.InstanceLifecycle(*stamp, *lifecycle_words(event, detail))


def _power_management(change: str) -> Build:
    make: Callable[..., Event] = model.PowerManagement
    return lambda stamp, _reason: make(*stamp, change)


def _graphics(
    stamp: Stamp, phase: int, _local: object, remote: dict[str, Any], scheme: str, _subject: object
) -> Event:
    peer = ":".join(text(remote[part]) for part in ("node", "service") if remote.get(part))
    return model.GraphicsChanged(*stamp, word(words.GRAPHICS_PHASE, phase), peer, text(scheme))


_DOMAIN: tuple[tuple[str, Build], ...] = (
    ("LIFECYCLE", _lifecycle),
    ("IO_ERROR_REASON", _of(model.IoError, text, text, _by(words.IO_ERROR), text)),
    (
        "BLOCK_JOB_2",
        _of(model.BlockJobChanged, text, _by(words.BLOCK_JOB_TYPE), _by(words.BLOCK_JOB_STATUS)),
    ),
    ("JOB_COMPLETED", _of(model.JobCompleted, scalars)),
    ("MIGRATION_ITERATION", _of(model.MigrationIteration, _same)),
    ("DEVICE_ADDED", _of(model.DeviceAdded, text)),
    ("DEVICE_REMOVED", _of(model.DeviceRemoved, text)),
    ("DEVICE_REMOVAL_FAILED", _of(model.DeviceRemovalFailed, text)),
    (
        "AGENT_LIFECYCLE",
        _of(model.AgentChanged, _by(words.AGENT_STATE), _by(words.AGENT_REASON)),
    ),
    ("REBOOT", _of(model.Rebooted)),
    ("WATCHDOG", _of(model.WatchdogFired, _by(words.WATCHDOG))),
    ("CONTROL_ERROR", _of(model.ControlError)),
    (
        "MEMORY_FAILURE",
        _of(
            model.MemoryFailure,
            _by(words.MEMORY_FAILURE_RECIPIENT),
            _by(words.MEMORY_FAILURE_ACTION),
            _same,
        ),
    ),
    ("METADATA_CHANGE", _of(model.MetadataChanged, _by(words.METADATA), text)),
    ("BALLOON_CHANGE", _of(model.BalloonChanged, _from_kib)),
    ("TRAY_CHANGE", _of(model.TrayMoved, text, _by(words.TRAY))),
    ("DISK_CHANGE", _of(model.DiskChanged, text, text, text, _by(words.DISK_CHANGE))),
    ("TUNABLE", _of(model.TunableChanged, scalars)),
    ("PMWAKEUP", _power_management("wakeup")),
    ("PMSUSPEND", _power_management("suspend")),
    ("PMSUSPEND_DISK", _power_management("suspend-disk")),
    ("BLOCK_THRESHOLD", _of(model.BlockThreshold, text, text, _same, _same)),
    ("GRAPHICS", _graphics),
    ("RTC_CHANGE", _of(model.ClockChanged, _same)),
    ("MEMORY_DEVICE_SIZE_CHANGE", _of(model.MemoryDeviceResized, text, _from_kib)),
    ("NIC_MAC_CHANGE", _of(model.MacChanged, text, text, text)),
    ("VCPU_REMOVED", _of(model.VcpuRemoved, _same)),
)

_VITAL = 1
"""How many of the domain's events come before those of pools and networks."""

_OTHERS: tuple[Kind, ...] = (
    Kind("pool", "VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE", _change(model.PoolLifecycle, words.POOL)),
    Kind("pool", "VIR_STORAGE_POOL_EVENT_ID_REFRESH", _of(model.PoolRefreshed)),
    Kind(
        "network", "VIR_NETWORK_EVENT_ID_LIFECYCLE", _change(model.NetworkLifecycle, words.NETWORK)
    ),
)

_LAST: tuple[Kind, ...] = (
    Kind(
        "network",
        "VIR_NETWORK_EVENT_ID_METADATA_CHANGE",
        _of(model.NetworkMetadataChanged, _by(words.METADATA), text),
    ),
    Kind("secret", "VIR_SECRET_EVENT_ID_LIFECYCLE", _change(model.SecretLifecycle, words.SECRET)),
    Kind("secret", "VIR_SECRET_EVENT_ID_VALUE_CHANGED", _of(model.SecretValueChanged)),
    Kind(
        "node-device",
        "VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE",
        _change(model.NodeDeviceLifecycle, words.NODE_DEVICE),
    ),
    Kind("node-device", "VIR_NODE_DEVICE_EVENT_ID_UPDATE", _of(model.NodeDeviceUpdated)),
)

_domain_kinds = tuple(Kind("instance", f"VIR_DOMAIN_EVENT_ID_{n}", build) for n, build in _DOMAIN)

KINDS: tuple[Kind, ...] = (*_domain_kinds[:_VITAL], *_OTHERS, *_domain_kinds[_VITAL:], *_LAST)
"""Every event id with a type of its own, in the order of registration."""

NOT_REGISTERED: dict[str, str] = {
    "VIR_DOMAIN_EVENT_ID_IO_ERROR": "IO_ERROR_REASON says the same and why",
    "VIR_DOMAIN_EVENT_ID_BLOCK_JOB": "BLOCK_JOB_2 says the same by the disk's target, not its path",
    "VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE": (
        "libvirt passes the channel's name to this callback and libvirt-python 12.8's C callback"
        " lacks that argument, so it would take the name's address for its own data and crash"
    ),
}
"""Event ids that are left alone on purpose, each with the reason."""

OBJECTS: dict[str, str] = {
    "VIR_DOMAIN_EVENT_ID_": "instance",
    "VIR_NETWORK_EVENT_ID_": "network",
    "VIR_STORAGE_POOL_EVENT_ID_": "pool",
    "VIR_SECRET_EVENT_ID_": "secret",
    "VIR_NODE_DEVICE_EVENT_ID_": "node-device",
}
"""The binding's names of event ids start so, each for one kind of object."""

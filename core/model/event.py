"""libvirt's events as typed values: every kind of every object, unknown ones included.

Numbers are turned into libvirt's own words by core.hypervisor.observe.events; a word this virtdeck
does not know reads `unknown-N`. `uuid` is empty where an object has none (a node device).
"""

from __future__ import annotations

from core.model.event_base import Event, Scalar
from core.model.instance_event import (
    AgentChanged,
    BalloonChanged,
    BlockJobChanged,
    BlockThreshold,
    ClockChanged,
    ControlError,
    DeviceAdded,
    DeviceRemovalFailed,
    DeviceRemoved,
    DiskChanged,
    GraphicsChanged,
    InstanceLifecycle,
    IoError,
    JobCompleted,
    MacChanged,
    MemoryDeviceResized,
    MemoryFailure,
    MetadataChanged,
    MigrationIteration,
    PowerManagement,
    Rebooted,
    TrayMoved,
    TunableChanged,
    VcpuRemoved,
    WatchdogFired,
)
from core.model.object_event import (
    Found,
    LinkEvent,
    NetworkLifecycle,
    NetworkMetadataChanged,
    NodeDeviceLifecycle,
    NodeDeviceUpdated,
    PoolLifecycle,
    PoolRefreshed,
    SecretLifecycle,
    SecretValueChanged,
    UnknownEvent,
)

AnyEvent = (
    InstanceLifecycle
    | Rebooted
    | ClockChanged
    | WatchdogFired
    | IoError
    | GraphicsChanged
    | ControlError
    | BlockJobChanged
    | DiskChanged
    | TrayMoved
    | PowerManagement
    | BalloonChanged
    | DeviceAdded
    | DeviceRemoved
    | DeviceRemovalFailed
    | TunableChanged
    | AgentChanged
    | MigrationIteration
    | JobCompleted
    | MetadataChanged
    | BlockThreshold
    | MemoryFailure
    | MemoryDeviceResized
    | MacChanged
    | VcpuRemoved
    | NetworkLifecycle
    | NetworkMetadataChanged
    | PoolLifecycle
    | PoolRefreshed
    | SecretLifecycle
    | SecretValueChanged
    | NodeDeviceLifecycle
    | NodeDeviceUpdated
    | LinkEvent
    | Found
    | UnknownEvent
)
"""Every event: what tapes decode to."""

__all__ = [
    "AgentChanged",
    "AnyEvent",
    "BalloonChanged",
    "BlockJobChanged",
    "BlockThreshold",
    "ClockChanged",
    "ControlError",
    "DeviceAdded",
    "DeviceRemovalFailed",
    "DeviceRemoved",
    "DiskChanged",
    "Event",
    "Found",
    "GraphicsChanged",
    "InstanceLifecycle",
    "IoError",
    "JobCompleted",
    "LinkEvent",
    "MacChanged",
    "MemoryDeviceResized",
    "MemoryFailure",
    "MetadataChanged",
    "MigrationIteration",
    "NetworkLifecycle",
    "NetworkMetadataChanged",
    "NodeDeviceLifecycle",
    "NodeDeviceUpdated",
    "PoolLifecycle",
    "PoolRefreshed",
    "PowerManagement",
    "Rebooted",
    "Scalar",
    "SecretLifecycle",
    "SecretValueChanged",
    "TrayMoved",
    "TunableChanged",
    "UnknownEvent",
    "VcpuRemoved",
    "WatchdogFired",
]

"""libvirt's events as typed values: every kind of every object, unknown ones included.

Numbers are turned into libvirt's own words by core.hypervisor.events; a word this virtdeck does not
know reads `unknown-N`. `uuid` is empty where an object has none (a node device).
"""

from __future__ import annotations

from core.model.base import ObjectKey, Value, kebab

Scalar = str | int | float | bool | None


class Event(Value, frozen=True, tag_field="event", tag=kebab):
    """What all events have. `at` is when our callback ran: libvirt gives no time."""

    host: str
    at: float
    uuid: str
    name: str

    @property
    def subject(self) -> ObjectKey:
        """The object it is about."""
        return ObjectKey("instance", self.host, self.uuid)


class InstanceLifecycle(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_LIFECYCLE: defined, started, suspended... with its detail."""

    change: str
    """defined, undefined, started, suspended, resumed, stopped, shutdown, pmsuspended, crashed."""
    detail: str = ""
    """added, booted, migrated, user, ioerror, destroyed, panicked..."""


class Rebooted(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_REBOOT; QEMU sends several for one reboot."""


class ClockChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_RTC_CHANGE."""

    offset: int
    """Seconds."""


class WatchdogFired(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_WATCHDOG."""

    action: str


class IoError(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON."""

    path: str
    alias: str
    action: str
    """none, pause, report."""
    reason: str = ""
    """enospc, or empty."""


class GraphicsChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_GRAPHICS: a viewer came or went."""

    phase: str
    remote: str = ""
    scheme: str = ""


class ControlError(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_CONTROL_ERROR: libvirt lost the hypervisor process's monitor."""


class BlockJobChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2. There is no event for the start of a block job."""

    disk: str
    type: str
    """pull, copy, commit, active-commit, backup."""
    status: str
    """completed, failed, canceled, ready."""


class DiskChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_DISK_CHANGE: a medium that was missing at start or migration."""

    old_source: str
    new_source: str
    alias: str
    reason: str


class TrayMoved(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_TRAY_CHANGE."""

    alias: str
    reason: str
    """open, close."""


class PowerManagement(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_PMWAKEUP, PMSUSPEND and PMSUSPEND_DISK."""

    change: str
    """wakeup, suspend, suspend-disk."""


class BalloonChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE."""

    actual: int
    """Bytes."""


class DeviceAdded(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_DEVICE_ADDED."""

    alias: str


class DeviceRemoved(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: the guest gave it up."""

    alias: str


class DeviceRemovalFailed(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: the guest refused."""

    alias: str


class TunableChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_TUNABLE."""

    values: dict[str, Scalar]


class AgentChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE."""

    state: str
    """connected, disconnected."""
    reason: str = ""


class MigrationIteration(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION; also sent while saving and dumping."""

    iteration: int


class JobCompleted(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_JOB_COMPLETED; not sent for an aborted or failed migration."""

    values: dict[str, Scalar]
    """The final job statistics, with libvirt's names."""


class MetadataChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_METADATA_CHANGE."""

    type: str
    """description, title, element."""
    namespace: str = ""


class BlockThreshold(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD."""

    disk: str
    path: str
    threshold: int
    excess: int


class MemoryFailure(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE."""

    recipient: str
    action: str
    flags: int = 0


class MemoryDeviceResized(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE."""

    alias: str
    size: int
    """Bytes."""


class MacChanged(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE."""

    alias: str
    old: str
    new: str


class VcpuRemoved(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_VCPU_REMOVED."""

    vcpu: int


class NetworkLifecycle(Event, frozen=True):
    """VIR_NETWORK_EVENT_ID_LIFECYCLE: defined, undefined, started, stopped."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The network."""
        return ObjectKey("network", self.host, self.uuid)


class NetworkMetadataChanged(Event, frozen=True):
    """VIR_NETWORK_EVENT_ID_METADATA_CHANGE."""

    type: str
    namespace: str = ""

    @property
    def subject(self) -> ObjectKey:
        """The network."""
        return ObjectKey("network", self.host, self.uuid)


class PoolLifecycle(Event, frozen=True):
    """VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE: defined, undefined, started, stopped..."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The pool."""
        return ObjectKey("pool", self.host, self.uuid)


class PoolRefreshed(Event, frozen=True):
    """VIR_STORAGE_POOL_EVENT_ID_REFRESH. Volumes have no events of their own."""

    @property
    def subject(self) -> ObjectKey:
        """The pool."""
        return ObjectKey("pool", self.host, self.uuid)


class SecretLifecycle(Event, frozen=True):
    """VIR_SECRET_EVENT_ID_LIFECYCLE: defined, undefined. `name` is the secret's usage."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The secret."""
        return ObjectKey("secret", self.host, self.uuid)


class SecretValueChanged(Event, frozen=True):
    """VIR_SECRET_EVENT_ID_VALUE_CHANGED; the value itself is never read."""

    @property
    def subject(self) -> ObjectKey:
        """The secret."""
        return ObjectKey("secret", self.host, self.uuid)


class NodeDeviceLifecycle(Event, frozen=True):
    """VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE: created, deleted, defined, undefined."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The node device."""
        return ObjectKey("node-device", self.host, self.name)


class NodeDeviceUpdated(Event, frozen=True):
    """VIR_NODE_DEVICE_EVENT_ID_UPDATE."""

    @property
    def subject(self) -> ObjectKey:
        """The node device."""
        return ObjectKey("node-device", self.host, self.name)


class LinkEvent(Event, frozen=True):
    """Our own: the link to a host came up or went down, and why."""

    change: str
    """connecting, up, down, closed."""
    reason: str = ""

    @property
    def subject(self) -> ObjectKey:
        """The host."""
        return ObjectKey("host", self.host, self.host)


class Found(Event, frozen=True):
    """Our own: a change that no event told us of, found by a listing after a gap or by a sweep."""

    object: str
    """instance, pool, volume, network."""
    change: str
    """appeared, vanished, or what changed: `running -> paused`."""

    @property
    def subject(self) -> ObjectKey:
        """The object that changed."""
        return ObjectKey(self.object, self.host, self.uuid)


class UnknownEvent(Event, frozen=True):
    """An event id this virtdeck has no type for: kept, never dropped."""

    object: str
    """instance, network, pool, secret, node-device."""
    id: int
    values: tuple[Scalar, ...] = ()

    @property
    def subject(self) -> ObjectKey:
        """The object it came from."""
        return ObjectKey(self.object, self.host, self.uuid or self.name)


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

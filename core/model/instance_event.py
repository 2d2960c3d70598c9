"""Events of instances: virDomainEventID, one type each."""

from __future__ import annotations

from core.model.event_base import Event, Scalar


class InstanceLifecycle(Event, frozen=True):
    """VIR_DOMAIN_EVENT_ID_LIFECYCLE: defined, started, suspended... with its detail."""

    change: str
    """defined, undefined, started, suspended, resumed, stopped, shutdown, pmsuspended, crashed."""
    detail: str = ""
    """added, booted, migrated, user, ioerror, destroyed, panicked..."""
    cause: str = ""
    """What an unexpected stop belongs to, where the store knows: `core.state.incoming`."""


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

    cause: str = ""
    """What it belongs to, where the store knows: `core.state.incoming`."""


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

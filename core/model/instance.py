"""Instances (libvirt's domains) and their devices."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value
from core.model.cold_move import ColdMove
from core.model.guest import GuestInfo
from core.model.run import BlockJob


class InstanceState(StrEnum):
    """virDomainState in the operator's words."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting-down"
    SHUTOFF = "shutoff"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    """The guest itself sleeps (VIR_DOMAIN_PMSUSPENDED)."""
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """Whether a hypervisor process stands behind it."""
        return self not in (InstanceState.SHUTOFF, InstanceState.UNKNOWN)


class AgentState(StrEnum):
    """What is known of the guest agent."""

    NONE = "none"
    """The instance has no agent channel."""
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"


class DiskSource(Value, frozen=True):
    """One layer of a disk: the image in use, or an image it is based on."""

    type: str
    """file, block, network, volume, dir, nvme, vhostuser..."""
    path: str = ""
    """The file, device, `POOL/VOLUME` or `PROTOCOL:NAME`."""
    format: str = ""
    protocol: str = ""
    hosts: tuple[str, ...] = ()


class Disk(Value, frozen=True):
    """A disk of an instance."""

    target: str
    """vda, sdb..."""
    bus: str = ""
    device: str = "disk"
    """disk, cdrom, floppy, lun."""
    source: DiskSource | None = None
    """None: an empty drive."""
    backing: tuple[DiskSource, ...] = ()
    """The images below the source, nearest first."""
    data: tuple[DiskSource, ...] = ()
    """The files that hold the data of its images, where they are kept apart (qcow2)."""
    alias: str = ""
    address: str = ""
    serial: str = ""
    boot_order: int | None = None
    cache: str = ""
    io: str = ""
    discard: str = ""
    read_only: bool = False
    shareable: bool = False
    encrypted: bool = False
    throttled: bool = False
    """It has a limit to its speed (`<iotune>`)."""

    @property
    def layers(self) -> tuple[DiskSource, ...]:
        """Every image and data file it is made of, the one in use first; none: an empty drive."""
        return () if self.source is None else (self.source, *self.data, *self.backing)


class Interface(Value, frozen=True):
    """A network interface of an instance."""

    mac: str
    type: str = ""
    """network, bridge, user, direct, ethernet, hostdev, vhostuser..."""
    source: str = ""
    """The network, bridge or device it is plugged into."""
    target: str = ""
    """The tap device on the host."""
    model: str = ""
    alias: str = ""
    address: str = ""
    link_up: bool = True
    boot_order: int | None = None


class Device(Value, frozen=True):
    """Any other device: controller, serial, channel, graphics, hostdev, TPM, watchdog..."""

    kind: str
    """The XML element's name."""
    summary: str = ""
    """What tells it from its likes: model, target, source."""
    alias: str = ""
    address: str = ""
    source: str = ""
    """The path of the host that it shares or stands for: of a share, a TPM, random numbers. Of a
    USB device the place where it is plugged in, `usb:1.4`, if that is told."""
    target: str = ""
    """What its guest knows it by: the tag of a share; of a container a place."""
    bus: str = ""
    """How its guest reaches it: virtiofs or 9p, the model of a TPM."""
    read_only: bool = False
    """Its guest only reads it; only of a share it is told."""
    boot_order: int | None = None
    """Its turn as the instance boots: of what the host has given it, or is passed on by USB."""


class Instance(Value, frozen=True):
    """An instance as its XML and its state say. Figures that move are in `Rates`."""

    host: str
    uuid: str
    name: str
    state: InstanceState = InstanceState.UNKNOWN
    reason: str = ""
    """Why it is in this state, in libvirt's words: `user`, `I/O error`, `panicked`..."""
    state_since: float | None = None
    id: int | None = None
    """The hypervisor's number while it is active."""
    title: str = ""
    description: str = ""
    persistent: bool = True
    autostart: bool = False
    managed_save: bool = False
    type: str = ""
    """kvm, qemu, test..."""
    architecture: str = ""
    machine: str = ""
    firmware: str = ""
    """bios, efi, or the loader's file."""
    cpu_mode: str = ""
    vcpus: int = 0
    vcpus_maximum: int = 0
    memory: int = 0
    """Bytes the guest has now (balloon)."""
    memory_maximum: int = 0
    boot: tuple[str, ...] = ()
    kernel_root: str = ""
    """What a kernel of its host is told to have as root: `/dev/vda1`; empty: nothing, or none."""
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    devices: tuple[Device, ...] = ()
    agent: AgentState = AgentState.UNKNOWN
    rescue: bool = False
    """It is defined to be rescued (`core.xml.definition.rescue`)."""
    cold: ColdMove | None = None
    """It was cold-migrated, and that is neither confirmed nor reverted."""
    maker: str = ""
    """The operation that defined it, where its UUID does not tell (`core.xml.made_mark`)."""
    described: bool = True
    """False: only listed so far (name, state, flags); its XML, and so its devices, come later."""

    @property
    def key(self) -> ObjectKey:
        """The key of this instance: host and UUID (names change, ids come and go)."""
        return ObjectKey("instance", self.host, self.uuid)


class SnapshotDisk(Value, frozen=True):
    """A disk as a snapshot keeps it."""

    target: str
    """vda, sdb..."""
    kept: str = ""
    """internal, external, no, manual; empty: not told."""
    file: str = ""
    """Of an external one the file or device over the image: it has what was written since."""
    allocation: int | None = None
    """Bytes that the file takes; None: not known."""


class Snapshot(Value, frozen=True):
    """A snapshot of an instance."""

    name: str
    parent: str = ""
    created: float | None = None
    state: str = ""
    """State the guest was in: running, shutoff, disk-snapshot..."""
    description: str = ""
    current: bool = False
    external: bool = False
    """Its memory or one of its disks is kept outside the disk's image."""
    memory: str = ""
    """Where the guest's memory is kept: internal, external, no; empty: not told."""
    memory_file: str = ""
    """The file of memory that is kept outside the image."""
    disks: tuple[SnapshotDisk, ...] = ()
    host: str = ""
    uuid: str = ""
    """The instance's. Tapes of before have neither this nor the host."""

    @property
    def key(self) -> ObjectKey:
        """The key of this snapshot: a name is unique among those of its instance."""
        return ObjectKey("snapshot", self.host, f"{self.uuid}/{self.name}")

    @property
    def disk_only(self) -> bool:
        """Whether it holds no memory of a guest that ran (VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY)."""
        return self.state == "disk-snapshot"


class Address(Value, frozen=True):
    """An IP address of an instance and who told it."""

    interface: str
    mac: str
    address: str
    """With the prefix length: `10.0.2.15/24`."""
    source: str
    """agent, lease or arp."""


class InstanceDetail(Value, frozen=True):
    """What is read only when somebody looks: XML, snapshots, block jobs, addresses, its guest."""

    host: str
    uuid: str
    at: float
    xml: str = ""
    """The live XML, without secrets."""
    inactive_xml: str = ""
    """The XML of the next start; empty for a transient instance."""
    snapshots: tuple[Snapshot, ...] | None = ()
    """None: they could not be read."""
    addresses: tuple[Address, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be read and why, a sentence each."""
    block_jobs: tuple[BlockJob, ...] | None = None
    """Those that ran when it was read; None: they were not read."""
    guest: GuestInfo | None = None
    """What its agent tells of the system in it; None: it was not asked, or did not answer."""

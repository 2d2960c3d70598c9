"""What an instance's XML must say at the destination of a migration.

One field for each difference that a destination can make (nova-map 2.3). What a field names must
be in the XML; an empty field leaves its part of the XML alone. `core.xml.rewrite` carries them out.
"""

from __future__ import annotations

from core.model.base import Value


class GraphicsListen(Value, frozen=True, forbid_unknown_fields=True):
    """Where the consoles of one type listen."""

    type: str
    """vnc, spice..."""
    address: str


class SerialListen(Value, frozen=True, forbid_unknown_fields=True):
    """Where the serial ports over TCP are."""

    host: str = ""
    """Empty: the instance must have no serial port over TCP."""
    ports: tuple[int, ...] = ()
    """By the port's number in the guest; one that is not in the list keeps its own."""


class VolumeRewrite(Value, frozen=True, forbid_unknown_fields=True):
    """What a volume is at the destination, found by its `<serial>`."""

    serial: str
    xml: str = ""
    """A `<disk>`: its back end replaces the old one's; what the guest sees stays."""
    secret: str = ""
    """UUID of the secret of its encryption."""


class Monitor(Value, frozen=True, forbid_unknown_fields=True):
    """A monitor of a Ceph cluster."""

    host: str
    port: int = 6789


class MemoryBacking(Value, frozen=True, forbid_unknown_fields=True):
    """How the memory is backed. None: as it is; empty: libvirt's default."""

    source: str | None = None
    """file, memfd, anonymous."""
    access: str | None = None
    """shared, private."""
    allocation: str | None = None
    """immediate, ondemand."""
    discard: bool | None = None


class InterfaceRewrite(Value, frozen=True, forbid_unknown_fields=True):
    """What an interface is plugged into, found by its MAC; with nothing but that it stays."""

    mac: str
    network: str = ""
    bridge: str = ""
    dev: str = ""
    """The device a macvtap is on."""
    xml: str = ""
    """An `<interface>`: its back end replaces the old one's; what the guest sees stays."""


class Pin(Value, frozen=True, forbid_unknown_fields=True):
    """Where one vCPU or I/O thread may run."""

    id: int
    cpuset: str
    """`0-3,^2`."""


class CellNodes(Value, frozen=True, forbid_unknown_fields=True):
    """Where the memory of one NUMA cell of the guest is."""

    cell: int
    nodes: str
    """NUMA nodes of the host: `0-1`."""


class Scheduler(Value, frozen=True, forbid_unknown_fields=True):
    """How some vCPUs are scheduled."""

    vcpus: str
    """`0-3`."""
    scheduler: str = "fifo"
    """batch, idle, fifo, rr."""
    priority: int | None = None
    """1 to 99; fifo and rr need it."""


class NumaPinning(Value, frozen=True, forbid_unknown_fields=True):
    """Where an instance runs on its host."""

    vcpus: tuple[Pin, ...] = ()
    emulator: str = ""
    """A cpuset."""
    cells: tuple[CellNodes, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    """All of them: those of the source go."""
    iothreads: tuple[Pin, ...] = ()
    """One that the instance has not is passed over."""


class Move(Value, frozen=True, forbid_unknown_fields=True):
    """What a device of the source's host is called at the destination's."""

    source: str
    destination: str


class Rewrites(Value, frozen=True, forbid_unknown_fields=True):
    """The differences between the source's XML and the destination's (nova-map 2.3)."""

    graphics: tuple[GraphicsListen, ...] = ()
    serial: SerialListen | None = None
    volumes: tuple[VolumeRewrite, ...] = ()
    disks: tuple[Move, ...] = ()
    """Paths of images and devices; a disk that is copied may then arrive under another name."""
    rbd_monitors: tuple[Monitor, ...] = ()
    """Of image disks: volumes, which have a serial, say their own."""
    perf: tuple[str, ...] | None = None
    """Performance events the destination counts: all of them. None: as it is."""
    memory_backing: MemoryBacking | None = None
    drop_cpu_shares: bool = False
    """Drop `<shares>` from `<cputune>`: old values exceed what cgroup v2 allows."""
    interfaces: tuple[InterfaceRewrite, ...] = ()
    """With any given, every interface must have its entry."""
    cpuset: str | None = None
    """CPUs of the host for all vCPUs; None: as it is; empty: any."""
    numa: NumaPinning | None = None
    mdev: tuple[Move, ...] = ()
    """UUIDs of mediated devices; with any given, every one of the instance must have its entry."""
    pci: tuple[Move, ...] = ()
    """Addresses of host devices, `0000:06:02.0`."""
    pmem: tuple[Move, ...] = ()
    """Paths of persistent memory."""

"""What a device that is attached to an instance is to be. Pure values."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value

DeviceKind = Literal["disk", "interface", "device"]
"""What of an instance can be attached and detached. A disk is named by its target, an interface by
its MAC address in small letters, any other device by its word (`core.model.device_word`)."""


class ServerAddress(Value, frozen=True):
    """Where a server of an image listens: a name with a port, or a socket of the host."""

    name: str = ""
    port: int | None = None
    """None: that of the protocol."""
    socket: str = ""


class NetworkImage(Value, frozen=True):
    """An image that QEMU itself reaches over the network."""

    protocol: str
    """rbd, iscsi, nbd, nfs, ssh, https..."""
    name: str = ""
    """What the server calls it: POOL/IMAGE, IQN/LUN, an export, a path; NBD's may be empty."""
    hosts: tuple[ServerAddress, ...] = ()
    query: str = ""
    """Of https: what follows the question mark."""
    user: str = ""
    """As whom the server is asked; empty: as nobody."""
    secret_type: str = ""
    """ceph, iscsi: of the secret with which the user proves it; empty: with none."""
    secret: str = ""
    """The UUID of that secret of libvirt's."""
    initiator: str = ""
    """The name that an iSCSI target is told of who asks; empty: QEMU's."""
    tls: bool = False

    @property
    def place(self) -> str:
        """What the XML of an instance that has it is read as."""
        return f"{self.protocol}:{self.name}"

    @property
    def servers(self) -> tuple[str, ...]:
        """Its servers, as the disks of an instance tell theirs."""
        return tuple(
            one.socket or (one.name if one.port is None else f"{_bracketed(one.name)}:{one.port}")
            for one in self.hosts
        )


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


class AttachedDisk(Value, frozen=True):
    """A disk, or a medium in a drive of its own."""

    source: str
    """Where it is on the host; of one of the network, `PROTOCOL:NAME`."""
    type: str
    """file, block, network."""
    format: str
    """raw, qcow2..."""
    target: str
    """vdb, sda..."""
    bus: str
    device: str = "disk"
    """disk, cdrom."""
    read_only: bool = False
    shareable: bool = False
    serial: str = ""
    cache: str = ""
    """Empty, as are the two below: what libvirt or QEMU takes."""
    io: str = ""
    discard: str = ""
    network: NetworkImage | None = None
    alias: str = ""
    """By which events name it, `ua-...`; empty: libvirt chooses."""
    unit: int | None = None
    """On the first SCSI controller; None: libvirt chooses."""
    logical_block: int | None = None
    """Bytes of a block as the guest sees it; None: what QEMU takes. So of the one below."""
    physical_block: int | None = None
    limits: tuple[tuple[str, int], ...] = ()
    """By the names of libvirt's `<iotune>`."""
    limit_group: str = ""
    """The disks that share these limits, by a name; empty: it has them alone."""
    luks: str = ""
    """The UUID of the secret that opens it, by QEMU itself; empty: it is not encrypted."""


class Bandwidth(Value, frozen=True):
    """What one way of a network device carries, in libvirt's KiB; 0: no limit."""

    average: int = 0
    """A second."""
    peak: int = 0
    """A second, as long as there is something left of the burst."""
    burst: int = 0


Pairs = tuple[tuple[str, str], ...]
"""Names and what they are set to."""


class AttachedInterface(Value, frozen=True):
    """A network device."""

    mac: str
    type: str
    """libvirt's: network, bridge, direct, ethernet, vhostuser, vdpa, hostdev, user."""
    source: str
    """The network, bridge, device, socket or PCI address of the host; empty: it has none."""
    model: str
    """Empty: it is what it is on the host."""
    mode: str = ""
    """Of macvtap: bridge, vepa, private, passthrough; of vhost-user: client, server."""
    virtualport: str = ""
    """The type of the port of a switch; empty: it has none."""
    port: Pairs = ()
    port_group: str = ""
    """Of a network: what its port is like; empty: as the network has it."""
    backend: str = ""
    """Of the type user: passt; empty: QEMU's own."""
    forwards: tuple[tuple[str, int, int], ...] = ()
    """Of passt: protocol, port of the host, port of the guest."""
    mtu: int = 0
    """Bytes; 0: what the network has. So of the two below."""
    queues: int = 0
    vlan: int = 0
    """The tag of its frames; of a trunk that of those that have none in the guest."""
    trunk: tuple[int, ...] = ()
    """The tags that it carries; empty: it is no trunk."""
    nwfilter: str = ""
    """The filter of its traffic, by its name; empty: none."""
    filter_values: Pairs = ()
    boot_order: int = 0
    inbound: Bandwidth = Bandwidth()
    outbound: Bandwidth = Bandwidth()
    rx_queue: int = 0
    """Packets; 0: QEMU's choice. So below."""
    tx_queue: int = 0
    link_up: bool = True


class AttachedDevice(Value, frozen=True):
    """A device of the host, or random numbers of it."""

    type: Literal["pci", "usb", "mdev", "rng"]
    source: str
    """PCI address; `1d6b:0002` or `1.2` of USB; UUID; the file of random numbers."""
    boot_order: int = 0
    model: str = "vfio-pci"
    """Of a mediated device what its guest sees: on s390 vfio-ccw (a channel), vfio-ap (crypto)."""

"""Hosts and our links to them."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value
from core.model.connected_volume import VolumeConnecting


class LinkStatus(StrEnum):
    """Where our connection to a host stands."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    CLOSED = "closed"


class Link(Value, frozen=True):
    """Our connection to one host, as it is now."""

    status: LinkStatus = LinkStatus.CONNECTING
    since: float = 0.0
    """When this status began; of one that is down, when it was lost, or not had at first."""
    error: str = ""
    """Why it is down, in one sentence."""
    hint: str = ""
    """What cures it."""
    attempt: int = 0
    """Failed attempts since it was last up."""
    next_attempt: float | None = None
    """When the next attempt starts, while it is down."""
    read_only: bool = False
    waiting: str = ""
    """What it waits for before it connects, as words after 'waits for'; empty: for nothing."""


class LinkChange(Value, frozen=True):
    """One line of a link's history."""

    at: float
    status: LinkStatus
    reason: str = ""


class Unread(Value, frozen=True):
    """What of a host that is up has been listed and not read yet."""

    at_rest: bool = True
    """Nothing is being read and nothing waits for it: what is not known now stays so."""
    left: int = 0
    """How many objects wait to be read."""
    failed: tuple[ObjectKey, ...] = ()
    """Those that could not be read, the log says why; they are tried again after a change."""
    sampling: bool = True
    """Bulk statistics are asked for, or will be; false: all that were wanted have come."""


class HugePages(Value, frozen=True):
    """A pool of huge pages of one size in one NUMA cell."""

    size: int
    total: int


class NumaCell(Value, frozen=True):
    """One NUMA cell of a host."""

    id: int
    memory: int
    """Bytes."""
    cpus: int
    huge_pages: tuple[HugePages, ...] = ()


class Limitation(Value, frozen=True):
    """Something this host cannot do, why, and what would change it."""

    what: str
    why: str
    cure: str = ""


class GuestPlatform(Value, frozen=True):
    """What a host offers to guests of its own kind (virConnectGetDomainCapabilities)."""

    type: str = "kvm"
    """kvm, or what else runs them there: qemu emulates them."""
    architecture: str = ""
    machine: str = ""
    """The machine type that new guests have; empty: libvirt's choice."""
    emulator: str = ""
    firmware: tuple[str, ...] | None = None
    """What can be chosen automatically: efi, bios. None: it does not say."""
    cpu_modes: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    tpm: tuple[str, ...] | None = None
    """What can stand behind a TPM: passthrough, emulator. None: it does not say."""
    vcpus_maximum: int | None = None

    @property
    def x86(self) -> bool:
        """Whether its guests are PCs."""
        return self.architecture in ("x86_64", "i686")

    @property
    def pcie(self) -> bool:
        """Whether its machine has ports to plug things into, which are made beforehand."""
        return "q35" in self.machine or self.machine.startswith("virt")


class HostFacts(Value, frozen=True):
    """What a host said of itself after its last listing (virConnectGetCapabilities and others)."""

    hostname: str = ""
    uuid: str = ""
    """libvirt's host UUID; empty where the driver has none. Not proof of a host by itself: cloned
    machines share one, and an unprivileged daemon makes up another at each start."""
    hypervisor: str = ""
    """libvirt's driver: QEMU, TEST, Xen..."""
    hypervisor_version: str = ""
    libvirt_version: str = ""
    """Of the daemon."""
    architecture: str = ""
    cpu_model: str = ""
    cpu_vendor: str = ""
    cpu_features: tuple[str, ...] = ()
    cpus: int = 0
    mhz: int = 0
    nodes: int = 0
    sockets: int = 0
    cores: int = 0
    threads: int = 0
    memory: int = 0
    """Bytes of RAM."""
    memory_free: int | None = None
    numa: tuple[NumaCell, ...] = ()
    guest_types: tuple[str, ...] = ()
    """What it can run: `kvm x86_64`, `qemu aarch64`..."""
    platform: GuestPlatform | None = None
    """What new guests of its own kind can have; None: it does not tell."""
    migration_transports: tuple[str, ...] = ()
    limitations: tuple[Limitation, ...] = ()

    @property
    def libvirt_number(self) -> int:
        """The daemon's version as libvirt counts: 9000000 for 9.0.0; 0: not known."""
        parts = self.libvirt_version.split(".")[:3]
        if not all(part.isascii() and part.isdigit() for part in parts):
            return 0
        major, minor, micro = [*map(int, parts), 0, 0][:3]
        return major * 1_000_000 + minor * 1000 + micro


class Host(Value, frozen=True):
    """A libvirt host. `name` is what the operator calls it: unique in the fleet."""

    name: str
    uri: str
    """Without secrets."""
    link: Link = Link()
    history: tuple[LinkChange, ...] = ()
    """Oldest first, bounded."""
    facts: HostFacts | None = None
    """None until it has told them once."""
    sampled: float | None = None
    """When its last statistics came."""
    listed: frozenset[str] = frozenset()
    """What was listed since its link came up: instances, networks, pools."""
    groups: tuple[str, ...] = ()
    """The groups the operator put it in, in the order of their names."""
    connecting: VolumeConnecting = VolumeConnecting()

    @property
    def key(self) -> ObjectKey:
        """The key of this host."""
        return ObjectKey("host", self.name, self.name)

"""What a preflight knows: plain values that were read at both ends, each with its gaps.

Read by `core.hypervisor.observe.preflight`, judged by `core.migration.preflight.judge`. None means
that it could not be found out; `gaps` says why.
"""

from __future__ import annotations

from typing import Protocol

from core.migration.preflight.machine import Machine
from core.model.base import Value
from core.model.forecast import UNMEASURED, MemoryUse
from core.model.host_device import HostDevice
from core.model.network import Network
from core.model.storage import Pool, Volume
from core.xml.domain_capabilities import DomainCapabilities
from core.xml.needs import Needs


class FailedLook(Value, frozen=True):
    """One look that failed."""

    what: str
    """The look's name: `cpu`, `machine`, `pools`..."""
    why: str
    """libvirt's reason, clean, without a full stop."""


class PreflightSide(Protocol):
    """What both ends tell alike."""

    @property
    def gaps(self) -> tuple[FailedLook, ...]:
        """The looks that failed."""
        ...


def why(side: PreflightSide, what: str) -> str:
    """Return why a look failed; empty when it did not, or was not made."""
    return next((gap.why for gap in side.gaps if gap.what == what), "")


class PathFacts(Value, frozen=True):
    """What is known at one host of a path that an instance uses."""

    path: str
    exists: bool | None = None
    """None: it is in no active pool, and nothing else tells."""
    volume: Volume | None = None
    pool: Pool | None = None
    """The pool whose directory it is in, whether there is such a volume or not."""
    file_system: str = ""
    """Its type (ext4, nfs4...), where the host is this machine."""
    identity: str = ""
    """DEVICE:INODE, where the host is this machine."""


class CpuComparison(Value, frozen=True):
    """virConnectCompareHypervisorCPU's answer at the destination."""

    fits: bool
    missing: tuple[str, ...] = ()
    """Features that are not there, as libvirt names them."""
    text: str = ""
    """libvirt's own words where it does not fit."""


class FreePages(Value, frozen=True):
    """Free pages of one size in one NUMA cell."""

    cell: int
    size: int
    free: int


class SourceFacts(Value, frozen=True):
    """The instance and its host."""

    host: str
    at: float = 0.0
    needs: Needs | None = None
    xml: str = ""
    """As it is handed to a destination (VIR_DOMAIN_XML_MIGRATABLE), without secrets."""
    inactive_xml: str = ""
    """Of the next start; empty for a transient instance."""
    active: bool | None = None
    persistent: bool | None = None
    autostart: bool | None = None
    managed_save: bool | None = None
    snapshots: int | None = None
    checkpoints: int | None = None
    job: str | None = None
    """What libvirt is busy with on it: `migration-out`, `save`...; empty: nothing."""
    host_uuid: str = ""
    machine: Machine = Machine()
    libvirt: int | None = None
    """libvirt's number of the daemon: 9000000."""
    qemu: int | None = None
    paths: tuple[PathFacts, ...] = ()
    gaps: tuple[FailedLook, ...] = ()


class Twin(Value, frozen=True):
    """An instance of the destination with the same UUID or the same name."""

    name: str
    uuid: str
    active: bool
    managed_save: bool | None = None


class DestinationFacts(Value, frozen=True):
    """The destination, seen for one instance."""

    host: str
    at: float = 0.0
    host_uuid: str = ""
    machine: Machine = Machine()
    libvirt: int | None = None
    qemu: int | None = None
    twins: tuple[Twin, ...] | None = None
    refusal: str | None = None
    """Why libvirt there makes no command line of the instance's XML; empty: it does."""
    guest_types: tuple[str, ...] | None = None
    transports: tuple[str, ...] | None = None
    abilities: DomainCapabilities | None = None
    """For the instance's machine type."""
    machine_known: bool | None = None
    emulator_known: bool | None = None
    cpu: CpuComparison | None = None
    memory_total: int | None = None
    memory_free: int | None = None
    """Bytes that a new guest can have: free, buffers and cache."""
    pages: tuple[FreePages, ...] | None = None
    cells: tuple[int, ...] | None = None
    """Its NUMA cells."""
    cpus: int | None = None
    pools: tuple[Pool, ...] | None = None
    networks: tuple[Network, ...] | None = None
    filters: tuple[str, ...] | None = None
    """Its network filters; None: not known."""
    links: tuple[str, ...] | None = None
    """Its network devices, bridges among them; None: not known."""
    devices: tuple[str, ...] | None = None
    """Its node devices by name."""
    given: tuple[HostDevice, ...] = ()
    """The PCI devices that the instance is given there, as far as they were read."""
    usb: tuple[str, ...] | None = None
    """VENDOR:PRODUCT of its USB devices."""
    secrets: tuple[str, ...] | None = None
    """UUIDs, and `USAGE-TYPE NAME`."""
    userfaultfd: bool | None = None
    """Whether any process there may use it, where the host is this machine."""
    paths: tuple[PathFacts, ...] = ()
    gaps: tuple[FailedLook, ...] = ()

    def path(self, path: str) -> PathFacts:
        """Return what is known of a path."""
        return next((each for each in self.paths if each.path == path), PathFacts(path))


class Trouble(Value, frozen=True):
    """Why a host could not be looked at."""

    message: str
    cure: str = ""


class Facts(Value, frozen=True):
    """Everything that was read for one instance and one destination."""

    at: float = 0.0
    source: SourceFacts | None = None
    source_trouble: Trouble | None = None
    """Why `source` is None."""
    destination: DestinationFacts | None = None
    destination_trouble: Trouble | None = None
    destination_uri: str = ""
    """What the source's daemon is told; before it is planned, the address open here."""
    memory: MemoryUse = UNMEASURED
    options: tuple[str, ...] = ()
    """Why the plan refuses, a sentence each."""

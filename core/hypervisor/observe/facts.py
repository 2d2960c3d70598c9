"""What a host says of itself. Runs on a lane thread.

What a driver does not tell stays at the model's "not known"; raises libvirtError only when the
connection fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, dotted, libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.hypervisor.observe.events import RefusedEvent
from core.hypervisor.observe.limits import Abilities, limitations
from core.model.host import GuestPlatform, HostFacts
from core.model.text import clean
from core.xml import Capabilities, read_capabilities
from core.xml.domain_capabilities import read_domain_capabilities

T = TypeVar("T")
_KIB = 1024
_NO_INFO: list[Any] = ["", 0, 0, 0, 0, 0, 0, 0]
_MIB = 1024 * 1024


def read_facts(conn: Connection, refused: tuple[RefusedEvent, ...] = ()) -> HostFacts:
    """Read a host's description: about a dozen calls. `refused`: the events it does not send.

    The first one after a daemon's start may take seconds: it looks at every emulator.
    """
    capabilities = _capabilities(conn)
    platform = _platform(conn, capabilities)
    cpu, memory, cpus, mhz, nodes, sockets, cores, threads = _told(conn, conn.getInfo, _NO_INFO)
    version = _told(conn, conn.getVersion, 0)
    library = _told(conn, conn.getLibVersion, 0)
    return HostFacts(
        hostname=clean(_told(conn, conn.getHostname, "")),
        uuid=clean(capabilities.uuid),
        hypervisor=clean(_told(conn, conn.getType, "")),
        hypervisor_version=dotted(version) if version else "",
        libvirt_version=dotted(library) if library else "",
        architecture=capabilities.architecture or clean(cpu),
        cpu_model=capabilities.cpu_model,
        cpu_vendor=capabilities.cpu_vendor,
        cpu_features=capabilities.cpu_features,
        cpus=cpus,
        mhz=mhz,
        nodes=nodes,
        sockets=capabilities.sockets or sockets,
        cores=capabilities.cores or cores,
        threads=capabilities.threads or threads,
        memory=_memory(conn) or memory * _MIB,
        memory_free=_told(conn, conn.getFreeMemory, None),
        numa=capabilities.numa,
        guest_types=capabilities.guest_types,
        platform=platform,
        migration_transports=capabilities.migration_transports,
        limitations=limitations(_abilities(conn, capabilities, platform, library, refused)),
    )


def _capabilities(conn: Connection) -> Capabilities:
    xml = _told(conn, conn.getCapabilities, "")
    try:
        return read_capabilities(xml) if xml else Capabilities()
    except XmlError:
        return Capabilities()


def _memory(conn: Connection) -> int:
    """Return bytes of RAM as the kernel counts; 0 where the driver does not tell."""
    all_cells = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
    stats: dict[str, int] = _told(conn, lambda: conn.getMemoryStats(all_cells), {})
    return stats.get("total", 0) * _KIB


def _abilities(
    conn: Connection,
    capabilities: Capabilities,
    platform: GuestPlatform | None,
    library: int,
    refused: tuple[RefusedEvent, ...],
) -> Abilities:
    described = bool(capabilities.guest_types)
    firmware = None if platform is None else platform.firmware
    return Abilities(
        driver=_told(conn, conn.getType, ""),
        libvirt=library,
        session=urlsplit(_told(conn, conn.getURI, "")).path == "/session",
        guest_types=capabilities.guest_types if described else None,
        migration_transports=capabilities.migration_transports if described else None,
        storage=_has(conn, conn.numOfStoragePools),
        networks=_has(conn, conn.numOfNetworks),
        secrets=_has(conn, conn.numOfSecrets),
        efi=None if firmware is None else "efi" in firmware,
        tpm=None if platform is None or platform.tpm is None else bool(platform.tpm),
        refused=refused,
    )


def _platform(conn: Connection, capabilities: Capabilities) -> GuestPlatform | None:
    """Return what guests of the host's own kind can have, by hardware where it can; one call.

    A PC is asked about as a q35 where there is one, as new guests are.
    """
    arch = capabilities.architecture
    kinds = [kind.split()[0] for kind in capabilities.guest_types if kind.endswith(f" {arch}")]
    if not kinds:
        return None
    kind = "kvm" if "kvm" in kinds else kinds[0]
    machine = "q35" if "q35" in capabilities.machines else None
    xml = _told(conn, lambda: conn.getDomainCapabilities(None, arch, machine, kind, 0), "")
    try:
        told = read_domain_capabilities(xml)
    except XmlError:
        return None
    return GuestPlatform(
        type=told.type or kind,
        architecture=told.architecture or arch,
        machine=machine or "",
        emulator=told.emulator,
        firmware=told.firmware,
        cpu_modes=told.cpu_modes,
        video=told.video or (),
        tpm=told.tpm_backends,
        vcpus_maximum=told.vcpus_maximum,
    )


def _has(conn: Connection, count: Callable[[], int]) -> bool | None:
    """Tell whether the host has a driver for a kind of object; None: it may not be asked."""
    try:
        count()
    except libvirt.libvirtError as error:
        if not conn.isAlive():
            raise
        refused = error.get_error_code() in (
            libvirt.VIR_ERR_ACCESS_DENIED,
            libvirt.VIR_ERR_OPERATION_DENIED,
        )
        return None if refused else False
    return True


def _told(conn: Connection, call: Callable[[], Any], otherwise: T) -> T:
    """Return what a call tells, `otherwise` when the host does not; raises on a dead connection."""
    try:
        told: T = call()
    except libvirt.libvirtError as error:
        if not unsupported(error) and not conn.isAlive():
            raise
        return otherwise
    return told

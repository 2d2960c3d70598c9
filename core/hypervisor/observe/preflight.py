"""What a preflight wants to know of the source and of the instance. Runs on a lane thread.

Every look is tolerant: what fails is a gap with its reason and costs no other. Nothing is touched.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.silence import ours
from core.hypervisor.connection.tolerance import if_supported, unless_gone
from core.hypervisor.connection.uri import HostAddress
from core.hypervisor.observe.daemon import read_machine
from core.hypervisor.observe.preflight_paths import files_of, read_paths, read_pools
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.facts import SourceFacts
from core.model.base import Value
from core.xml import read_capabilities, read_instance
from core.xml.domain_capabilities import read_host_cpu
from core.xml.needs import Needs, read_needs

_JOBS = (
    "", "start", "save", "restore", "migration-in", "migration-out", "snapshot", "snapshot-revert",
    "dump", "backup", "snapshot-delete",
)  # fmt: skip
"""virDomainJobOperation; 0 is of a job that is not known better."""


_BLOCK_JOBS = ("", "pull", "copy", "commit", "active commit", "backup")
"""virDomainBlockJobType."""


class InstanceNeeds(Value, frozen=True):
    """What has to be known of an instance before its destination can be looked at."""

    needs: Needs
    xml: str
    """As it is handed to a destination, without secrets."""
    host_cpu: str = ""
    """`<cpu>` of its host, where it has that passed through."""


def read_needs_of(conn: Connection, uuid: str) -> InstanceNeeds | None:
    """Read what an instance needs of its host: three or four calls; None: it is gone.

    Raises libvirtError, and XmlError when its XML cannot be read.
    """
    domain = unless_gone(lambda: conn.lookupByUUIDString(uuid))
    if domain is None:
        return None
    looks = Reads(conn)
    needs = ours(read_needs, domain.XMLDesc(0))
    xml = _xml(looks, domain, libvirt.VIR_DOMAIN_XML_MIGRATABLE)
    return InstanceNeeds(needs, xml, _host_cpu(looks, needs))


def read_source(
    conn: Connection, address: HostAddress, uuid: str, at: float, first: InstanceNeeds
) -> SourceFacts | None:
    """Read an instance and its host: about 15 calls, and three per pool and two per file.

    `first` is what `read_needs_of` has just read. None when there is no such instance. Nothing
    waits for the hypervisor process; its job, which may, is for `read_job`. Raises libvirtError
    when the connection fails.
    """
    looks = Reads(conn)
    domain = unless_gone(lambda: conn.lookupByUUIDString(uuid))
    if domain is None:
        return None
    needs = first.needs
    pools, files = read_pools(looks, address.name), files_of(address)
    told: dict[str, Any] = {**_host(looks, address), **_instance(looks, domain, first.xml)}
    paths = read_paths(looks, address.name, needs.paths, pools, files)
    return SourceFacts(address.name, at, needs=needs, paths=paths, gaps=looks.gaps, **told)


def read_job(conn: Connection, uuid: str) -> str:
    """Return what libvirt is busy with on an instance; empty: nothing. It may wait for QEMU.

    One call, and one for each disk: a block job is none of the domain's. Raises libvirtError.
    """
    domain = conn.lookupByUUIDString(uuid)
    if domain.isActive() != 1:
        return ""
    return _job(domain) or _block_job(domain)


def _host(looks: Reads, address: HostAddress) -> dict[str, Any]:
    conn = looks.conn
    capabilities = looks.see(
        "capabilities", lambda: ours(read_capabilities, conn.getCapabilities())
    )
    return {
        "host_uuid": "" if capabilities is None else capabilities.uuid,
        "machine": read_machine(looks, address),
        "libvirt": looks.see("libvirt", conn.getLibVersion),
        "qemu": looks.see("qemu", conn.getVersion),
    }


def _instance(looks: Reads, domain: Any, xml: str) -> dict[str, Any]:
    """Return its flags and its XML: nothing here waits for its process."""
    persistent = looks.see("persistent", lambda: bool(domain.isPersistent() == 1))
    inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
    return {
        "active": looks.see("state", lambda: bool(domain.isActive() == 1)),
        "persistent": persistent,
        "xml": xml or _xml(looks, domain, libvirt.VIR_DOMAIN_XML_MIGRATABLE),
        "inactive_xml": _xml(looks, domain, inactive) if persistent else "",
        "autostart": looks.see("autostart", lambda: bool(domain.autostart() == 1)),
        "managed_save": looks.see("managed-save", lambda: domain.hasManagedSaveImage(0) == 1),
        "snapshots": looks.see("snapshots", lambda: int(domain.snapshotNum(0))),
        "checkpoints": looks.see("checkpoints", lambda: len(domain.listAllCheckpoints(0))),
    }


def _xml(looks: Reads, domain: Any, flags: int) -> str:
    """Return XML without its secrets, for a plan that is only shown."""
    return looks.see("xml", lambda: str(domain.XMLDesc(flags))) or ""


def _host_cpu(looks: Reads, needs: Needs) -> str:
    """Return the host's CPU for a guest that has it passed through, else nothing."""
    if needs.cpu_mode not in ("host-passthrough", "maximum"):
        return ""
    guest = needs.instance

    def read() -> str:
        xml = looks.conn.getDomainCapabilities(
            None, guest.architecture, guest.machine, guest.type, 0
        )
        return ours(read_host_cpu, xml)

    return looks.see("host-cpu", read) or ""


def _block_job(domain: Any) -> str:
    """Return the block job of one of its disks: libvirt migrates none with such a job."""
    for disk in ours(read_instance, domain.XMLDesc(0), "").disks:
        info: dict[str, int] = if_supported(partial(domain.blockJobInfo, disk.target, 0), {})
        if info:
            kind = info.get("type", 0)
            word = _BLOCK_JOBS[kind] if 0 <= kind < len(_BLOCK_JOBS) else ""
            return f"a block job ({word or 'of an unknown kind'} of {disk.target})"
    return ""


def _job(domain: Any) -> str:
    """Return what libvirt is busy with on an instance; empty: nothing."""
    stats = domain.jobStats(0)
    kind = stats.get("type", libvirt.VIR_DOMAIN_JOB_NONE)
    if kind not in (libvirt.VIR_DOMAIN_JOB_BOUNDED, libvirt.VIR_DOMAIN_JOB_UNBOUNDED):
        return ""
    number = stats.get("operation", 0)
    return (_JOBS[number] if 0 <= number < len(_JOBS) else "") or "a job"

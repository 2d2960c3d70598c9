"""The calls that change an instance's definition. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.verbs.applied import Applied
from core.verbs.definition import AutostartCall, RenameCall, TextCall
from core.verbs.metadata import MetadataCall
from core.verbs.sizing import MemoryCall, VcpusCall


def rename(conn: Connection, subject: ObjectKey, call: RenameCall) -> None:
    """Give an instance another name (virDomainRename)."""
    conn.lookupByUUIDString(subject.id).rename(call.to, 0)


def set_autostart(conn: Connection, subject: ObjectKey, call: AutostartCall) -> None:
    """Have an instance started with its host (virDomainSetAutostart)."""
    conn.lookupByUUIDString(subject.id).setAutostart(int(call.on))


def set_text(conn: Connection, subject: ObjectKey, call: TextCall) -> None:
    """Set the title or the description (virDomainSetMetadata); an empty one is removed."""
    kinds = {
        "title": libvirt.VIR_DOMAIN_METADATA_TITLE,
        "description": libvirt.VIR_DOMAIN_METADATA_DESCRIPTION,
    }
    domain = conn.lookupByUUIDString(subject.id)
    domain.setMetadata(kinds[call.kind], call.text or None, None, None, _affect(call))


def set_metadata(conn: Connection, subject: ObjectKey, call: MetadataCall) -> None:
    """Set an element of a program's own (virDomainSetMetadata); an empty one is removed."""
    conn.lookupByUUIDString(subject.id).setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, call.xml or None, call.prefix, call.uri, _affect(call)
    )


def set_vcpus(conn: Connection, subject: ObjectKey, call: VcpusCall) -> None:
    """Set how many vCPUs there are, or may be (virDomainSetVcpusFlags)."""
    most = libvirt.VIR_DOMAIN_VCPU_MAXIMUM if call.maximum else 0
    conn.lookupByUUIDString(subject.id).setVcpusFlags(call.count, _affect(call) | most)


def set_memory(conn: Connection, subject: ObjectKey, call: MemoryCall) -> None:
    """Set how much memory there is, or may be (virDomainSetMemoryFlags)."""
    most = libvirt.VIR_DOMAIN_MEM_MAXIMUM if call.maximum else 0
    domain, kibibytes = conn.lookupByUUIDString(subject.id), call.mebibytes << 10
    try:
        domain.setMemoryFlags(kibibytes, _affect(call) | most)
    except libvirt.libvirtError as error:
        invalid = error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG
        if not (invalid and call.live and call.config and conn.getType() == "TEST"):
            raise
        # libvirt's test driver alone does not take both at once
        domain.setMemoryFlags(kibibytes, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        domain.setMemoryFlags(kibibytes, libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def _affect(call: Applied) -> int:
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE if call.live else 0
    return int(live | (libvirt.VIR_DOMAIN_AFFECT_CONFIG if call.config else 0))


CALL_FUNCTIONS: CallFunctions = {
    RenameCall: rename,
    AutostartCall: set_autostart,
    TextCall: set_text,
    MetadataCall: set_metadata,
    VcpusCall: set_vcpus,
    MemoryCall: set_memory,
}

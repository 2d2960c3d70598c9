"""The calls that make, revert to and delete snapshots. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from lxml import etree

from core.hypervisor.calls.agent import guest_with_agent
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.memory_faults import memory_told
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.state.subject import owner_of
from core.verbs.snapshot.create import SnapshotCreateCall
from core.verbs.snapshot.delete import SnapshotDeleteCall
from core.verbs.snapshot.revert import SnapshotRevertCall


def create(conn: Connection, subject: ObjectKey, call: SnapshotCreateCall) -> None:
    """Make a snapshot (virDomainSnapshotCreateXML); returns when it is made."""
    instance = owner_of(subject)
    flags = 0
    if call.where == "external":
        flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC | (
            libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_LIVE
            if call.memory_file
            else libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
        )
    xml = _xml_of(call)
    if not call.quiesce:
        with memory_told():
            conn.lookupByUUIDString(instance.id).snapshotCreateXML(xml, flags)
        return
    # libvirtd freezes, makes it and thaws in one call, also when its client dies in between
    flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE
    guest_with_agent(conn, instance).snapshotCreateXML(xml, flags)


def _xml_of(call: SnapshotCreateCall) -> str:
    root = etree.Element("domainsnapshot")
    etree.SubElement(root, "name").text = call.name
    if call.description:
        etree.SubElement(root, "description").text = call.description
    if call.memory_file:
        etree.SubElement(root, "memory", snapshot="external", file=call.memory_file)
    if call.files:
        disks = etree.SubElement(root, "disks")
        for target, path in call.files:
            disk = etree.SubElement(disks, "disk", name=target, snapshot="external", type="file")
            etree.SubElement(disk, "source", file=path)
    return etree.tostring(root, encoding="unicode")


def revert(conn: Connection, subject: ObjectKey, call: SnapshotRevertCall) -> None:
    """Put an instance back to a snapshot (virDomainRevertToSnapshot)."""
    then = {
        "as-it-was": 0,
        "running": libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING,
        "paused": libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED,
    }
    snapshot = _snapshot(conn, subject)
    snapshot.getDomain().revertToSnapshot(snapshot, then[call.then])


def delete(conn: Connection, subject: ObjectKey, call: SnapshotDeleteCall) -> None:
    """Delete a snapshot (virDomainSnapshotDelete); returns when its files are merged."""
    flags = libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN if call.children else 0
    _snapshot(conn, subject).delete(flags)


def _snapshot(conn: Connection, subject: ObjectKey) -> Any:
    uuid, _, name = subject.id.partition("/")
    return conn.lookupByUUIDString(uuid).snapshotLookupByName(name)


CALL_FUNCTIONS: CallFunctions = {
    SnapshotCreateCall: create,
    SnapshotRevertCall: revert,
    SnapshotDeleteCall: delete,
}

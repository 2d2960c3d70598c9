"""The calls of a cold migration. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from core.errors import HypervisorError
from core.hypervisor.calls.defining import secure_xml
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.undefining import volume_at
from core.hypervisor.calls.validating import define_validated
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported, unless_gone, unsupported
from core.model import ObjectKey
from core.model.cold_move import ColdMove, MovedVolume
from core.model.paths import volume_places
from core.model.text import clean, printable_name
from core.verbs.cold.calls import (
    ArriveCall,
    BetweenCall,
    DropCopyCall,
    DropOriginalCall,
    ForgetCall,
    Forgotten,
    HoldCall,
    LeaveCall,
    SettleCall,
    UnholdCall,
)
from core.xml.cold_mark import COLD, PREFIX, mark_in, mark_xml, marked
from core.xml.definition.document import whole
from core.xml.storage import last_written

_NOT_OURS = "Another move of it was begun meanwhile, or its mark was taken away: look at both."


def hold(conn: Connection, subject: ObjectKey, call: HoldCall) -> None:
    """Mark an instance at its source, and start it no longer with its host."""
    domain = conn.lookupByUUIDString(subject.id)
    if domain.isActive():
        raise HypervisorError(f"{clean(domain.name())} is on by now.", "Shut it down first.")
    found = _mark(domain)
    if found is not None and found.id != call.move:
        raise HypervisorError(f"{clean(domain.name())} is being moved already.", _NOT_OURS)
    own = tuple(MovedVolume(one.original) for one in call.copies)
    _set(domain, ColdMove(call.move, "source", call.destination, call.autostart, volumes=own))
    _autostart(domain, on=False)


def release(conn: Connection, subject: ObjectKey, call: UnholdCall) -> None:
    """Take the mark at the source away; it starts with its host as it did before."""
    domain = conn.lookupByUUIDString(subject.id)
    mark = _mark(domain)
    if mark is None or mark.id != call.move:
        return
    _autostart(domain, on=mark.autostart)
    _set(domain, None)


def secrets_of(conn: Connection, subject: ObjectKey) -> str:
    """Read a definition with its secrets: it goes nowhere but to the other host's libvirt."""
    return secure_xml(conn.lookupByUUIDString(subject.id))


def arrive(conn: Connection, subject: ObjectKey, call: ArriveCall, secure: str) -> None:
    """Define an instance at its destination; what is defined of it there is replaced."""
    there = unless_gone(lambda: conn.lookupByUUIDString(subject.id))
    if there is not None and there.isActive():
        raise HypervisorError(f"{clean(there.name())} runs on {clean(call.destination)} by now.")
    xml = call.xml
    if (mark := mark_in(xml)) is not None and mark.volumes:
        own = tuple(MovedVolume(one.path, _written(conn, one.path)) for one in mark.volumes)
        xml = marked(xml, replace(mark, volumes=own))
    domain = define_validated(conn, whole(xml, secure, ()))
    _autostart(domain, on=call.autostart)


def _written(conn: Connection, path: str) -> str:
    """Return when a volume was last written to, in libvirt's words; empty: that is not told."""
    volume = unless_gone(lambda: volume_at(conn, path))
    return "" if volume is None else last_written(volume.XMLDesc(0))


def leave(conn: Connection, subject: ObjectKey, call: LeaveCall) -> Forgotten:
    """Undefine an instance at its destination; one that is gone, or not the move's, is left."""
    domain = unless_gone(lambda: conn.lookupByUUIDString(subject.id))
    if domain is None or not _is_ours(domain, call):
        return Forgotten()
    if domain.isActive():
        text = f"{clean(domain.name())} runs on {clean(call.destination)} by now."
        raise HypervisorError(text, "Shut it down there first, or confirm the move.")
    mark = None if call.discard else _mark(domain)
    for volume in () if mark is None else mark.volumes:
        if volume.written and _written(conn, volume.path) not in ("", volume.written):
            raise HypervisorError(
                f"{clean(volume.path)}, a copy on {clean(call.destination)}, was written to since "
                "the move: that would be lost.",
                "Confirm the move, or discard what was written: --discard.",
            )
    return _undefine(domain)


def drop(conn: Connection, _: ObjectKey, call: DropCopyCall | DropOriginalCall) -> None:
    """Delete a volume, unless an instance uses it; none there is as good as deleted."""
    volume = unless_gone(lambda: volume_at(conn, call.path))
    if volume is None:
        return
    pool = volume.storagePoolLookupByVolume()
    places = set(volume_places(volume.path(), pool.name(), volume.name()))
    if user := user_of(conn, places):
        text = f"{clean(volume.path())} is used by {clean(user)} on {clean(call.host)}."
        raise HypervisorError(f"{text} It is left alone.", "Delete it when nobody needs it.")
    volume.delete(0)
    with suppress(libvirt.libvirtError):  # as of one with a job: then a later look tells
        pool.refresh(0)


def forget(conn: Connection, subject: ObjectKey, call: ForgetCall) -> Forgotten:
    """Undefine an instance at its source; its disks stay."""
    domain = unless_gone(lambda: conn.lookupByUUIDString(subject.id))
    if domain is None:
        return Forgotten()
    name, source = clean(domain.name()), clean(call.source)
    if not _is_ours(domain, call):
        raise HypervisorError(f"{name} on {source} is not held for this move.", _NOT_OURS)
    if domain.isActive():
        raise HypervisorError(f"{name} runs on {source} by now.", "Find out which is the true one.")
    return _undefine(domain)


def settle(conn: Connection, subject: ObjectKey, call: SettleCall) -> None:
    """Take the mark at the destination away."""
    domain = conn.lookupByUUIDString(subject.id)
    if _is_ours(domain, call):
        _set(domain, None)


def _mark(domain: Any) -> ColdMove | None:
    return mark_in(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))


def _is_ours(domain: Any, call: BetweenCall) -> bool:
    mark = _mark(domain)
    return mark is not None and mark.id == call.move


def _set(domain: Any, mark: ColdMove | None) -> None:
    """Set the mark in the definition, and where it runs in what runs; None removes it."""
    flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG
    if domain.isActive():
        flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE
    xml = None if mark is None else mark_xml(mark)
    kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    domain.setMetadata(kind, xml, None if mark is None else PREFIX, COLD, flags)


def _autostart(domain: Any, *, on: bool) -> None:
    if bool(domain.autostart()) != on:
        domain.setAutostart(int(on))


def _undefine(domain: Any) -> Forgotten:
    """Undefine what is off, and leave alone what lies beside its definition."""
    handles: list[Any] = if_supported(lambda: domain.listAllCheckpoints(0), otherwise=[])
    forgotten = Forgotten(tuple(sorted(printable_name(one.getName()) for one in handles)))
    flags = libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    with suppress(AttributeError):
        flags |= libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM  # libvirt 8.9
    try:
        domain.undefineFlags(flags | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)
    except libvirt.libvirtError as error:
        if not unsupported(error):
            raise
        domain.undefine()  # libvirt before 5.6, and its test driver
    return forgotten


CALL_FUNCTIONS: CallFunctions = {
    HoldCall: hold,
    UnholdCall: release,
    LeaveCall: leave,
    ForgetCall: forget,
    SettleCall: settle,
    DropCopyCall: drop,
    DropOriginalCall: drop,
}

"""The calls that carry UEFI variables along. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.defining import secure_xml
from core.hypervisor.calls.file_pool import pool_of_file
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone, unsupported
from core.model import ObjectKey
from core.model.text import clean, printable_name
from core.verbs.firmware import NvramCopyCall, NvramDeleteCall, NvramMovedCall
from core.xml.definition.firmware import (
    nvram_for,
    nvram_in_command,
    nvram_in_definition,
    nvram_is_named_by,
    with_nvram,
    without_devices,
)
from core.xml.storage import clone_volume_xml


def copy(conn: Connection, subject: ObjectKey, call: NvramCopyCall) -> None:
    """Copy the variables of an instance for one of another name."""
    domain = conn.lookupByUUIDString(subject.id)
    name, path = domain.name(), _path(conn, secure_xml(domain))
    if not path or (call.named_by_it and not nvram_is_named_by(path, name)):
        return
    to = nvram_for(call.to, path, name)
    with pool_of_file(conn, path) as pool:
        pool.refresh(0)
        if (source := _volume(pool, path)) is None:  # it was never started
            return
        if _volume(pool, to) is not None:
            text = f"There are UEFI variables of an instance called {clean(call.to)}"
            cure = "Remove that file if no instance needs it, or choose another name."
            raise HypervisorError(f"{text}: {printable_name(to)}.", cure)
        pool.createXMLFrom(clone_volume_xml(source.XMLDesc(0), _last(to), over=False), source, 0)


def delete(conn: Connection, subject: ObjectKey, call: NvramDeleteCall) -> None:
    """Delete what was copied, unless there is an instance of that name by now."""
    if unless_gone(lambda: conn.lookupByName(call.of)) is not None:
        raise HypervisorError(
            f"There is an instance called {clean(call.of)}: its UEFI variables stay."
        )
    domain = conn.lookupByUUIDString(subject.id)
    if path := _path(conn, secure_xml(domain)):
        _delete(conn, nvram_for(call.of, path, domain.name()))


def moved(conn: Connection, subject: ObjectKey, call: NvramMovedCall) -> None:
    """Have an instance that was renamed use the copy, and delete what it was copied from."""
    domain = conn.lookupByUUIDString(subject.id)
    document = secure_xml(domain)
    if not (path := _path(conn, document)):
        return
    if nvram_is_named_by(path, call.before):
        copied = nvram_for(domain.name(), path, call.before)
        with pool_of_file(conn, path) as pool:
            pool.refresh(0)
            if _volume(pool, copied) is None:  # it was never started: the old one is not there
                return
        conn.defineXML(with_nvram(document, copied))
        _delete(conn, path)
    elif nvram_is_named_by(path, domain.name()):
        _delete(conn, nvram_for(call.before, path, domain.name()))


def _path(conn: Connection, document: str) -> str:
    if named := nvram_in_definition(document):
        return named
    try:
        return nvram_in_command(conn.domainXMLToNative("qemu-argv", without_devices(document), 0))
    except libvirt.libvirtError as error:
        if unsupported(error):  # not QEMU's driver
            return ""
        cure = "Name their file in its definition (<nvram>), by editing it."
        raise HypervisorError("libvirt does not tell where its UEFI variables are.", cure) from None


def _delete(conn: Connection, path: str) -> None:
    with pool_of_file(conn, path) as pool:
        pool.refresh(0)
        if (volume := _volume(pool, path)) is not None:
            volume.delete(0)


def _volume(pool: Any, path: str) -> Any:
    return unless_gone(lambda: pool.storageVolLookupByName(_last(path)))


def _last(path: str) -> str:
    return path.rpartition("/")[2]


CALL_FUNCTIONS: CallFunctions = {
    NvramCopyCall: copy,
    NvramDeleteCall: delete,
    NvramMovedCall: moved,
}

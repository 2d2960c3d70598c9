"""The calls that remove a definition and what belongs to it. Run on a lane thread."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.model.paths import volume_places
from core.model.text import clean, printable_name
from core.verbs.undefining import UndefineCall, VolumeOfPathDeleteCall

FLAGS = {
    ("nvram", "remove"): "VIR_DOMAIN_UNDEFINE_NVRAM",
    ("nvram", "keep"): "VIR_DOMAIN_UNDEFINE_KEEP_NVRAM",
    ("tpm", "remove"): "VIR_DOMAIN_UNDEFINE_TPM",  # since libvirt 8.9
    ("tpm", "keep"): "VIR_DOMAIN_UNDEFINE_KEEP_TPM",
}


def undefine(conn: Connection, subject: ObjectKey, call: UndefineCall) -> None:
    """Remove an instance's definition (virDomainUndefineFlags)."""
    flags = libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    if call.saved:
        flags |= libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    for what, fate in (("nvram", call.nvram), ("tpm", call.tpm)):
        if fate:
            flags |= getattr(libvirt, FLAGS[what, fate], 0)
    domain = conn.lookupByUUIDString(subject.id)
    try:
        domain.undefineFlags(flags | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        # libvirt before 5.6 has no checkpoints, and its test driver does not take the flag
        domain.undefineFlags(flags)


def delete_volume(conn: Connection, _: ObjectKey, call: VolumeOfPathDeleteCall) -> None:
    """Delete the volume of a path (virStorageVolDelete), unless it is gone already.

    libvirt has no event of a volume: that its pool is read anew is what tells every console.
    """
    volume = unless_gone(lambda: volume_at(conn, call.path))
    if volume is None:
        return
    pool = volume.storagePoolLookupByVolume()
    path = volume.path()
    if user := user_of(conn, set(volume_places(path, pool.name(), volume.name()))):
        text = f"{printable_name(path)} is used by {clean(user)}: it is left alone."
        raise HypervisorError(text, "Remove it by hand if it is not needed.")
    volume.delete(0)
    with suppress(libvirt.libvirtError):  # as of one with a job: then a later look tells
        pool.refresh(0)


def volume_at(conn: Connection, path: str) -> Any:
    """Look a volume up as a disk names it: by its path, or as `POOL/VOLUME`."""
    if path.startswith("/"):
        return conn.storageVolLookupByPath(path)
    pool, _, name = path.partition("/")
    return conn.storagePoolLookupByName(pool).storageVolLookupByName(name)


CALL_FUNCTIONS: CallFunctions = {UndefineCall: undefine, VolumeOfPathDeleteCall: delete_volume}

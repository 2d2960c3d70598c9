"""The files of a backup on their host: made before, looked at after, removed where of no use.

libvirt makes and reads them as volumes of the folder's pool, so that a host far away is as good.
Run on a lane thread; raise libvirtError, HypervisorError.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.checkpoint import remove_checkpoint
from core.hypervisor.calls.file_pool import pool_of_file
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.image import run_qemu_img
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import gone
from core.model import ObjectKey
from core.model.text import clean
from core.verbs.backup.calls import (
    BackupDiscardCall,
    BackupFilesCall,
    BackupSizes,
    BackupVerifyCall,
    FileSize,
)
from core.xml.new_volume import volume_xml
from core.xml.storage import read_volume

CLOSING = 30.0
"""Seconds that QEMU may take to close a file after libvirt told that it is done."""


def make_files(conn: Connection, _: ObjectKey, call: BackupFilesCall) -> None:
    """Make the files, each based on its parent (virStorageVolCreateXML): all of them or none."""
    made: list[Any] = []
    with pool_of_file(conn, call.files[0][0]) as pool:
        try:
            for path, capacity, parent in call.files:
                base = (parent, "qcow2") if parent else None
                xml = volume_xml(path.rpartition("/")[2], capacity, call.format, base)
                made.append(pool.createXML(xml, 0))
        except libvirt.libvirtError as error:
            for volume in made:
                with suppress(libvirt.libvirtError):
                    volume.delete(0)
            text = tidy(error.get_error_message() or str(error)).rstrip(".")
            code = error.get_error_code() or 0
            raise HypervisorError(f"The files cannot be made: {text}.", "", code) from None


def verify(conn: Connection, _: ObjectKey, call: BackupVerifyCall) -> BackupSizes:
    """Look whether each file is what it was to be; raises HypervisorError."""
    found = []
    with pool_of_file(conn, call.files[0][0]) as pool:
        pool.refresh(0)
        for path, capacity, parent in call.files:
            try:
                xml = pool.storageVolLookupByName(path.rpartition("/")[2]).XMLDesc(0)
            except libvirt.libvirtError as error:
                if not gone(error):
                    raise
                raise HypervisorError(f"{clean(path)} is not there any more.") from None
            volume = read_volume(xml, "", "", "")
            if (volume.format, volume.capacity) != (call.format, capacity):
                raise HypervisorError(f"{clean(path)} is not of the size of its disk.")
            if parent and volume.backing != parent:
                raise HypervisorError(f"{clean(path)} is not based on {clean(parent)}.")
            _check(conn, path, call.format)
            found.append(FileSize(path, volume.allocation or 0))
    return BackupSizes(tuple(found))


def _check(conn: Connection, path: str, format_: str) -> None:
    """Have qemu-img look at a file that this machine can read."""
    here = conn.getURI().partition("://")[2].startswith("/")
    if not here or format_ != "qcow2" or not shutil.which("qemu-img"):
        return
    if not os.access(path, os.R_OK):
        return
    end = time.monotonic() + CLOSING
    while told := run_qemu_img("check", "-q", "-f", "qcow2", path):
        if not _still_open(told) or time.monotonic() > end:
            raise HypervisorError(f"{clean(path)} is not whole: {told}.")
        time.sleep(0.1)


def _still_open(told: str) -> bool:
    return "lock" in told or "another process" in told


def discard(conn: Connection, subject: ObjectKey, call: BackupDiscardCall) -> None:
    """Remove files, and the checkpoint that was made with them; says what stays."""
    kept: list[str] = []
    if call.files:
        with pool_of_file(conn, call.files[0]) as pool:
            pool.refresh(0)
            for path in call.files:
                try:
                    pool.storageVolLookupByName(path.rpartition("/")[2]).delete(0)
                except libvirt.libvirtError as error:
                    if not gone(error):
                        kept.append(clean(path))
    if call.checkpoint:
        try:
            remove_checkpoint(conn.lookupByUUIDString(subject.id), call.checkpoint)
        except libvirt.libvirtError as error:
            if not gone(error):
                kept.append(f"the checkpoint {clean(call.checkpoint)}")
    if kept:
        what = f"{' and '.join(kept)} could not be removed."
        cure = (
            "Delete the checkpoint once it runs, by checkpoint-delete." if call.checkpoint else ""
        )
        raise HypervisorError(what, cure)


BACKUP_FILES: CallFunctions = {
    BackupFilesCall: make_files,
    BackupVerifyCall: verify,
    BackupDiscardCall: discard,
}

"""The calls of a backup that this machine reads. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.backup import begun_errors_told, changed_since, refuse_second, still
from core.hypervisor.calls.checkpoint import remove_checkpoint
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.image import run_qemu_img
from core.hypervisor.calls.nbd_reading import holds, read_changes, read_whole
from core.hypervisor.calls.transfer_files import give_name
from core.hypervisor.calls.transfers import transfer_of, transferring
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone
from core.model import ObjectKey
from core.model.lists import listed
from core.model.paths import half_of
from core.model.text import clean
from core.verbs.backup.calls import BackupSizes, FileSize
from core.verbs.backup.pull_calls import (
    PullBeginCall,
    PullDiscardCall,
    PullPlace,
    PullPlanCall,
    PullReadCall,
    PullStopCall,
    Served,
)
from core.xml.tree import Element, parse

LONGEST_SOCKET = 107
"""Bytes of a socket's path (unix(7), without its NUL)."""
OF_SYSTEM = "/var/lib/libvirt/qemu"
"""Where the system's daemon keeps a folder of QEMU's user for each that runs."""


def plan(conn: Connection, subject: ObjectKey, call: PullPlanCall) -> PullPlace:
    """Look whether a backup can be read so, and where it is served; raises HypervisorError."""
    domain = conn.lookupByUUIDString(subject.id)
    refuse_second(domain)
    if call.since:
        changed_since(domain, call.since, [disk.target for disk in call.disks])
    _look_here(call)
    root = parse(domain.XMLDesc(0), "domain")
    served = tuple(
        Served(disk.target, _scratch(conn, root, disk.target, call)) for disk in call.disks
    )
    server = f"tcp:{call.listen}" if call.listen else f"unix:{_socket(conn, domain, root)}"
    return PullPlace(served, server)


def _look_here(call: PullPlanCall) -> None:
    """Raise where this machine cannot write the files."""
    folder = Path(call.folder)
    missing = [one for one in ("qemu-img", "qemu-io") if shutil.which(one) is None]
    if missing:
        raise HypervisorError(f"This machine has no {listed(missing)}.", "Install qemu-utils.")
    _look_at_folder(folder)
    there = [disk.path for disk in call.disks if os.path.lexists(disk.path)]
    if there:
        what = f"{listed([clean(path) for path in there])} is there already."
        raise HypervisorError(what, "Choose another name, or another folder.")
    for disk in call.disks:
        if call.since and disk.parent and not os.access(disk.parent, os.R_OK):
            what = f"{clean(disk.parent)}, made with {clean(call.since)}, is not to be read here."
            raise HypervisorError(what, "Read it on the machine that has it, or in full.")


def _look_at_folder(folder: Path) -> None:
    """Raise where a folder is not there, is none, or cannot be written to."""
    shown = clean(str(folder))
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise HypervisorError(f"{shown} of this machine is no folder.", "Choose one that is.")
    except FileNotFoundError:
        what = f"There is no folder {shown} on this machine."
        raise HypervisorError(what, "Make it first, or choose another one.") from None
    except OSError as error:
        what = f"{shown} of this machine cannot be looked at: {error.strerror}."
        raise HypervisorError(what, "Choose another folder, or be root.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        what = f"{shown} of this machine cannot be written to by this user."
        raise HypervisorError(what, "Choose another folder, or be root.")


def _scratch(conn: Connection, root: Element, target: str, call: PullPlanCall) -> str:
    """Return the file for what the guest overwrites meanwhile: beside the disk, unless told."""
    name = f"{target}.{call.name}.scratch"
    stem = f"{root.findtext('uuid')}"
    if call.scratch:
        return f"{call.scratch.rstrip('/')}/{stem}.{name}"
    disk = root.find(f"devices/disk/target[@dev='{target}']/..")
    source = None if disk is None else disk.find("source")
    path = "" if source is None else source.get("file") or ""
    if source is not None and source.get("volume"):
        pool = conn.storagePoolLookupByName(source.get("pool") or "")
        path = pool.storageVolLookupByName(source.get("volume") or "").path()
    if not path.startswith("/") or path.startswith("/dev/"):
        what = f"{target} is no file: what the guest overwrites meanwhile has no place beside it."
        raise HypervisorError(what, "Give scratch, a folder of the host with room.")
    return str(PurePosixPath(path).with_name(f"{stem}.{name}"))


def _socket(conn: Connection, domain: Any, root: Element) -> str:
    """Return a socket's path in a folder of QEMU's user: where its agent's is, or the daemon's."""
    for source in root.iterfind("devices/channel/source[@mode='bind']"):
        if (path := source.get("path") or "").startswith("/"):
            return _short_enough(str(PurePosixPath(path).with_name("virtdeck-backup.sock")))
    if conn.getURI().partition("?")[0].endswith("/system"):
        folder = f"domain-{domain.ID()}-{domain.name()[:20]}"
        return _short_enough(f"{OF_SYSTEM}/{folder}/virtdeck-backup.sock")
    what = "No folder is known in which its QEMU can make a socket."
    raise HypervisorError(what, "Give listen: 127.0.0.1:10809, which others of the host reach too.")


def _short_enough(path: str) -> str:
    if len(path.encode()) > LONGEST_SOCKET:
        what = f"{clean(path)} is longer than a socket's path can be."
        raise HypervisorError(what, "Give listen: 127.0.0.1:10809.")
    return path


def begin(conn: Connection, subject: ObjectKey, call: PullBeginCall) -> None:
    """Have the disks served (virDomainBackupBegin), the guest frozen meanwhile where wanted."""
    checkpoint = call.checkpoint_xml if call.checkpoint else None
    held = still(conn, subject, quiesce=call.quiesce)
    with held as domain, begun_errors_told(call.since, domain):
        domain.backupBegin(call.text, checkpoint, 0)


def read(_: Connection, subject: ObjectKey, call: PullReadCall) -> BackupSizes:
    """Read a disk to its file, which has its name once it is whole; raises HypervisorError."""
    half = Path(half_of(call.path, call.part))
    if os.path.lexists(call.path):
        if call.again and _holds(call, subject):
            return _size(call.path)  # the earlier one has made it
        raise HypervisorError(f"{clean(call.path)} is there already.", "Choose another name.")
    half.unlink(missing_ok=True)
    try:
        with transferring(subject) as transfer:
            if call.since:
                read_changes(call, half, transfer)
            else:
                read_whole(call, half, transfer)
        if told := run_qemu_img("check", "-q", "-f", "qcow2", str(half)):
            raise HypervisorError(f"{clean(call.path)} is not whole: {told}.")
    except OSError as error:
        half.unlink(missing_ok=True)
        raise HypervisorError(f"{clean(call.path)} cannot be written: {error.strerror}.") from None
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    give_name(half, Path(call.path))
    return _size(call.path)


def _holds(call: PullReadCall, subject: ObjectKey) -> bool:
    """Whether a file is this user's own and holds what is served: another may have made it."""
    found = os.lstat(call.path)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        return False
    with transferring(subject) as transfer:
        return holds(call, transfer)


def _size(path: str) -> BackupSizes:
    """Return what a file takes: 512 bytes a block, whatever the file system's are."""
    return BackupSizes((FileSize(path, Path(path).stat().st_blocks * 512),))


def stop(_: Connection, subject: ObjectKey, __: PullStopCall) -> None:
    """End what reads; nothing where it is over."""
    if (found := transfer_of(subject)) is not None:
        found.stopped = True


def discard(conn: Connection, subject: ObjectKey, call: PullDiscardCall) -> None:
    """Remove files of this machine, and the checkpoint that was made with them."""
    kept: list[str] = []
    own = [path for path in call.unheard if _is_half(path, call.part)]
    left = [path for path in call.unheard if path not in own and os.path.lexists(path)]
    halves = [half_of(path, call.part) for path in (*call.files, *call.unheard)]
    for each in (*call.files, *own, *halves):
        try:
            Path(each).unlink(missing_ok=True)
        except OSError:
            kept.append(clean(each))
    if call.checkpoint:
        try:
            remove_checkpoint(conn.lookupByUUIDString(subject.id), call.checkpoint)
        except libvirt.libvirtError as error:
            if not gone(error):
                kept.append(f"the checkpoint {clean(call.checkpoint)}")
    if kept:
        cure = (
            "Delete the checkpoint once it runs, by checkpoint-delete." if call.checkpoint else ""
        )
        raise HypervisorError(f"{listed(kept)} could not be removed.", cure)
    if left:
        text = f"{listed([clean(one) for one in left])} may be what was read, or another's: left."
        raise HypervisorError(text, "Delete it only where it is yours.")


def _is_half(path: str, part: str) -> bool:
    """Whether a file is what was read right before, which has its first name still."""
    with suppress(OSError):
        return os.path.samestat(os.lstat(half_of(path, part)), os.lstat(path))
    return False


CALL_FUNCTIONS: CallFunctions = {
    PullPlanCall: plan,
    PullBeginCall: begin,
    PullReadCall: read,
    PullStopCall: stop,
    PullDiscardCall: discard,
}

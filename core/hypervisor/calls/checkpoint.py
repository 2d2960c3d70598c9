"""The calls that make and delete checkpoints. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from time import time
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import gone
from core.model import ObjectKey
from core.model.text import clean
from core.verbs.backup.checkpoints import (
    CheckpointCreateCall,
    CheckpointDeleteCall,
    DropLeftoverCall,
)
from core.xml.checkpoint import leftover_xml

_NO_BITMAP = "not found in backing chain"
_OF_BITMAPS = frozenset({1, 55, 84, 109})
"""VIR_ERR_INTERNAL_ERROR (what QEMU says of one that it cannot remove), OPERATION_INVALID,
OPERATION_UNSUPPORTED, CHECKPOINT_INCONSISTENT."""
_ONLY_METADATA = (
    "Where its bitmap is broken or its image was replaced, delete its metadata only (--metadata): "
    "a bitmap stays in the image that has it."
)
_LEFT_OVER = "Bitmap already exists"


def remove_checkpoint(
    domain: Any, name: str, *, children: bool = False, metadata: bool = False
) -> None:
    """Delete a checkpoint; one that is not there is as good as deleted.

    Of one without its bitmap only what libvirt keeps of it is there to be deleted. Raises
    libvirtError.
    """
    flags = libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN if children else 0
    only = libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY
    try:
        domain.checkpointLookupByName(name).delete(flags | (only if metadata else 0))
    except libvirt.libvirtError as error:
        if gone(error):
            return
        if _NO_BITMAP not in (error.get_error_message() or ""):
            raise
        domain.checkpointLookupByName(name).delete(flags | only)


def drop_leftover(conn: Connection, subject: ObjectKey, call: DropLeftoverCall) -> None:
    """Delete the bitmaps of a checkpoint that libvirt has forgotten: QEMU alone can, while it runs.

    Raises HypervisorError where no disk has one of that name.
    """
    domain = conn.lookupByUUIDString(subject.id)
    found = [target for target in call.targets if _taken_up(domain, call, target)]
    if not found:
        text = f"No disk of {clean(domain.name())} has a bitmap {clean(call.name)} as it runs now."
        raise HypervisorError(text, "The name is free for a checkpoint.")


def _taken_up(domain: Any, call: DropLeftoverCall, target: str) -> bool:
    """Make a bitmap a checkpoint again, and delete that; False: the disk has none."""
    others = [one for one in call.targets if one != target]
    xml = leftover_xml(call.name, target, others, int(time()))
    made = domain.checkpointCreateXML(xml, libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE)
    try:
        made.delete(0)
    except libvirt.libvirtError as error:
        made.delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
        if _NO_BITMAP not in (error.get_error_message() or ""):
            raise
        return False
    return True


def create(conn: Connection, subject: ObjectKey, call: CheckpointCreateCall) -> None:
    """Make a checkpoint (virDomainCheckpointCreateXML)."""
    domain = conn.lookupByUUIDString(subject.id)
    with images_told(domain.name()):
        domain.checkpointCreateXML(call.text, 0)


@contextmanager
def images_told(name: str) -> Iterator[None]:
    """Say what cures an image that has a bitmap of that name, and one of the old qcow2, with none.

    `name` is the instance's.
    """
    try:
        yield
    except libvirt.libvirtError as error:
        text = tidy(error.get_error_message() or str(error)).rstrip(".")
        if _LEFT_OVER in text:
            bitmap = text.partition(_LEFT_OVER)[2].strip(": ")
            raise _left_over(name, bitmap, error.get_error_code() or 0) from None
        if "v2 qcow2" not in text and "qcow2 v2" not in text:
            raise
        cure = "`qemu-img amend -o compat=1.1` while it is off, or leave that disk out."
        raise HypervisorError(f"{text}.", cure, error.get_error_code() or 0) from None


def _left_over(name: str, bitmap: str, code: int) -> HypervisorError:
    text = (
        f"A disk of {clean(name)} has a bitmap {clean(bitmap)} already, of a checkpoint that "
        "libvirt knows no more: an undefine, a move or an evacuation has left it."
    )
    named = " ".join(map(quote, (clean(name), "--name", clean(bitmap))))
    cure = f"Choose another name, or delete it: `virtdeck checkpoint-delete {named} --leftover`."
    return HypervisorError(text, cure, code)


def delete(conn: Connection, subject: ObjectKey, call: CheckpointDeleteCall) -> None:
    """Delete a checkpoint (virDomainCheckpointDelete)."""
    domain = conn.lookupByUUIDString(subject.id)
    try:
        remove_checkpoint(domain, call.name, children=call.children, metadata=call.metadata)
    except libvirt.libvirtError as error:
        code = error.get_error_code() or 0
        if call.metadata or code not in _OF_BITMAPS:
            raise
        text = tidy(error.get_error_message() or str(error)).rstrip(".")
        raise HypervisorError(f"{text}.", _ONLY_METADATA, code) from None


CALL_FUNCTIONS: CallFunctions = {
    CheckpointCreateCall: create,
    CheckpointDeleteCall: delete,
    DropLeftoverCall: drop_leftover,
}

"""The calls that attach devices to instances, and detach them. Run on a lane thread."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from core.errors import HypervisorError, NotFoundError, UnsupportedError
from core.hypervisor.calls.device_faults import missing_of, told_of
from core.hypervisor.calls.found_format import refuse_found_format
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.share_faults import crash_of_share, forgotten_memory
from core.hypervisor.calls.silent_servers import refuse_silent
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.text import clean
from core.verbs.device.calls import AttachCall, DetachCall, FindDeviceCall
from core.verbs.device.devices import word_of
from core.verbs.device.media import ChangeMediaCall
from core.verbs.device.share import is_share
from core.xml.new_device import device_in, devices_in, drive_with

ASKING = 20.0
"""Seconds in which those that run are asked what disks they have from their next start on: all of a
thousand nearby, and half of them on a slow line. Of those left QEMU's lock is all there is."""
_BY_EDITING = "Edit its XML: that counts from the next start."
_PENDING = "already in the process of unplug"
"""libvirt says so of a request that the guest has not answered yet: it still stands."""


def attach(conn: Connection, subject: ObjectKey, call: AttachCall) -> None:
    """Attach a device (virDomainAttachDeviceFlags): to both, or where that fails to neither."""
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE if call.live else 0
    config = libvirt.VIR_DOMAIN_AFFECT_CONFIG if call.config else 0
    domain = conn.lookupByUUIDString(subject.id)
    if call.alone and (user := user_of(conn, set(call.alone), seconds=ASKING)):
        raise _used(call, user)
    if call.needs and (missing := missing_of(conn, call.needs, live=call.live)) is not None:
        raise missing
    if call.live and is_share(call.name) and (crash := crash_of_share(conn, domain)) is not None:
        raise crash
    if call.found:
        refuse_found_format(conn.storageVolLookupByPath(call.found))
    if call.live:
        refuse_silent(conn, call.xml, "and its guest stand still: nothing was attached")
    try:
        domain.attachDeviceFlags(call.xml, live | config)
    except libvirt.libvirtError as error:
        _refuse_without_support(error)
        told = _told(conn, domain, call, error.get_error_message() or "")
        if told is None:
            raise
        raise told from error
    if call.alone and (user := user_of(conn, set(call.alone), subject.id, seconds=0)):
        # given to both in the same moment: each gives it back
        raise _used(call, user) if _gives_back(domain, call, live | config) else _kept(call, user)


def _told(conn: Connection, domain: Any, call: AttachCall, message: str) -> HypervisorError | None:
    """Return what libvirt's refusal means; None: its words must do.

    Of a PCI device that is not there libvirt 11 says that the cause is unknown.
    """
    told = forgotten_memory(domain, message) or told_of(conn, message)
    if told is None and call.needs.startswith("pci "):
        return missing_of(conn, call.needs, live=False)
    return told


def _used(call: AttachCall, user: str) -> HypervisorError:
    text = f"{clean(call.alone[0])} is used by {clean(user)}, now or from its next start on."
    cure = "Two that write to one image destroy it: detach it there first, or take another."
    return HypervisorError(text, cure)


def _kept(call: AttachCall, user: str) -> HypervisorError:
    """Return the error of a disk that others have, and that a guest has not given back yet."""
    text = (
        f"{_used(call, user).message} It was attached here, too, and is here still, as "
        f"{call.name}: its guest has not let go of it."
    )
    cure = f"Two that write to one image destroy it: detach {call.name} here before either goes on."
    return HypervisorError(text, cure)


def _gives_back(domain: Any, call: AttachCall, affect: int) -> bool:
    """Detach what was just attached; returns whether that is gone."""
    shown = 0 if call.live else libvirt.VIR_DOMAIN_XML_INACTIVE
    try:
        domain.detachDeviceFlags(call.xml, affect)
        return not devices_in(domain.XMLDesc(shown), call.kind, call.name)
    except libvirt.libvirtError:
        return False


def detach(conn: Connection, subject: ObjectKey, call: DetachCall) -> None:
    """Detach a device (virDomainDetachDeviceFlags); nothing is done where it is gone already."""
    domain = conn.lookupByUUIDString(subject.id)
    shown = 0 if call.live else libvirt.VIR_DOMAIN_XML_INACTIVE
    found = devices_in(domain.XMLDesc(shown), call.kind, call.name)
    if not found:
        return
    if len(found) > 1:
        word = word_of(call.kind, call.name)
        text = f"{clean(domain.name())} has {len(found)} that are {word}, and none was detached."
        raise HypervisorError(text, "Ask again, by what only the one has: see `virtdeck show`.")
    xml, source = found[0]
    if source != call.source:
        text = f"{call.name} of {domain.name()} is {clean(source) or 'empty'} by now."
        raise HypervisorError(text, "Nothing was detached: look at it, and ask again.")
    affect = libvirt.VIR_DOMAIN_AFFECT_LIVE if call.live else libvirt.VIR_DOMAIN_AFFECT_CONFIG
    try:
        domain.detachDeviceFlags(xml, affect)
    except libvirt.libvirtError as error:
        _refuse_without_support(error)
        if not _gone_or_pending(error):
            raise


def _refuse_without_support(error: Any) -> None:
    if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
        text = "This driver of libvirt cannot do that: it attaches and detaches no devices."
        raise UnsupportedError(text, _BY_EDITING) from error
    message = error.get_error_message() or ""
    if "not implemented" in message:
        text = f"This driver of libvirt cannot do that: {message.rstrip('.')}."
        raise UnsupportedError(text, _BY_EDITING) from error


def _gone_or_pending(error: Any) -> bool:
    message = error.get_error_message() or ""
    code = error.get_error_code()
    missing = code == libvirt.VIR_ERR_DEVICE_MISSING
    unknown = code == libvirt.VIR_ERR_OPERATION_FAILED and "not found" in message
    return missing or unknown or _PENDING in message


def change_media(conn: Connection, subject: ObjectKey, call: ChangeMediaCall) -> None:
    """Put a medium into a drive, or take it out (virDomainUpdateDeviceFlags).

    In one call, as it is defined where that changes: in both, or where that fails in neither.
    """
    domain = conn.lookupByUUIDString(subject.id)
    before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if call.config else 0)
    xml = drive_with(before, call.drive, call.source, call.type)
    if xml is None:
        text = f"{domain.name()} has no drive {call.drive}."
        raise HypervisorError(text, "See `virtdeck show`.")
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE if call.live else 0
    config = libvirt.VIR_DOMAIN_AFFECT_CONFIG if call.config else 0
    force = libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE if call.force else 0
    try:
        domain.updateDeviceFlags(xml, live | config | force)
    except libvirt.libvirtError as error:
        _refuse_without_support(error)
        message = error.get_error_message() or ""
        if "locked" in message:
            cure = "Have the guest eject it, or ask again with `--force`."
            raise HypervisorError(f"{message.rstrip('.')}.", cure) from error
        if call.live and call.source:  # QEMU opens the tray first: it is shut on what was in it
            old = device_in(domain.XMLDesc(0), "disk", call.drive)
            with suppress(libvirt.libvirtError):
                if old is not None:
                    domain.updateDeviceFlags(old[0], live | force)
        raise


def find(conn: Connection, subject: ObjectKey, call: FindDeviceCall) -> None:
    """Raise NotFoundError where what is defined has no such device."""
    domain = conn.lookupByUUIDString(subject.id)
    defined = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    if not devices_in(defined, call.kind, call.name):
        text = f"{clean(domain.name())} has no {word_of(call.kind, call.name)}"
        raise NotFoundError(
            f"{text}, neither now nor from its next start on.", "See `virtdeck show`."
        )


CALL_FUNCTIONS: CallFunctions = {
    FindDeviceCall: find,
    AttachCall: attach,
    DetachCall: detach,
    ChangeMediaCall: change_media,
}

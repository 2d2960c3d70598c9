"""The calls that make an instance. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.undefining import FLAGS
from core.hypervisor.calls.validating import define_validated
from core.hypervisor.calls.volume_transfers import send
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import unless_gone, unsupported
from core.model import ObjectKey
from core.model.text import printable_name
from core.seed_image import seed_image
from core.verbs.create.calls import DefineCall, ProveCall, SeedCall, TakeBackCall
from core.verbs.create.plan import NewVolume
from core.verbs.create.remove_seed import DetachDiskCall
from core.xml.authored import disk_element, for_trial, with_passwords
from core.xml.made_mark import maker_in

_TOUCHED = ("interface", "hostdev", "vsock", "tpm")
"""Devices that virConnectDomainXMLToNative opens or makes on the host: it is asked without them."""
_NO_NAME = "virtdeck/trial"
"""What no instance can be called: libvirt reads and judges all of its XML, and takes none of it."""
_NATIVE = "qemu-argv"
_SCHEMA = "failed to validate against schema"
_SECTION = "interleave"
_QCOW2 = b"QFI\xfb"
"""How a qcow2 image begins."""


def prove(conn: Connection, _: ObjectKey, call: ProveCall) -> None:
    """Have libvirt judge the XML of what is to be made: two calls, which make nothing.

    Raises HypervisorError with what libvirt has against it, and the cure.
    """
    for volume in call.plan.volumes:
        if volume.how == "file":
            _check_file(volume)
    xml = with_passwords(call.plan.xml, [one.reveal() for one in call.passwords])
    _by_schema(conn, xml)
    try:
        conn.domainXMLToNative(_NATIVE, for_trial(xml, _TOUCHED), 0)
    except libvirt.libvirtError as error:
        if not unsupported(error) or "not supported by the connection driver" not in str(error):
            raise _refused(error, call.plan.name) from None


def _by_schema(conn: Connection, xml: str) -> None:
    """Have libvirt read it as a definition; raises HypervisorError where it would not."""
    try:
        made = define_validated(conn, for_trial(xml, (), _NO_NAME))
    except libvirt.libvirtError as error:
        if _NO_NAME in (error.get_error_message() or ""):
            return
        raise _refused(error, "it") from None
    made.undefine()  # no libvirt since 2016 takes such a name


def seed(conn: Connection, subject: ObjectKey, call: SeedCall) -> None:
    """Make a cloud-init seed and write it over its volume (virStorageVolUpload)."""
    secret = call.password_hash
    data = seed_image(call.seed, "" if secret is None else secret.reveal())
    send(conn, subject, (call.pool, call.name), BytesIO(data), len(data))


def _check_file(volume: NewVolume) -> None:
    """Look at a file of this machine; raises HypervisorError where it will not do as an image."""
    file = Path(volume.image).expanduser()
    shown = printable_name(str(file))
    try:
        with file.open("rb") as data:
            head = data.read(len(_QCOW2))
    except OSError as error:
        reason = error.strerror or str(error)
        raise HypervisorError(
            f"{shown} cannot be read on this machine: {reason}.", "Name another file."
        ) from None
    found = "qcow2" if head == _QCOW2 else "raw"
    if found != volume.format:
        text = f"{shown} is in {found}, not in {volume.format}."
        raise HypervisorError(text, f"Give its format: {found}.")


def define(conn: Connection, subject: ObjectKey, call: DefineCall) -> None:
    """Define what is not there (virDomainDefineXMLFlags); libvirt itself would change what is."""
    if unless_gone(lambda: conn.lookupByUUIDString(subject.id)) is not None:
        raise HypervisorError(f"There is an instance of the UUID {subject.id} by now.")
    xml = with_passwords(call.xml, [one.reveal() for one in call.passwords])
    try:
        define_validated(conn, xml)
    except libvirt.libvirtError as error:
        raise _refused(error, "it") from None


def take_back(conn: Connection, subject: ObjectKey, call: TakeBackCall) -> None:
    """Undefine what was defined just now, with its NVRAM; none there is as good as undefined.

    What another operation defined of the same UUID is left.
    """
    domain = unless_gone(lambda: conn.lookupByUUIDString(subject.id))
    if domain is None:
        return
    if call.maker and maker_in(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)) != call.maker:
        return
    if domain.isActive():
        text = f"{domain.name()} runs by now: it is left as it is."
        raise HypervisorError(text, "Stop it and undefine it if it is not wanted.")
    flags = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    flags |= getattr(libvirt, FLAGS["tpm", "remove"], 0)
    try:
        domain.undefineFlags(flags)
    except libvirt.libvirtError as error:
        if not unsupported(error):
            raise
        domain.undefine()  # a libvirt, or its test driver, that knows not all of them


def detach_disk(conn: Connection, subject: ObjectKey, call: DetachDiskCall) -> None:
    """Take a disk out of what runs, and out of the definition; one that is out stays out."""
    domain = conn.lookupByUUIDString(subject.id)
    inactive, config = libvirt.VIR_DOMAIN_XML_INACTIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
    places = [(inactive, config)] if domain.isPersistent() else []
    if domain.isActive():
        places.append((0, libvirt.VIR_DOMAIN_AFFECT_LIVE))
    for flags, affected in places:
        disk = disk_element(domain.XMLDesc(flags), call.target)
        if disk:
            domain.detachDeviceFlags(disk, affected)


def _refused(error: libvirt.libvirtError, name: str) -> HypervisorError:
    """Return libvirt's refusal of an XML in one sentence, with the cure."""
    text, code = tidy(error.get_error_message() or str(error)), error.get_error_code() or 0
    if _SCHEMA in text:
        what = text.partition(".rng")[2].strip() or text
        section = " The element that it names holds what is wrong." if _SECTION in text else ""
        return HypervisorError(
            f"The XML is not what libvirt's schema has: {what}.",
            f"Correct that; `virt-xml-validate` says the same of a file.{section}",
            code,
        )
    if "already exists" in text or "already defined" in text:
        return HypervisorError(
            f"libvirt: {text}.", "Choose another name, or leave <uuid> out.", code
        )
    return HypervisorError(f"libvirt does not take the XML of {name}: {text}.", _cure(text), code)


def _cure(text: str) -> str:
    if "machine" in text and "not supported" in text:
        return "Leave the machine out, or take one that `virsh domcapabilities` of the host names."
    return "Correct it."


CALL_FUNCTIONS: CallFunctions = {
    ProveCall: prove,
    SeedCall: seed,
    DefineCall: define,
    TakeBackCall: take_back,
    DetachDiskCall: detach_disk,
}

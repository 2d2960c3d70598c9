"""Defining an instance anew from its whole XML. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.cpu_model import require_cpu_model
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.validating import define_validated
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.verbs.defining import RedefineCall
from core.xml.definition.changes import changes, in_words, only_completed
from core.xml.definition.document import editable, secrets_in, whole
from core.xml.definition.faults import located

_CURES = (
    ("per-device boot elements", "boot by classes, the <boot dev='...'/> of <os>, or by numbers, "
     "the <boot order='...'/> of devices, and take the others out"),
    ("used for more than one device", "give each device a number of its own"),
)  # fmt: skip
"""What libvirt says of a definition, and what helps."""


def read_document(conn: Connection, uuid: str) -> str | None:
    """Read the XML of a definition without secrets; None: it is gone, or transient."""

    def read() -> str | None:
        domain = conn.lookupByUUIDString(uuid)
        return editable(secure_xml(domain)) if domain.isPersistent() else None

    return unless_gone(read)


def read_definition_of(conn: Connection, subject: ObjectKey) -> str | None:
    """Read that of an instance, a network or a pool; None: it is gone, or transient."""
    if subject.kind not in ("network", "pool"):
        return read_document(conn, subject.id)

    def read() -> str | None:
        if subject.kind == "network":
            network = conn.networkLookupByUUIDString(subject.id)
            return inactive_xml(network, libvirt.VIR_NETWORK_XML_INACTIVE)
        pool = conn.storagePoolLookupByUUIDString(subject.id)
        return inactive_xml(pool, libvirt.VIR_STORAGE_XML_INACTIVE)

    return unless_gone(read)


def inactive_xml(found: Any, inactive: int) -> str | None:
    """Return the definition of a network or pool; None: it is transient."""
    if not found.isPersistent():
        return None
    try:
        return str(found.XMLDesc(inactive))
    except libvirt.libvirtError as error:  # the test driver has no such flag, and one XML
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        return str(found.XMLDesc(0))


def define(conn: Connection, subject: ObjectKey, call: RedefineCall) -> None:
    """Define an instance anew (virDomainDefineXMLFlags), unless somebody else just did."""
    domain = conn.lookupByUUIDString(subject.id)
    secure = secure_xml(domain)
    _require_unchanged(call, editable(secure), domain.name())
    text = whole(call.xml, secure, [secret.reveal() for secret in call.secrets])
    try:
        require_cpu_model(conn, call.base, text)
        if call.unchecked:
            conn.defineXML(text)
        else:
            define_validated(conn, text)
    except libvirt.libvirtError as error:
        if error.get_error_domain() in (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE):
            raise
        message = str(error.get_error_message() or error)
        for secret in secrets_in(secure):
            message = message.replace(secret, "***")
        fault = located(call.xml, message, call.base)
        told, hint = fault.text, "Nothing was changed: ask for what this host can give it."
        if call.typed:
            told, hint = str(fault), _hint(message)
        raise HypervisorError(f"{told.rstrip('.')}.", hint, error.get_error_code()) from error


def _hint(message: str) -> str:
    """Return what helps in a definition that was typed."""
    cure = next((cure for said, cure in _CURES if said in message), "set that right")
    return f"Nothing was changed: {cure}, and edit it again."


def _require_unchanged(call: RedefineCall, found: str, name: str) -> None:
    """Raise HypervisorError where a definition is not that which a change began with."""
    if found == call.base or only_completed(call.base, found):
        return
    what = in_words(changes(call.base, found)) or "its text"
    cure = "Ask for it again: it begins with the definition as it is now."
    if call.typed:
        cure = "Edit it again: the editor begins with it as it is now."
    raise HypervisorError(
        f"The definition of {name} was changed meanwhile, and is not overwritten: {what}.",
        cure,
        libvirt.VIR_ERR_OPERATION_INVALID,
    )


def secure_xml(domain: Any) -> str:
    """Return a definition with its secrets: it goes nowhere but back to libvirt."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    return str(domain.XMLDesc(flags))


CALL_FUNCTIONS: CallFunctions = {RedefineCall: define}

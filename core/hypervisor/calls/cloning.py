"""The calls that make a clone. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.defining import secure_xml
from core.hypervisor.calls.found_format import refuse_other_format
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.no_pool import cure_of
from core.hypervisor.calls.transfers import far_in_copy, transferring
from core.hypervisor.calls.undefining import volume_at
from core.hypervisor.calls.validating import define_validated
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.model.text import clean, real_name
from core.verbs.cloning import CloneDefineCall, CloneDiskCall
from core.xml.definition.document import whole
from core.xml.storage import clone_volume_xml
from core.xml.tree import parse
from core.xml.tree import text as text_of

_IN_USE = "already in use"
"""What libvirt says of the name of a volume that is there, with the code of an internal error."""


def clone_disk(conn: Connection, subject: ObjectKey, call: CloneDiskCall) -> None:
    """Copy a volume into its own pool, or lay one over it; returns when it is whole."""
    source = unless_gone(lambda: volume_at(conn, real_name(call.source)))
    if source is None:
        what = f"{clean(call.source)} is in no pool that is active: nothing can copy it."
        raise HypervisorError(what, cure_of(conn, subject.host, call.source))
    pool = source.storagePoolLookupByVolume()
    with suppress(libvirt.libvirtError):  # as of one with a job: then what was listed counts
        pool.refresh(0)
    refuse_other_format(source, call.format)
    over = call.how == "overlay"
    xml = clone_volume_xml(source.XMLDesc(0), real_name(call.name), over=over)
    try:
        if over:
            pool.createXML(xml, 0)
            return
        with transferring(subject, far_in_copy(pool.name(), call.name, source.info()[2])):
            pool.createXMLFrom(xml, source, 0)
    except libvirt.libvirtError as error:
        if _IN_USE not in (error.get_error_message() or ""):
            raise
        where = f"{clean(pool.name())}/{clean(call.name)}"
        text = f"The volume {where} is there already, perhaps left of a clone that was cut off."
        cure = (
            f"Choose another name, or delete it if nobody needs it: virtdeck volume delete {where}"
        )
        raise HypervisorError(text, f"{cure}.", error.get_error_code() or 0) from None


def define(conn: Connection, subject: ObjectKey, call: CloneDefineCall) -> None:
    """Define a clone, with the secrets of what it is made from (virDomainDefineXMLFlags)."""
    if (there := unless_gone(lambda: conn.lookupByUUIDString(call.uuid))) is not None:
        if there.name() == text_of(parse(call.xml, "domain", verbatim=True), "name"):
            return  # it is sent once more, and was made the first time
        raise HypervisorError(f"There is an instance of the UUID {call.uuid} by now.")
    source: Any = conn.lookupByUUIDString(subject.id)
    text = whole(call.xml, secure_xml(source), ())
    define_validated(conn, text)


CALL_FUNCTIONS: CallFunctions = {CloneDiskCall: clone_disk, CloneDefineCall: define}

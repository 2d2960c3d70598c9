"""The calls on network filters. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from core.errors import HypervisorError, NotFoundError, UnsupportedError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.model import ObjectKey
from core.model.text import clean, real_name
from core.verbs.nwfilter import FilterDefineCall, FilterUndefineCall


def define(conn: Connection, _: ObjectKey, call: FilterDefineCall) -> None:
    """Define a filter (virNWFilterDefineXML)."""
    try:
        conn.nwfilterDefineXML(call.xml)
    except libvirt.libvirtError as error:
        _refuse_without_support(error)
        raise


def undefine(conn: Connection, _: ObjectKey, call: FilterUndefineCall) -> None:
    """Delete a filter (virNWFilterUndefine). Where it is sent once more it may be gone already."""
    try:
        conn.nwfilterLookupByName(real_name(call.filter)).undefine()
    except libvirt.libvirtError as error:
        code = error.get_error_code()
        if code == libvirt.VIR_ERR_NO_NWFILTER:
            if call.resent:
                return
            text = f"Its host has no network filter {clean(call.filter)}."
            raise NotFoundError(text, "See those it has: `virtdeck nwfilters`.") from error
        if code == libvirt.VIR_ERR_OPERATION_INVALID:
            text = f"The filter {clean(call.filter)} is in use."
            cure = "See by whom: `virtdeck nwfilters`; take it from these interfaces and filters."
            raise HypervisorError(text, cure) from error
        _refuse_without_support(error)
        raise


def _refuse_without_support(error: libvirt.libvirtError) -> None:
    if "session mode" in (error.get_error_message() or ""):
        text = "The libvirt of an ordinary user has no network filters."
        raise UnsupportedError(text, "Open the host as root's libvirt: qemu:///system.") from error
    if unsupported(error):
        text = "This driver of libvirt has no network filters."
        cure = "QEMU's has them, with the package libvirt-daemon-config-nwfilter or its driver."
        raise UnsupportedError(text, cure) from error


CALL_FUNCTIONS: CallFunctions = {FilterDefineCall: define, FilterUndefineCall: undefine}

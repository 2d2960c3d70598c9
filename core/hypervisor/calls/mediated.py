"""The calls on mediated devices. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from core.errors import HypervisorError, NotFoundError, UnsupportedError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.model import ObjectKey
from core.verbs.device.mediated import MediatedCreateCall, MediatedDestroyCall


def create(conn: Connection, _: ObjectKey, call: MediatedCreateCall) -> None:
    """Make a mediated device (virNodeDeviceCreateXML)."""
    try:
        conn.nodeDeviceCreateXML(call.xml, 0)
    except libvirt.libvirtError as error:
        if unsupported(error):
            text = "This libvirt makes no mediated devices."
            cure = "QEMU's system daemon does, from 7.3 on, with the program mdevctl on its host."
            raise UnsupportedError(text, cure) from error
        message = (error.get_error_message() or "").rstrip(".")
        cure = "See its types, and how many are left: `virtdeck devices`."
        if "mdevctl" in message:
            cure = "Install the program mdevctl on its host: libvirt makes them with it."
        raise HypervisorError(f"{message}.", cure) from error


def destroy(conn: Connection, _: ObjectKey, call: MediatedDestroyCall) -> None:
    """Take a mediated device away (virNodeDeviceDestroy).

    Where it is sent once more it may be gone already.
    libvirt names one by its UUID, and from 7.8 on by its parent after that.
    """
    flags = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV
    name = f"mdev_{call.uuid.replace('-', '_')}"
    found = [one for one in conn.listAllDevices(flags)
             if one.name() == name or one.name().startswith(f"{name}_")]  # fmt: skip
    if not found and not call.resent:
        text = f"Its host has no mediated device mdev:{call.uuid}."
        raise NotFoundError(text, "See those it has: `virtdeck devices`.")
    for device in found:
        device.destroy()


CALL_FUNCTIONS: CallFunctions = {MediatedCreateCall: create, MediatedDestroyCall: destroy}

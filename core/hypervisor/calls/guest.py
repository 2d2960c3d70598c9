"""The calls that send something to a guest. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from core.hypervisor.calls.agent import guest_with_agent
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.verbs.guest import NmiCall, SendKeyCall, SetTimeCall, SyncTimeCall


def inject_nmi(conn: Connection, subject: ObjectKey, _: NmiCall) -> None:
    """Send a non-maskable interrupt (virDomainInjectNMI)."""
    conn.lookupByUUIDString(subject.id).injectNMI(0)


def send_key(conn: Connection, subject: ObjectKey, call: SendKeyCall) -> None:
    """Press keys together (virDomainSendKey)."""
    domain = conn.lookupByUUIDString(subject.id)
    codes = list(call.codes)
    domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, call.hold, codes, len(codes), 0)


def set_time(conn: Connection, subject: ObjectKey, call: SetTimeCall) -> None:
    """Set the guest's clock through its agent (virDomainSetTime)."""
    domain = guest_with_agent(conn, subject)
    domain.setTime({"seconds": call.seconds, "nseconds": 0})


def sync_time(conn: Connection, subject: ObjectKey, _: SyncTimeCall) -> None:
    """Have the guest take its hardware clock's time, through its agent (virDomainSetTime)."""
    guest_with_agent(conn, subject).setTime(None, libvirt.VIR_DOMAIN_TIME_SYNC)


CALL_FUNCTIONS: CallFunctions = {
    NmiCall: inject_nmi,
    SendKeyCall: send_key,
    SetTimeCall: set_time,
    SyncTimeCall: sync_time,
}

"""The calls behind the power verbs. Run on a lane thread; raise libvirtError.

Each returns when libvirt accepted the call; whether the guest obeyed is seen by the events that
follow and by `instance_state`. What is not an error: a power cut of an instance that is already
off, or that vanished (a transient one) while it was being cut.
"""

from __future__ import annotations

from errno import EBUSY
from typing import Any, NamedTuple

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.silent_servers import refuse_silent
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, unless_gone
from core.model import ObjectKey
from core.model.instance import InstanceState
from core.model.state_code import decode_state
from core.verbs.power.calls import (
    STUCK,
    CreateCall,
    DestroyCall,
    Means,
    RebootCall,
    ResetCall,
    ResumeCall,
    ShutdownCall,
    SuspendCall,
    WakeupCall,
)


class PowerState(NamedTuple):
    """An instance's state as it is now."""

    state: InstanceState
    reason: str
    id: int | None
    """The hypervisor's number, another one after each start; None while it is off."""


def instance_state(conn: Connection, uuid: str) -> PowerState | None:
    """Return an instance's state: two calls, which wait for no process. None when it is gone."""

    def read() -> PowerState:
        domain = conn.lookupByUUIDString(uuid)
        state, reason = decode_state(*domain.state()[:2])
        number = domain.ID()
        return PowerState(state, reason, number if number >= 0 else None)

    return unless_gone(read)


def start(conn: Connection, uuid: str, *, paused: bool = False, forget_saved: bool = False) -> None:
    """Start an instance (virDomainCreate); a managed save image is restored, or thrown away."""
    flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
    flags |= libvirt.VIR_DOMAIN_START_FORCE_BOOT if forget_saved else 0
    conn.lookupByUUIDString(uuid).createWithFlags(flags)


def shutdown(conn: Connection, uuid: str, means: Means = "any") -> None:
    """Ask the guest to power off (virDomainShutdownFlags). It may take its time, or ignore it."""
    flags = {
        "any": libvirt.VIR_DOMAIN_SHUTDOWN_DEFAULT,
        "acpi": libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
        "agent": libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
    }
    conn.lookupByUUIDString(uuid).shutdownFlags(flags[means])


def reboot(conn: Connection, uuid: str, means: Means = "any") -> None:
    """Ask the guest to reboot (virDomainReboot)."""
    flags = {
        "any": libvirt.VIR_DOMAIN_REBOOT_DEFAULT,
        "acpi": libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
        "agent": libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
    }
    conn.lookupByUUIDString(uuid).reboot(flags[means])


def stop(conn: Connection, uuid: str) -> None:
    """Cut the power (virDomainDestroy).

    libvirt gives the process SIGTERM and, 10 s later, SIGKILL, so this may take that long with a
    hung one. Raises HypervisorError (STUCK), after 40 s, for a process that survives even that.
    """
    domain = conn.lookupByUUIDString(uuid)
    try:
        domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_DEFAULT)
    except libvirt.libvirtError as error:
        if _already_off(conn, uuid, error):
            return
        if error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() == EBUSY:
            raise HypervisorError(
                STUCK,
                "Mend the storage it waits for; the power cut takes effect then.",
                error.get_error_code(),
            ) from error
        raise


def _already_off(conn: Connection, uuid: str, error: Any) -> bool:
    """Tell whether a power cut failed because there was nothing left to cut."""
    if gone(error):
        return True
    if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
        return False
    found = instance_state(conn, uuid)
    return found is None or not found.state.active


def reset(conn: Connection, uuid: str) -> None:
    """Press the reset button (virDomainReset)."""
    conn.lookupByUUIDString(uuid).reset(0)


def suspend(conn: Connection, uuid: str) -> None:
    """Stop the vCPUs (virDomainSuspend)."""
    conn.lookupByUUIDString(uuid).suspend()


def resume(conn: Connection, uuid: str) -> None:
    """Let the vCPUs run (virDomainResume)."""
    conn.lookupByUUIDString(uuid).resume()


def wake_up(conn: Connection, uuid: str) -> None:
    """Wake a guest that sleeps (virDomainPMWakeup)."""
    conn.lookupByUUIDString(uuid).pMWakeup(0)


def _create(conn: Connection, subject: ObjectKey, call: CreateCall) -> None:
    xml = conn.lookupByUUIDString(subject.id).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    # what was done before, as by a hard reboot or a resize, is not undone by that
    refuse_silent(conn, xml, "so it was not started")
    start(conn, subject.id, paused=call.paused, forget_saved=call.forget_saved)


CALL_FUNCTIONS: CallFunctions = {
    CreateCall: _create,
    ShutdownCall: lambda conn, subject, call: shutdown(conn, subject.id, call.means),
    DestroyCall: lambda conn, subject, _: stop(conn, subject.id),
    RebootCall: lambda conn, subject, call: reboot(conn, subject.id, call.means),
    ResetCall: lambda conn, subject, _: reset(conn, subject.id),
    SuspendCall: lambda conn, subject, _: suspend(conn, subject.id),
    ResumeCall: lambda conn, subject, _: resume(conn, subject.id),
    WakeupCall: lambda conn, subject, _: wake_up(conn, subject.id),
}

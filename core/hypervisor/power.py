"""The calls behind the power verbs. Run on a lane thread; raise libvirtError.

Each returns when libvirt accepted the call; whether the guest obeyed is seen by the events that
follow and by `instance_state`. What is not an error: a power cut of an instance that is already
off, or that vanished (a transient one) while it was being cut.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from errno import EBUSY
from functools import partial
from typing import Any, NamedTuple

from core.errors import HypervisorError
from core.hypervisor.binding import Connection, libvirt
from core.hypervisor.tolerance import gone, unless_gone
from core.model.instance import InstanceState
from core.model.state_code import decode_state


class Means(StrEnum):
    """How a guest is asked to power off or reboot."""

    ANY = "any"
    """The hypervisor's choice: for QEMU the agent if it is connected, else ACPI."""
    ACPI = "acpi"
    AGENT = "agent"
    """Raises code 86 (VIR_ERR_AGENT_UNRESPONSIVE) at once where no agent answers."""


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


def start(conn: Connection, uuid: str) -> None:
    """Start an instance (virDomainCreate); a managed save image is restored."""
    conn.lookupByUUIDString(uuid).createWithFlags(0)


def shutdown(conn: Connection, uuid: str, means: Means = Means.ANY) -> None:
    """Ask the guest to power off (virDomainShutdownFlags). It may take its time, or ignore it."""
    flags = {
        Means.ANY: libvirt.VIR_DOMAIN_SHUTDOWN_DEFAULT,
        Means.ACPI: libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
        Means.AGENT: libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
    }
    conn.lookupByUUIDString(uuid).shutdownFlags(flags[means])


def reboot(conn: Connection, uuid: str, means: Means = Means.ANY) -> None:
    """Ask the guest to reboot (virDomainReboot)."""
    flags = {
        Means.ANY: libvirt.VIR_DOMAIN_REBOOT_DEFAULT,
        Means.ACPI: libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
        Means.AGENT: libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
    }
    conn.lookupByUUIDString(uuid).reboot(flags[means])


def stop(conn: Connection, uuid: str) -> None:
    """Cut the power (virDomainDestroy).

    libvirt gives the process SIGTERM and, 10 s later, SIGKILL, so this may take that long with a
    hung one. Raises HypervisorError for a process that survives even that.
    """
    domain = conn.lookupByUUIDString(uuid)
    try:
        domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_DEFAULT)
    except libvirt.libvirtError as error:
        if _already_off(conn, uuid, error):
            return
        if error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() == EBUSY:
            raise HypervisorError(
                "The hypervisor process survives SIGKILL: it is stuck in the kernel, in I/O.",
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
    """Let the vCPUs run (virDomainResume), or wake a guest that sleeps (virDomainPMWakeup)."""
    domain = conn.lookupByUUIDString(uuid)
    state, _reason = decode_state(*domain.state()[:2])
    if state is InstanceState.SUSPENDED:
        domain.pMWakeup(0)
    else:
        domain.resume()


def wake_up(conn: Connection, uuid: str) -> None:
    """Wake a guest that sleeps (virDomainPMWakeup)."""
    conn.lookupByUUIDString(uuid).pMWakeup(0)


CALLS: dict[str, Callable[[Connection, str], None]] = {
    "create": start,
    "shutdown": shutdown,
    "shutdown-acpi": partial(shutdown, means=Means.ACPI),
    "shutdown-agent": partial(shutdown, means=Means.AGENT),
    "destroy": stop,
    "reboot": reboot,
    "reboot-acpi": partial(reboot, means=Means.ACPI),
    "reboot-agent": partial(reboot, means=Means.AGENT),
    "reset": reset,
    "suspend": suspend,
    "resume": resume,
    "wakeup": wake_up,
}
"""By the names operations use (`core.operations.port.PowerCall`)."""


def power(conn: Connection, call: str, uuid: str) -> None:
    """Make one of `CALLS` on an instance; raises libvirtError."""
    CALLS[call](conn, uuid)

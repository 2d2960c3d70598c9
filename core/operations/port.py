"""What operations need of the hypervisors: the narrow seam between deciding and doing."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from core.model import Instance


class PowerCall(StrEnum):
    """The libvirt calls behind the power verbs, by the name libvirt gives them."""

    CREATE = "create"
    """virDomainCreate: start; restores a managed save image where there is one."""
    SHUTDOWN = "shutdown"
    """virDomainShutdown: ask the guest to power off, by what the driver likes best."""
    SHUTDOWN_ACPI = "shutdown-acpi"
    """The same by the power button (VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN): returns at once."""
    SHUTDOWN_AGENT = "shutdown-agent"
    """The same through the guest agent: QEMU's driver returns when the guest is off, or after 60 s,
    and keeps one of the daemon's workers busy meanwhile."""
    DESTROY = "destroy"
    """virDomainDestroy: cut the power. Must never wait behind a call that does not return."""
    REBOOT = "reboot"
    """virDomainReboot: ask the guest to reboot, by what the driver likes best."""
    REBOOT_ACPI = "reboot-acpi"
    """The same by the power button: returns at once."""
    REBOOT_AGENT = "reboot-agent"
    """The same through the guest agent: returns when the guest has rebooted, or after 60 s."""
    RESET = "reset"
    """virDomainReset: press the reset button."""
    SUSPEND = "suspend"
    """virDomainSuspend: stop the vCPUs."""
    RESUME = "resume"
    """virDomainResume: let the vCPUs run."""
    WAKEUP = "wakeup"
    """virDomainPMWakeup: wake a guest that sleeps."""


POLITE = frozenset({PowerCall.SHUTDOWN, PowerCall.SHUTDOWN_ACPI, PowerCall.SHUTDOWN_AGENT})
"""The calls that may be sent again: all they do is ask."""

REQUESTS = POLITE | {PowerCall.REBOOT, PowerCall.REBOOT_ACPI, PowerCall.REBOOT_AGENT}
"""The calls that the guest itself decides on. Every other takes effect whatever the guest does, and
is never made without its entry in the journal."""


class Hosts(Protocol):
    """The hosts an operation acts on. Called on the core's asyncio loop only."""

    async def power(self, host: str, uuid: str, action: PowerCall, deadline: float) -> None:
        """Make one call on an instance; returns when libvirt said yes, at most after `deadline` s.

        Raises HypervisorError (libvirt refused or failed it), NotFoundError (no such instance or
        host), NotSentError (the host was not reached), UnreachableError (the link broke: it may
        have been carried out) or DeadlineError (no answer in time: it may yet be carried out).
        """
        ...

    async def read(self, host: str, uuid: str) -> Instance | None:
        """Read an instance now, past every cache, and tell the state; None when it is gone.

        Raises UnreachableError or DeadlineError when the host does not answer.
        """
        ...

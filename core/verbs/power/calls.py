"""The calls of the power verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from core.verbs.call import Call

Means = Literal["any", "acpi", "agent"]
"""How a guest is asked. any: by what the driver likes best. acpi: by the power button, which
returns at once. agent: through the guest agent; QEMU's driver returns when the guest has obeyed, or
after 60 s, and keeps one of the daemon's workers busy meanwhile."""


STUCK = "The hypervisor process survives SIGKILL: it is stuck in the kernel, in I/O."
"""The error of a power cut where libvirt reports EBUSY."""


class CreateCall(Call, frozen=True):
    """virDomainCreate: start; restores a managed save image where there is one."""

    paused: bool = False
    """VIR_DOMAIN_START_PAUSED: its vCPUs do not run yet."""
    forget_saved: bool = False
    """VIR_DOMAIN_START_FORCE_BOOT: a managed save image is thrown away."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh start`."""
        paused = ("--paused",) if self.paused else ()
        return ("start", name, *paused, *(("--force-boot",) if self.forget_saved else ()))


class ShutdownCall(Call, frozen=True):
    """virDomainShutdownFlags: ask the guest to power off."""

    asks: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    means: Means = "any"

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh shutdown`."""
        return ("shutdown", name, *_mode(self.means))


class DestroyCall(Call, frozen=True):
    """virDomainDestroy: cut the power."""

    command: ClassVar[str] = "destroy"
    urgent: ClassVar[bool] = True


class RebootCall(Call, frozen=True):
    """virDomainReboot: ask the guest to reboot."""

    asks: ClassVar[bool] = True
    means: Means = "any"

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh reboot`."""
        return ("reboot", name, *_mode(self.means))


class ResetCall(Call, frozen=True):
    """virDomainReset: press the reset button."""

    command: ClassVar[str] = "reset"


class SuspendCall(Call, frozen=True):
    """virDomainSuspend: stop the vCPUs."""

    command: ClassVar[str] = "suspend"


class ResumeCall(Call, frozen=True):
    """virDomainResume: let the vCPUs run."""

    command: ClassVar[str] = "resume"


class WakeupCall(Call, frozen=True):
    """virDomainPMWakeup: wake a guest that sleeps."""

    command: ClassVar[str] = "dompmwakeup"


def _mode(means: Means) -> tuple[str, ...]:
    return () if means == "any" else ("--mode", means)


WITHOUT_ARGUMENTS: Mapping[str, Call] = {
    "create": CreateCall(),
    "shutdown": ShutdownCall(),
    "shutdown-acpi": ShutdownCall("acpi"),
    "shutdown-agent": ShutdownCall("agent"),
    "destroy": DestroyCall(),
    "reboot": RebootCall(),
    "reboot-acpi": RebootCall("acpi"),
    "reboot-agent": RebootCall("agent"),
    "reset": ResetCall(),
    "suspend": SuspendCall(),
    "resume": ResumeCall(),
    "wakeup": WakeupCall(),
}
"""How older journals name the calls: by a word alone."""

"""What is asked for where an instance is turned on or off, restarted, paused or resumed."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model.request import Request
from core.verbs.parameter import parameter
from core.verbs.second_copy_parameter import SecondCopy

Timeout = Annotated[
    float, parameter("How long the guest may take.", least=1, most=86_400, unit="s")
]


class Start(Request, frozen=True):
    """Start a shut-off instance (virDomainCreate)."""

    verb: ClassVar[str] = "start"
    paused: Annotated[bool, parameter("Do not let its processors run yet.")] = False
    forget_saved: Annotated[
        bool, parameter("Boot it although its memory was saved: what is saved is lost.")
    ] = False
    second_copy: SecondCopy = ""


class Shutdown(Request, frozen=True):
    """Ask the guest to power off (virDomainShutdown), again and again, for `timeout` seconds."""

    verb: ClassVar[str] = "shutdown"
    timeout: Timeout = 60.0
    then_stop: Annotated[
        bool, parameter("Cut the power of those that have not obeyed by then.")
    ] = True
    """As Nova does, unless the operator waits on (nova-map 1.1)."""


class Stop(Request, frozen=True):
    """Cut the power (virDomainDestroy)."""

    verb: ClassVar[str] = "stop"


class Reboot(Request, frozen=True):
    """Ask the guest to reboot (virDomainReboot)."""

    verb: ClassVar[str] = "reboot"
    timeout: Timeout = 120.0
    then_hard: Annotated[
        bool, parameter("Cut the power of those that do not obey, and start them.")
    ] = False


class HardReboot(Request, frozen=True):
    """Cut the power (virDomainDestroy) and start it (virDomainCreate), as it is defined then."""

    verb: ClassVar[str] = "hard-reboot"
    second_copy: SecondCopy = ""


class Reset(Request, frozen=True):
    """Press the reset button (virDomainReset)."""

    verb: ClassVar[str] = "reset"
    second_copy: SecondCopy = ""


class Pause(Request, frozen=True):
    """Stop the vCPUs (virDomainSuspend)."""

    verb: ClassVar[str] = "pause"


class Resume(Request, frozen=True):
    """Let the vCPUs run again (virDomainResume), or wake a sleeping guest (virDomainPMWakeup)."""

    verb: ClassVar[str] = "resume"
    second_copy: SecondCopy = ""

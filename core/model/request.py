"""Requests: what an operator can ask for. `Fleet.submit` turns one into an operation."""

from __future__ import annotations

from typing import ClassVar

from core.model.base import ObjectKey, Value, kebab


class Request(Value, frozen=True, tag_field="verb", tag=kebab):
    """Something to do to one object. Frozen, journalled as JSON, holds no secrets."""

    verb: ClassVar[str] = ""
    """The operator's word for it, as on the command line."""

    subject: ObjectKey


class Start(Request, frozen=True):
    """Start a shut-off instance (virDomainCreate)."""

    verb: ClassVar[str] = "start"


class Shutdown(Request, frozen=True):
    """Ask the guest to power off (virDomainShutdown), again every 10 s, for `timeout` seconds."""

    verb: ClassVar[str] = "shutdown"
    timeout: float = 60.0
    then_stop: bool = False
    """Cut the power when the guest did not obey in time."""


class Stop(Request, frozen=True):
    """Cut the power (virDomainDestroy)."""

    verb: ClassVar[str] = "stop"


class Reboot(Request, frozen=True):
    """Ask the guest to reboot (virDomainReboot)."""

    verb: ClassVar[str] = "reboot"
    timeout: float = 120.0


class Reset(Request, frozen=True):
    """Press the reset button (virDomainReset)."""

    verb: ClassVar[str] = "reset"


class Pause(Request, frozen=True):
    """Stop the vCPUs (virDomainSuspend)."""

    verb: ClassVar[str] = "pause"


class Resume(Request, frozen=True):
    """Let the vCPUs run again (virDomainResume), or wake a sleeping guest (virDomainPMWakeup)."""

    verb: ClassVar[str] = "resume"


AnyRequest = Start | Shutdown | Stop | Reboot | Reset | Pause | Resume
VERBS: dict[str, type[Request]] = {
    kind.verb: kind for kind in (Start, Shutdown, Stop, Reboot, Reset, Pause, Resume)
}

"""The verbs that turn instances on and off, restart them, and stop and let run their vCPUs."""

from __future__ import annotations

from functools import partial

from core.model import Instance, InstanceState, Request
from core.verbs.device.requests import InterfaceDetach, VolumeDetach
from core.verbs.dumping import CoreDump
from core.verbs.guest import SyncTimeCall
from core.verbs.power import cutting, immediate, reboot, refusals, risks
from core.verbs.power.calls import (
    WITHOUT_ARGUMENTS,
    CreateCall,
    DestroyCall,
    RebootCall,
    ResetCall,
    ResumeCall,
    ShutdownCall,
    SuspendCall,
    WakeupCall,
)
from core.verbs.power.requests import (
    HardReboot,
    Pause,
    Reboot,
    Reset,
    Resume,
    Shutdown,
    Start,
    Stop,
)
from core.verbs.power.shutdown import shutdown
from core.verbs.saved import Restore, Save
from core.verbs.situation import Situation
from core.verbs.verb import Verb


def _always(_: Instance) -> bool:
    return True


def _stands(instance: Instance) -> bool:
    return instance.state is not InstanceState.RUNNING


def _crashed(instance: Instance) -> bool:
    return instance.state is InstanceState.CRASHED


def _resumed(now: Situation) -> Request | None:
    ran = now.instance is not None and now.instance.state is InstanceState.RUNNING
    return Resume(now.request.subject) if ran else None


def _paused(now: Situation) -> Request | None:
    """Have one pause again that was paused; one that slept is woken, which nothing takes back."""
    stood = now.instance is not None and now.instance.state is InstanceState.PAUSED
    return Pause(now.request.subject) if stood else None


_WAITED_FOR = "It is waited for no longer: its guest was asked, and may still obey."

_DETACHING: frozenset[type[Request]] = frozenset({VolumeDetach, InterfaceDetach})
"""What goes on beside: a guest that does not let go of a device gives it up with its power, and one
that is paused once it is resumed."""
_HANGING: frozenset[type[Request]] = frozenset({Start, Shutdown, Reboot, Reset, Pause, Resume})
"""What a power cut helps against where it does not end."""

_power = partial(Verb, group="power", older_calls=WITHOUT_ARGUMENTS, beside=_DETACHING)

START = _power(
    Start, key="o", title="Start", doing="starting", help="Power on.",
    decide=immediate.start, calls=(CreateCall,), states=refusals.TO_START, lets_run=_always,
    refusals=refusals.against_leaving_devices_out, risk=risks.START,
)  # fmt: skip
SHUTDOWN = _power(
    Shutdown, key="f", title="Shut down", doing="shutting down", waits=True,
    help="Ask the guest to power off, and watch whether it does.",
    decide=shutdown, calls=(ShutdownCall, DestroyCall), states=refusals.TO_SHUT_DOWN,
    risk=risks.SHUTDOWN, cancelled=_WAITED_FOR,
)  # fmt: skip
STOP = _power(
    Stop, key="F", title="Force off", doing="stopping", during_jobs=True,
    help="Cut the power: the guest loses what it has not written.",
    decide=cutting.stop, calls=(DestroyCall,), states=refusals.TO_STOP, risk=risks.STOP,
    overrides=_HANGING | {HardReboot, Save, Restore, CoreDump},
)  # fmt: skip
REBOOT = _power(
    Reboot, key="b", title="Reboot", doing="rebooting", waits=True,
    help="Ask the guest to reboot.",
    decide=reboot.reboot, calls=(RebootCall, DestroyCall, CreateCall),
    states=refusals.TO_ASK_THE_GUEST, refusals=refusals.against_power_cycle, risk=risks.REBOOT,
    cancelled=_WAITED_FOR,
)  # fmt: skip
HARD_REBOOT = _power(
    HardReboot, key="H", title="Hard reboot", doing="rebooting hard", lets_run=_stands,
    help="Cut the power and start it as it is defined now: the guest loses what it has not "
    "written.",
    decide=reboot.hard_reboot, steps=reboot.hard_steps, calls=(DestroyCall, CreateCall),
    states=refusals.TO_HARD_REBOOT, refusals=refusals.against_power_cycle, risk=risks.HARD_REBOOT,
    overrides=_HANGING,
)  # fmt: skip
RESET = _power(
    Reset, key="B", title="Reset", doing="resetting", lets_run=_crashed,
    help="Press the reset button: the guest loses what it has not written.",
    decide=reboot.reset, calls=(ResetCall,), states=refusals.TO_RESET, risk=risks.RESET,
)  # fmt: skip
PAUSE = _power(
    Pause, key="p", title="Pause", doing="pausing", help="Stop its processors; memory stays.",
    decide=immediate.pause, calls=(SuspendCall,), states=refusals.TO_PAUSE, risk=risks.PAUSE,
    undo=_resumed,
)  # fmt: skip
RESUME = _power(
    Resume, key="u", title="Resume", doing="resuming",
    help="Let a paused instance run on.",
    decide=immediate.resume, calls=(ResumeCall, WakeupCall, SyncTimeCall),
    states=refusals.TO_RESUME, refusals=refusals.held_by_libvirt, lets_run=_always,
    undo=_paused,
)  # fmt: skip

VERBS = (START, SHUTDOWN, STOP, REBOOT, HARD_REBOOT, RESET, PAUSE, RESUME)

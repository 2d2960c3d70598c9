"""The verbs that turn instances on and off, restart them, and stop and let run their vCPUs."""

from __future__ import annotations

from core.model import Instance, InstanceState
from core.verbs.power import guest, immediate, refusals, risks
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
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.verb import Verb


def _always(_: Instance) -> bool:
    return True


def _crashed(instance: Instance) -> bool:
    return instance.state is InstanceState.CRASHED


START = Verb(
    Start,
    title="Start",
    help="Power on.",
    doing="starting",
    group="power",
    key="o",
    decide=immediate.start,
    calls=(CreateCall,),
    older_calls=WITHOUT_ARGUMENTS,
    states=refusals.TO_START,
    lets_run=_always,
)
SHUTDOWN = Verb(
    Shutdown,
    title="Shut down",
    help="Ask the guest to power off, and watch whether it does.",
    doing="shutting down",
    group="power",
    key="f",
    decide=guest.shutdown,
    calls=(ShutdownCall, DestroyCall),
    older_calls=WITHOUT_ARGUMENTS,
    waits=True,
    states=refusals.TO_ASK_THE_GUEST,
    risk=risks.SHUTDOWN,
)
STOP = Verb(
    Stop,
    title="Force off",
    help="Cut the power: the guest loses what it has not written.",
    doing="stopping",
    group="power",
    key="F",
    decide=immediate.stop,
    calls=(DestroyCall,),
    older_calls=WITHOUT_ARGUMENTS,
    overrides=frozenset({Start, Shutdown, Reboot, Reset, Pause, Resume}),
    states=refusals.TO_STOP,
    during_jobs=True,
    risk=risks.STOP,
)
REBOOT = Verb(
    Reboot,
    title="Reboot",
    help="Ask the guest to reboot.",
    doing="rebooting",
    group="power",
    key="b",
    decide=guest.reboot,
    calls=(RebootCall,),
    older_calls=WITHOUT_ARGUMENTS,
    waits=True,
    states=refusals.TO_ASK_THE_GUEST,
    risk=risks.REBOOT,
)
RESET = Verb(
    Reset,
    title="Reset",
    help="Press the reset button: the guest loses what it has not written.",
    doing="resetting",
    group="power",
    key="B",
    decide=guest.reset,
    calls=(ResetCall,),
    older_calls=WITHOUT_ARGUMENTS,
    states=refusals.TO_RESET,
    lets_run=_crashed,
    risk=risks.RESET,
)
PAUSE = Verb(
    Pause,
    title="Pause",
    help="Stop its processors; memory stays.",
    doing="pausing",
    group="power",
    key="p",
    decide=immediate.pause,
    calls=(SuspendCall,),
    older_calls=WITHOUT_ARGUMENTS,
    states=refusals.TO_PAUSE,
    risk=risks.PAUSE,
)
RESUME = Verb(
    Resume,
    title="Resume",
    help="Let a paused instance run on.",
    doing="resuming",
    group="power",
    key="u",
    decide=immediate.resume,
    calls=(ResumeCall, WakeupCall),
    older_calls=WITHOUT_ARGUMENTS,
    states=refusals.TO_RESUME,
    refusals=refusals.held_by_libvirt,
    lets_run=_always,
)

VERBS = (START, SHUTDOWN, STOP, REBOOT, RESET, PAUSE, RESUME)

"""The verbs that libvirt carries out at once: start, pause, resume. Pure decisions."""

from __future__ import annotations

from shlex import quote

from core.model import AgentState, Instance, InstanceState
from core.model.driver import driver_of_type
from core.model.event import InstanceLifecycle, IoError
from core.model.text import clean
from core.verbs.guest import SyncTimeCall
from core.verbs.power.calls import CreateCall, ResumeCall, SuspendCall, WakeupCall
from core.verbs.power.requests import Start
from core.verbs.situation import (
    VERIFY,
    Action,
    End,
    Send,
    Situation,
    Wait,
    done,
    failed,
    stands,
    unknown,
)
from core.verbs.states import STARTING_UP, held_for

GRACE = 0.5
"""Seconds a resumed instance is watched: on a full disk QEMU pauses it again within 10 ms."""

CLOCK_DEADLINE = 10.0
"""Seconds for the agent to set the clock: libvirt gives one that does not answer 5 s. For one that
stops in mid-call nobody waits longer: the guest runs."""

IO_ERROR = "I/O error"
"""VIR_DOMAIN_PAUSED_IOERROR, as `Instance.reason` has it."""


def judge(situation: Situation, reached: End | None, missed: str) -> Action:
    """Decide after the call: `reached` if the state shows its goal, else wait, then `missed`."""
    if reached is not None:
        return reached
    last = situation.last
    if last.error:
        return refusal(situation)
    since = max(last.ended or last.at, situation.progress.first_adopted or 0.0)
    if situation.now < since + VERIFY:
        return Wait(since + VERIFY)
    if last.ended is None or situation.blind:
        return unanswered(situation)
    return failed(missed, f"See the events of {situation.name} for the cause.")


def refusal(situation: Situation) -> End:
    """Turn the error of the newest call into the end of the operation."""
    last, verb = situation.last, situation.request.verb
    if last.certain:
        hint = _connecting(situation) or last.hint or _instead(situation)
        why = last.error.rstrip(".")
        return failed(f"{why}{stands(situation)}", hint)
    return unknown(
        f"whether {verb} of {situation.name} took effect is not known: {last.error}",
        last.hint or _LATER.format(host=situation.request.subject.host),
    )


def _instead(situation: Situation) -> str:
    """What does the same, or nearly, where the driver lacks the verb."""
    instance, verb = situation.instance, situation.request.verb
    if isinstance(situation.last.call, WakeupCall):
        return f"`stop` cuts the power of {situation.name}, and `start` boots it."
    if instance is None or verb != "reset" or driver_of_type(instance.type).can(verb):
        return ""
    return f"`stop` and `start` do the same to {situation.name}."


def _connecting(situation: Situation) -> str:
    """Say how a volume is connected again that its host does not have since its boot."""
    host, name = situation.request.subject.host, situation.name
    starts = isinstance(situation.last.call, CreateCall)
    for target, one in situation.around.connections.items() if starts else ():
        if one.path and one.path in situation.last.error:
            words = f"virtdeck volume connect {quote(host)} --instance {quote(name)}"
            return f"Have its host connect it again: `{clean(words)} --disk {quote(target)}`."
    return ""


def unanswered(situation: Situation) -> End:
    """Admit that nobody saw what became of the call."""
    state = "gone" if situation.instance is None else situation.instance.state.value
    return unknown(
        f"{situation.request.verb} of {situation.name} was sent and its outcome was not seen; "
        f"it was last seen {state}",
        _LATER.format(host=situation.request.subject.host),
    )


_LATER = "See on {host} what became of it before you do it again."


def start(situation: Situation) -> Action:
    """Create it; done when it has a hypervisor process and was not paused by an error."""
    name, request = situation.name, situation.request
    assert isinstance(request, Start)
    if not situation.sent:
        return Send(CreateCall(request.paused, request.forget_saved), f"starting {name}")
    return started(situation)


def started(situation: Situation) -> Action:
    """Decide once the start was sent: done when it runs, or is paused as it should be."""
    name, instance = situation.name, situation.instance
    if instance is None or instance.state is InstanceState.SHUTOFF:
        if situation.last.accepted and (ended := _change(situation, "stopped")):
            return failed(
                f"{name} started and stopped again at once ({ended.detail or 'no reason given'})",
                "Its hypervisor log on the host says why.",
            )
        return judge(situation, None, f"{name} was started and is still shut off")
    if held_for(STARTING_UP, instance):
        return Wait(situation.now + VERIFY, f"waiting while {name} is starting up")
    return judge(situation, _started(situation, instance), f"{name} did not come up")


def _started(situation: Situation, instance: Instance) -> End | None:
    name = situation.name
    if not instance.state.active or instance.id is None:
        return None
    if instance.state is InstanceState.CRASHED:
        return failed(f"{name} started and crashed at once", f"See the console of {name}.")
    if instance.state is not InstanceState.PAUSED:
        return done(by_whom(situation, f"{name} is running"))
    if trouble := io_trouble(situation):
        return trouble
    if getattr(situation.request, "paused", False):
        return done(f"{name} is started, and paused as was asked")
    return done(f"{name} is started and paused ({instance.reason or 'no reason given'})")


def pause(situation: Situation) -> Action:
    """Stop the vCPUs; done when it is paused."""
    name, instance = situation.name, situation.instance
    if not situation.sent:
        return Send(SuspendCall(), f"pausing {name}")
    paused = instance is not None and instance.state is InstanceState.PAUSED
    reached = done(by_whom(situation, f"{name} is paused")) if paused else None
    return judge(situation, reached, f"{name} was paused and runs on")


def resume(situation: Situation) -> Action:
    """Let it run; done when it still runs after a moment of grace, and its clock was set."""
    name, instance = situation.name, situation.instance
    if not situation.sent:
        asleep = instance is not None and instance.state is InstanceState.SUSPENDED
        call = WakeupCall() if asleep else ResumeCall()
        return Send(call, f"waking {name}" if asleep else f"resuming {name}")
    let_go = situation.sent[0]
    if let_go.accepted:
        if trouble := io_trouble(situation):
            return trouble
        grace = (let_go.ended or let_go.at) + GRACE
        if situation.now < grace:
            return Wait(grace)
    runs = instance is not None and instance.state is InstanceState.RUNNING
    if isinstance(situation.last.call, SyncTimeCall):
        return _with_its_clock(situation, runs=runs)
    if runs and _clock_can_be_set(situation):
        return Send(SyncTimeCall(), "setting its clock, through its agent", CLOCK_DEADLINE)
    reached = done(by_whom(situation, f"{name} is running")) if runs else None
    return judge(situation, reached, f"{name} was resumed and does not run")


def _clock_can_be_set(situation: Situation) -> bool:
    """Whether the guest's clock stood still, as its vCPUs did, and its agent may set it."""
    instance, last = situation.instance, situation.last
    answers = instance is not None and instance.agent is AgentState.CONNECTED
    ours = isinstance(last.call, ResumeCall) and not (last.error and last.certain)
    return answers and ours and situation.link_up


def _with_its_clock(situation: Situation, *, runs: bool) -> End:
    """End a resume of which the clock was to be set, which never fails it (as Nova's does not)."""
    name, setting = situation.name, situation.last
    if not runs:
        return failed(f"{name} was resumed and does not run{stands(situation)}")
    if setting.accepted:
        return done(f"{name} is running, and its clock is set")
    why = setting.error.rstrip(".") or "its agent's answer was not heard"
    return done(f"{name} is running; its clock was not set: {why}", "`set-time` sets its clock.")


def io_trouble(situation: Situation) -> End | None:
    """Return the failure of an instance that an I/O error paused since the call, with the cause."""
    if _change(situation, "suspended", "ioerror") is None and not _found_paused(situation):
        return None
    errors = [event for event in situation.events if isinstance(event, IoError)]
    cause = _cause(errors[-1]) if errors else "one of its disks cannot be read or written"
    return failed(
        f"{situation.name} was paused again at once by an I/O error: {cause}",
        "Make room for the disk or mend it, then resume.",
    )


def _found_paused(situation: Situation) -> bool:
    # Without its event, the state is believed only once it had the time to be read again.
    instance, last = situation.instance, situation.last
    paused = instance is not None and instance.state is InstanceState.PAUSED
    late = situation.now >= (last.ended or last.at) + GRACE
    return paused and late and instance is not None and instance.reason == IO_ERROR


def _cause(error: IoError) -> str:
    full = "there is no space left" if error.reason == "enospc" else error.reason or "it failed"
    return f"{full} for {error.path or error.alias}"


def _change(situation: Situation, change: str, detail: str = "") -> InstanceLifecycle | None:
    for event in reversed(situation.fresh):
        if not isinstance(event, InstanceLifecycle) or event.change != change:
            continue
        if not detail or event.detail == detail:
            return event
    return None


def by_whom(situation: Situation, sentence: str) -> str:
    """Say of what is reached that this operation has not done it, where its call was refused."""
    refused = situation.last.error and situation.last.certain
    return f"{sentence}, though not by this operation" if refused else sentence

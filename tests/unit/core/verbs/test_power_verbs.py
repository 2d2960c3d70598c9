"""What each verb does next: pure decisions, by table and by property."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import (
    AgentState,
    Event,
    Instance,
    InstanceState,
    ObjectKey,
    OperationStatus,
    Request,
)
from core.model.event import InstanceLifecycle, IoError, Rebooted
from core.verbs.call import Call
from core.verbs.power.calls import (
    CreateCall,
    DestroyCall,
    RebootCall,
    ResetCall,
    ResumeCall,
    ShutdownCall,
    SuspendCall,
    WakeupCall,
)
from core.verbs.power.guest import RESEND, fresh_reboots
from core.verbs.power.immediate import GRACE
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.registry import verb_of
from core.verbs.situation import VERIFY, Action, End, Progress, Send, Sent, Situation, Wait
from tests.verbs import POWER_CALLS, POWER_VERBS

WEB = ObjectKey("instance", "alpha", "u")
S = InstanceState
T = 1000.0


def web(where: S = S.RUNNING, **more: Any) -> Instance:
    number = 7 if where.active else None
    return Instance("alpha", "u", "web", where, **{"id": number, "type": "qemu", **more})


def sent(call: Call, at: float = T, **more: Any) -> Sent:
    return Sent(call, at, **{"ended": at + 0.1, **more})


def step(
    request: Request,
    *calls: Sent,
    now: float = T + 0.2,
    instance: Instance | None = None,
    events: tuple[Event, ...] = (),
    gap: bool = False,
    adopted: float | None = None,
    before: int | None = 7,
    **more: Any,
) -> Action:
    progress = Progress(calls, before, gap, adopted)
    situation = Situation(request, "web", now, progress, instance, events, **more)
    return verb_of(request).decide(situation)


def ended(action: Action, status: OperationStatus) -> End:
    assert isinstance(action, End), action
    assert action.status is status, action
    return action


def life(change: str, detail: str, at: float = T + 0.05) -> InstanceLifecycle:
    return InstanceLifecycle("alpha", at, "u", "web", change, detail)


def boot(at: float) -> Rebooted:
    return Rebooted("alpha", at, "u", "web")


FIRST = {
    "start": (S.SHUTOFF, CreateCall()),
    "shutdown": (S.RUNNING, ShutdownCall("acpi")),
    "stop": (S.RUNNING, DestroyCall()),
    "reboot": (S.RUNNING, RebootCall("acpi")),
    "reset": (S.RUNNING, ResetCall()),
    "pause": (S.RUNNING, SuspendCall()),
    "resume": (S.PAUSED, ResumeCall()),
}


@pytest.mark.parametrize("verb", list(POWER_VERBS))
def test_the_first_thing_is_the_call(verb: str) -> None:
    where, call = FIRST[verb]
    action = step(POWER_VERBS[verb](WEB), instance=web(where))
    assert isinstance(action, Send)
    assert action.call == call


def test_a_sleeping_guest_is_woken() -> None:
    action = step(Resume(WEB), instance=web(S.SUSPENDED))
    assert isinstance(action, Send)
    assert action.call == WakeupCall()


REACHED = {
    Start: (CreateCall(), S.RUNNING),
    Stop: (DestroyCall(), S.SHUTOFF),
    Pause: (SuspendCall(), S.PAUSED),
}


@pytest.mark.parametrize("kind", list(REACHED))
def test_done_when_the_state_shows_it_and_not_before(kind: type[Request]) -> None:
    call, goal = REACHED[kind]
    request = kind(WEB)
    start = web(S.SHUTOFF if kind is Start else S.RUNNING)
    assert isinstance(step(request, sent(call), instance=start), Wait)
    ended(step(request, sent(call), instance=web(goal)), OperationStatus.DONE)
    late = step(request, sent(call), instance=start, now=T + 0.1 + VERIFY)
    ended(late, OperationStatus.FAILED)


@pytest.mark.parametrize("kind", list(REACHED))
def test_a_refused_call_fails_with_its_sentence_and_cure(kind: type[Request]) -> None:
    call, _ = REACHED[kind]
    start = web(S.SHUTOFF if kind is Start else S.RUNNING)
    end = ended(
        step(kind(WEB), sent(call, error="no such disk.", hint="Make it."), instance=start),
        OperationStatus.FAILED,
    )
    assert "no such disk" in end.outcome
    assert end.hint == "Make it."


@pytest.mark.parametrize("kind", list(REACHED))
def test_a_call_without_an_answer_is_unknown_until_the_state_shows_it(kind: type[Request]) -> None:
    call, goal = REACHED[kind]
    lost = sent(call, error="no answer in 40 s", certain=False)
    start = web(S.SHUTOFF if kind is Start else S.RUNNING)
    ended(step(kind(WEB), lost, instance=start), OperationStatus.UNKNOWN)
    ended(step(kind(WEB), lost, instance=web(goal)), OperationStatus.DONE)


def test_refused_because_somebody_else_was_faster_is_done_and_says_so() -> None:
    raced = sent(CreateCall(), error="domain is already running")
    end = ended(step(Start(WEB), raced, instance=web()), OperationStatus.DONE)
    assert "not by this operation" in end.outcome


def test_a_link_lost_while_verifying_is_unknown_not_failed() -> None:
    late = step(Pause(WEB), sent(SuspendCall()), instance=web(), now=T + 60, link_up=False)
    ended(late, OperationStatus.UNKNOWN)


def test_stop_of_a_transient_instance_that_is_gone() -> None:
    end = ended(step(Stop(WEB), sent(DestroyCall()), instance=None), OperationStatus.DONE)
    assert "transient" in end.outcome


def test_stopped_and_started_again_by_somebody() -> None:
    end = ended(step(Stop(WEB), sent(DestroyCall()), instance=web(id=8)), OperationStatus.DONE)
    assert "started it again" in end.outcome


def test_started_and_ended_at_once_is_a_failure() -> None:
    action = step(
        Start(WEB),
        sent(CreateCall()),
        instance=web(S.SHUTOFF),
        events=(life("started", "booted"), life("stopped", "failed", T + 0.09)),
        before=None,
    )
    assert "failed" in ended(action, OperationStatus.FAILED).outcome


def test_start_from_a_paused_save_image_is_done_and_says_paused() -> None:
    action = step(
        Start(WEB), sent(CreateCall()), instance=web(S.PAUSED, reason="restored"), before=None
    )
    assert "paused" in ended(action, OperationStatus.DONE).outcome


def test_start_paused_without_its_saved_memory_is_what_is_sent_and_what_is_told() -> None:
    request = Start(WEB, paused=True, forget_saved=True)
    first = step(request, instance=web(S.SHUTOFF))
    assert isinstance(first, Send)
    assert first.call == CreateCall(paused=True, forget_saved=True)
    assert first.call.virsh("web") == ("start", "web", "--paused", "--force-boot")
    action = step(request, sent(first.call), instance=web(S.PAUSED, reason="user"), before=None)
    outcome = ended(action, OperationStatus.DONE).outcome
    assert outcome == "web is started, and paused as was asked"


def test_resume_is_not_done_before_its_grace() -> None:
    request, call = Resume(WEB), sent(ResumeCall())
    waiting = step(request, call, instance=web(), now=T + 0.11)
    assert isinstance(waiting, Wait)
    ended(step(request, call, instance=web(), now=T + 0.1 + GRACE), OperationStatus.DONE)


def test_resume_on_a_full_disk_fails_with_the_cause() -> None:
    events = (
        IoError("alpha", T - 1, "u", "web", "/pool/web.qcow2", "virtio-disk0", "pause", "enospc"),
        life("resumed", "unpaused", T + 0.01),
        life("suspended", "ioerror", T + 0.02),
    )
    call = sent(ResumeCall())
    end = ended(
        step(Resume(WEB), call, instance=web(), events=events, now=T + 0.1),
        OperationStatus.FAILED,
    )
    assert "no space left for /pool/web.qcow2" in end.outcome
    assert "Make room" in end.hint


def test_resume_on_a_full_disk_is_seen_without_the_event_too() -> None:
    paused = web(S.PAUSED, reason="I/O error")
    call = sent(ResumeCall())
    assert isinstance(step(Resume(WEB), call, instance=paused, now=T + 0.2), Wait)
    ended(step(Resume(WEB), call, instance=paused, now=T + 0.7), OperationStatus.FAILED)


def test_an_earlier_io_error_does_not_fail_a_resume() -> None:
    call = sent(ResumeCall())
    action = step(
        Resume(WEB), call, instance=web(), events=(life("suspended", "ioerror", T - 5),), now=T + 1
    )
    ended(action, OperationStatus.DONE)


SHUTDOWN = sent(ShutdownCall("acpi"))


def test_shutdown_asks_again_every_ten_seconds_until_time_is_up() -> None:
    request, calls, now, resent = Shutdown(WEB, timeout=35.0), [SHUTDOWN], T + 0.2, []
    while not isinstance(action := step(request, *calls, now=now, instance=web()), End):
        if isinstance(action, Send):
            assert action.call == ShutdownCall("acpi")
            assert action.deadline <= T + 35.0 - now
            calls.append(sent(action.call, now))
            resent.append(now - T)
        else:
            assert action.until > now
            now = action.until
    assert resent == [RESEND, 2 * RESEND, 3 * RESEND]
    assert now == T + 35.0
    end = ended(action, OperationStatus.FAILED)
    assert "asked 4 times" in end.outcome
    assert "`stop`" in end.hint


@pytest.mark.parametrize(
    ("instance", "first", "then"),
    [
        (web(), ShutdownCall("acpi"), ShutdownCall("acpi")),
        (web(agent=AgentState.CONNECTED), ShutdownCall("acpi"), ShutdownCall("agent")),
        (web(type="lxc"), ShutdownCall(), ShutdownCall()),
    ],
)
def test_shutdown_presses_the_button_first_and_asks_the_agent_once(
    instance: Instance, first: Call, then: Call
) -> None:
    action = step(Shutdown(WEB), instance=instance)
    assert isinstance(action, Send)
    assert action.call == first
    action = step(Shutdown(WEB), sent(first), now=T + 10, instance=instance)
    assert isinstance(action, Send)
    assert action.call == then
    hung = sent(then, T + 10, error="no answer", certain=False)
    if then == ShutdownCall("agent"):
        action = step(Shutdown(WEB), sent(first), hung, now=T + 20, instance=instance)
        assert isinstance(action, Send)
        assert action.call == ShutdownCall("acpi")


def test_a_reboot_asks_the_agent_once_when_the_button_does_nothing() -> None:
    instance, first = web(agent=AgentState.CONNECTED), sent(RebootCall("acpi"))
    assert isinstance(step(Reboot(WEB), first, now=T + 10, instance=instance), Wait)
    action = step(Reboot(WEB), first, now=T + 20, instance=instance)
    assert isinstance(action, Send)
    assert action.call == RebootCall("agent")
    again = sent(RebootCall("agent"), T + 20, error="no answer", certain=False)
    assert isinstance(step(Reboot(WEB), first, again, now=T + 40, instance=instance), Wait)
    ended(step(Reboot(WEB), first, again, now=T + 120, instance=instance), OperationStatus.FAILED)
    unseen = step(Reboot(WEB), first, now=T + 20, instance=instance, gap=True, adopted=T + 19)
    assert isinstance(unseen, Wait)


def test_shutdown_does_not_ask_a_guest_that_already_obeys() -> None:
    action = step(Shutdown(WEB), SHUTDOWN, now=T + 30, instance=web(S.SHUTTING_DOWN))
    assert isinstance(action, Wait)
    assert action.until == T + 60


def test_shutdown_does_not_stack_calls_on_one_that_hangs() -> None:
    hung = sent(ShutdownCall(), error="no answer in 35 s", certain=False)
    assert isinstance(step(Shutdown(WEB), hung, now=T + 40, instance=web()), Wait)


def test_shutdown_is_done_when_it_is_off_whoever_did_it() -> None:
    ended(step(Shutdown(WEB), SHUTDOWN, instance=web(S.SHUTOFF)), OperationStatus.DONE)
    ended(step(Shutdown(WEB), SHUTDOWN, instance=None), OperationStatus.DONE)


def test_shutdown_that_libvirt_refuses_fails_at_once() -> None:
    refused = sent(ShutdownCall(), error="ACPI is off")
    end = ended(step(Shutdown(WEB), refused, instance=web()), OperationStatus.FAILED)
    assert "ACPI is off" in end.outcome


def test_then_stop_cuts_the_power_once_and_verifies_it() -> None:
    request = Shutdown(WEB, timeout=20.0, then_stop=True)
    cut = step(request, SHUTDOWN, now=T + 20, instance=web())
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()
    calls = (SHUTDOWN, sent(DestroyCall(), T + 20))
    assert isinstance(step(request, *calls, now=T + 21, instance=web()), Wait)
    ended(step(request, *calls, now=T + 21, instance=web(S.SHUTOFF)), OperationStatus.DONE)


def test_then_stop_cuts_the_power_of_a_guest_whose_hypervisor_hangs() -> None:
    hung = sent(ShutdownCall(), error="no answer", certain=False)
    action = step(Shutdown(WEB, 20.0, True), hung, now=T + 20, instance=web())
    assert isinstance(action, Send)
    assert action.call == DestroyCall()


def test_no_power_is_cut_when_time_ran_out_while_nobody_watched() -> None:
    action = step(
        Shutdown(WEB, 20.0, True),
        SHUTDOWN,
        now=T + 500,
        instance=web(),
        gap=True,
        adopted=T + 500,
    )
    assert "not cut" in ended(action, OperationStatus.FAILED).outcome


def test_an_adopted_shutdown_goes_on_with_the_time_that_remains() -> None:
    request = Shutdown(WEB, 60.0, True)
    action = step(request, SHUTDOWN, now=T + 5, instance=web(), gap=True, adopted=T + 5)
    assert isinstance(action, Wait)
    cut = step(request, SHUTDOWN, now=T + 60, instance=web(), gap=True, adopted=T + 5)
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()


def test_no_power_is_cut_while_the_link_is_down() -> None:
    action = step(Shutdown(WEB, 20.0, True), SHUTDOWN, now=T + 20, instance=web(), link_up=False)
    ended(action, OperationStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("request_", "call"),
    [(Shutdown(WEB), ShutdownCall()), (Reboot(WEB), RebootCall())],
)
def test_the_operator_may_stop_waiting_for_a_guest(request_: Request, call: Call) -> None:
    action = step(request_, sent(call), instance=web(), cancelled="cancelled by the operator")
    assert "may still obey" in ended(action, OperationStatus.CANCELLED).outcome


@pytest.mark.parametrize(
    ("request_", "call"), [(Reboot(WEB), RebootCall()), (Reset(WEB), ResetCall())]
)
def test_a_reboot_is_done_by_its_event(request_: Request, call: Call) -> None:
    assert isinstance(step(request_, sent(call), instance=web()), Wait)
    action = step(request_, sent(call), instance=web(), events=(boot(T + 0.15),))
    ended(action, OperationStatus.DONE)
    ended(step(request_, sent(call), instance=web(id=8)), OperationStatus.DONE)
    assert (
        "powered off"
        in ended(
            step(request_, sent(call), instance=web(S.SHUTOFF)), OperationStatus.FAILED
        ).outcome
    )


@pytest.mark.parametrize(
    ("request_", "call"), [(Reboot(WEB), RebootCall()), (Reset(WEB), ResetCall())]
)
def test_the_test_driver_confirms_nothing_and_we_say_so(request_: Request, call: Call) -> None:
    end = ended(step(request_, sent(call), instance=web(type="test")), OperationStatus.DONE)
    assert "confirms nothing" in end.outcome


def test_the_tail_of_an_earlier_reboot_is_not_this_one() -> None:
    events = (boot(T - 0.5), boot(T - 0.1), boot(T + 0.1))
    assert isinstance(step(Reboot(WEB), sent(RebootCall()), instance=web(), events=events), Wait)
    later = (*events, boot(T + 4.0), boot(T + 4.1))
    ended(
        step(Reboot(WEB), sent(RebootCall()), instance=web(), events=later, now=T + 4.2),
        OperationStatus.DONE,
    )


def test_a_guest_that_ignores_a_reboot() -> None:
    end = ended(
        step(Reboot(WEB, 30.0), sent(RebootCall()), instance=web(), now=T + 30),
        OperationStatus.FAILED,
    )
    assert "`reset`" in end.hint
    blind = step(Reboot(WEB, 30.0), sent(RebootCall()), instance=web(), now=T + 30, gap=True)
    ended(blind, OperationStatus.UNKNOWN)


@given(
    seconds=st.lists(st.integers(-4, 60), unique=True, max_size=20),
    burst=st.lists(st.integers(0, 9), min_size=1, max_size=4),
)
def test_each_reboot_counts_once_however_many_events_it_sends(
    seconds: list[int], burst: list[int]
) -> None:
    reboots = sorted(2 * second for second in seconds)
    events = tuple(boot(T + at + tenth / 10) for at in reboots for tenth in (0, *sorted(burst)))
    situation = Situation(Reboot(WEB), "web", T, Progress((sent(RebootCall()),)), web(), events)
    assert fresh_reboots(situation) == sum(1 for at in reboots if at >= 0)


calls = st.builds(
    lambda call, at, answer, error, certain: Sent(
        call, at, at + 0.1 if answer else None, error if answer else "", "", certain
    ),
    st.sampled_from(POWER_CALLS),
    st.floats(T, T + 100),
    st.booleans(),
    st.sampled_from(["", "refused"]),
    st.booleans(),
)


def possible(log: list[Sent]) -> bool:
    """A power cut is the last thing an operation sends."""
    return all(each.call != DestroyCall() for each in log[:-1])


@given(
    verb=st.sampled_from(list(POWER_VERBS)),
    log=st.lists(calls, min_size=1, max_size=5).filter(possible),
    where=st.sampled_from([*S, None]),
    now=st.floats(T, T + 1e5),
    gap=st.booleans(),
    adopted=st.one_of(st.none(), st.floats(T, T + 1e5)),
    agent=st.sampled_from(AgentState),
    link_up=st.booleans(),
    then_stop=st.booleans(),
)
def test_only_the_polite_request_is_ever_sent_twice(
    verb: str,
    log: list[Sent],
    where: S | None,
    now: float,
    gap: bool,
    adopted: float | None,
    agent: AgentState,
    link_up: bool,
    then_stop: bool,
) -> None:
    request: Request = (
        Shutdown(WEB, 60.0, then_stop) if verb == "shutdown" else POWER_VERBS[verb](WEB)
    )
    instance = None if where is None else web(where, agent=agent)
    gap = gap or adopted is not None
    action = step(
        request, *log, now=now, instance=instance, gap=gap, adopted=adopted, link_up=link_up
    )
    if isinstance(action, Send):
        assert link_up
        if not action.call.repeatable:
            assert action.call not in [each.call for each in log]
            assert action.call == RebootCall("agent") or then_stop
            assert action.call != RebootCall("agent") or not gap
    if isinstance(action, Wait):
        assert action.until > now

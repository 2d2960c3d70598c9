"""What each verb does next: pure decisions, by table and by property."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.model import (
    AgentState,
    OperationStatus,
    Request,
)
from core.model.event import IoError
from core.verbs.guest import SyncTimeCall
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
from core.verbs.power.immediate import GRACE
from core.verbs.power.reboot import fresh_reboots
from core.verbs.power.requests import Pause, Reboot, Resume, Shutdown, Start, Stop
from core.verbs.situation import VERIFY, Progress, Send, Sent, Situation, Wait
from tests.unit.power_builders import WEB, S, T, boot, ended, life, sent, step, web
from tests.verbs import POWER_CALLS, POWER_VERBS

FIRST = {
    "start": (S.SHUTOFF, CreateCall()),
    "shutdown": (S.RUNNING, ShutdownCall("acpi")),
    "stop": (S.RUNNING, DestroyCall()),
    "reboot": (S.RUNNING, RebootCall("acpi")),
    "hard-reboot": (S.RUNNING, DestroyCall()),
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
    end = ended(step(Stop(WEB), sent(DestroyCall()), instance=web(id=8)), OperationStatus.FAILED)
    assert "is running again: something has started it" in end.outcome


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


def test_a_resume_sets_the_clock_where_the_agent_answers() -> None:
    request, call = Resume(WEB), sent(ResumeCall())
    answers, late = web(agent=AgentState.CONNECTED), T + 0.1 + GRACE
    action = step(request, call, instance=answers, now=late)
    assert isinstance(action, Send)
    assert action.call == SyncTimeCall()
    clock = sent(SyncTimeCall(), late)
    end = ended(step(request, call, clock, instance=answers, now=late), OperationStatus.DONE)
    assert end.outcome == "web is running, and its clock is set"
    stopped = step(request, call, clock, instance=web(S.PAUSED, reason="user"), now=late)
    assert ended(stopped, OperationStatus.FAILED).outcome.endswith("web is paused")


@pytest.mark.parametrize("agent", [one for one in AgentState if one is not AgentState.CONNECTED])
def test_a_resume_asks_no_agent_that_is_not_there(agent: AgentState) -> None:
    call, late = sent(ResumeCall()), T + 0.1 + GRACE
    end = ended(step(Resume(WEB), call, instance=web(agent=agent), now=late), OperationStatus.DONE)
    assert end.outcome == "web is running"


def test_a_guest_that_slept_sets_its_clock_itself() -> None:
    call, answers = sent(WakeupCall()), web(agent=AgentState.CONNECTED)
    ended(step(Resume(WEB), call, instance=answers, now=T + 1), OperationStatus.DONE)


@pytest.mark.parametrize("certain", [True, False])
def test_a_clock_that_is_not_set_never_fails_a_resume(certain: bool) -> None:
    clock = sent(SyncTimeCall(), T + 1, error="It is not available.", certain=certain)
    action = step(Resume(WEB), sent(ResumeCall()), clock, instance=web(), now=T + 6)
    end = ended(action, OperationStatus.DONE)
    assert end.outcome == "web is running; its clock was not set: It is not available"
    assert "`set-time`" in end.hint


def test_an_earlier_io_error_does_not_fail_a_resume() -> None:
    call = sent(ResumeCall())
    action = step(
        Resume(WEB), call, instance=web(), events=(life("suspended", "ioerror", T - 5),), now=T + 1
    )
    ended(action, OperationStatus.DONE)


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
    """A power cut is the last thing an operation sends, but for the start after it."""
    return all(each.call not in (DestroyCall(), CreateCall()) for each in log[:-1])


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
    assume(verb != "hard-reboot" or log[-1].call in (DestroyCall(), CreateCall()))
    request: Request = POWER_VERBS[verb](WEB)
    if verb == "shutdown":
        request = Shutdown(WEB, 60.0, then_stop)
    if verb == "reboot":
        request = Reboot(WEB, 60.0, then_stop)
    instance = None if where is None else web(where, agent=agent)
    gap = gap or adopted is not None
    action = step(
        request, *log, now=now, instance=instance, gap=gap, adopted=adopted, link_up=link_up
    )
    if isinstance(action, Send):
        assert link_up
        if not action.call.repeatable:
            assert action.call not in [each.call for each in log]
            starts = action.call == CreateCall() and log[-1].call == DestroyCall()
            assert action.call == RebootCall("agent") or then_stop or starts
            assert action.call != RebootCall("agent") or not gap
    if isinstance(action, Wait):
        assert action.until > now

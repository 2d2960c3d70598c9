"""Shutting down: the guest is asked again, waited for, forced or left, as the operator says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import AgentState, Instance, OperationStatus, Request
from core.model.operation import Countdown
from core.verbs.call import Call
from core.verbs.power.asking import LATER, REQUESTS, asks_again
from core.verbs.power.calls import DestroyCall, RebootCall, ShutdownCall
from core.verbs.power.requests import Reboot, Shutdown
from core.verbs.situation import Answered, End, Send, Wait
from tests.unit.power_builders import WEB, S, T, boot, ended, sent, step, web

SHUTDOWN = sent(ShutdownCall("acpi"))
UNFORCED = Shutdown(WEB, then_stop=False)


def test_shutdown_asks_again_at_its_times_until_time_is_up() -> None:
    request, calls, now, resent = UNFORCED, [SHUTDOWN], T + 0.2, []
    while not isinstance(action := step(request, *calls, now=now, instance=web()), End):
        if isinstance(action, Send):
            assert action.call == ShutdownCall("acpi")
            assert action.deadline <= T + 60.0 - now
            calls.append(sent(action.call, now))
            resent.append(now - T)
        else:
            assert action.until > now
            now = action.until
    assert resent == [10.0, 21.0, 32.0, 43.0, 54.0]
    assert now == T + 60.0
    end = ended(action, OperationStatus.FAILED)
    assert "asked 6 times" in end.outcome
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
        action = step(Shutdown(WEB), sent(first), hung, now=T + 21, instance=instance)
        assert isinstance(action, Send)
        assert action.call == ShutdownCall("acpi")


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
    end = ended(step(UNFORCED, refused, instance=web()), OperationStatus.FAILED)
    assert "ACPI is off" in end.outcome


def test_a_refused_request_is_told_while_time_runs_out_and_then_the_power_is_cut() -> None:
    refused = sent(ShutdownCall("acpi"), error="ACPI is off")
    action = step(Shutdown(WEB), refused, now=T + 3, instance=web())
    assert isinstance(action, Wait)
    assert action.text == "libvirt refused to ask the guest: ACPI is off"
    cut = step(Shutdown(WEB), refused, now=T + 60, instance=web())
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()


def test_then_stop_cuts_the_power_once_and_verifies_it() -> None:
    request = Shutdown(WEB, timeout=20.0, then_stop=True)
    cut = step(request, SHUTDOWN, now=T + 20, instance=web())
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()
    calls = (SHUTDOWN, sent(DestroyCall(), T + 20))
    assert isinstance(step(request, *calls, now=T + 21, instance=web()), Wait)
    end = step(request, *calls, now=T + 21, instance=web(S.SHUTOFF))
    told = ended(end, OperationStatus.DONE).outcome
    assert told == "web is shut off; its power was cut, for its guest had not obeyed"


def test_a_power_cut_that_came_too_late_is_not_told_as_what_ended_it() -> None:
    calls = (SHUTDOWN, sent(DestroyCall(), T + 20, error="domain is not running"))
    end = step(Shutdown(WEB, 20.0), *calls, now=T + 21, instance=web(S.SHUTOFF))
    told = ended(end, OperationStatus.DONE).outcome
    assert told == "web is shut off, though not by this operation"


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


@given(st.floats(0, 10_000))
def test_a_guest_is_asked_at_set_times_and_then_once_a_minute(last: float) -> None:
    again = asks_again(0.0, last)
    assert again in REQUESTS or (again - REQUESTS[-1]) % LATER == 0
    assert last < again <= last + max(LATER, REQUESTS[0])


def test_the_wait_is_told_with_what_comes_when() -> None:
    action = step(UNFORCED, SHUTDOWN, now=T + 3, instance=web())
    assert isinstance(action, Wait)
    assert action.countdown == Countdown(T, T + 60, "it is given up", 1, T + 10)
    again = sent(ShutdownCall("acpi"), T + 10)
    action = step(Shutdown(WEB), SHUTDOWN, again, now=T + 12, instance=web())
    assert isinstance(action, Wait)
    assert action.countdown == Countdown(T, T + 60, "its power is cut", 2, T + 21)
    obeys = step(UNFORCED, SHUTDOWN, now=T + 3, instance=web(S.SHUTTING_DOWN))
    assert isinstance(obeys, Wait)
    assert obeys.countdown == Countdown(T, T + 60, "it is given up", 1, None)


def chosen(word: str, *earlier: Answered) -> tuple[Answered, ...]:
    """The answers so far, and one to what is offered then."""
    action = step(Shutdown(WEB), SHUTDOWN, now=T + 3, instance=web(), answers=earlier)
    assert isinstance(action, Wait)
    assert action.question is not None
    assert word in [choice.word for choice in action.question.choices]
    return (*earlier, Answered(action.question.key, word, "ann@desk"))


@pytest.mark.parametrize("then_stop", [False, True])
def test_nothing_forces_a_guest_that_the_operator_waits_for(then_stop: bool) -> None:
    request, answers = Shutdown(WEB, 60.0, then_stop), chosen("wait-on")
    for now in (T + 60, T + 3600):
        action = step(request, sent(ShutdownCall("acpi"), now - 1), SHUTDOWN,
                      now=now, instance=web(), answers=answers)  # fmt: skip
        assert isinstance(action, Wait | Send)
        call = action.call if isinstance(action, Send) else ShutdownCall("acpi")
        assert call == ShutdownCall("acpi")
    action = step(request, SHUTDOWN, now=T + 3, instance=web(), answers=answers)
    assert isinstance(action, Wait)
    assert action.countdown == Countdown(T, None, "", 1, T + 10)
    assert [one.word for one in action.question.choices] == ["force-now"]  # type: ignore[union-attr]
    off = step(request, SHUTDOWN, now=T + 500, instance=web(S.SHUTOFF), answers=answers)
    ended(off, OperationStatus.DONE)


@pytest.mark.parametrize("earlier", [False, True])
def test_the_operator_forces_it_at_once(earlier: bool) -> None:
    answers = chosen("force-now", *(chosen("wait-on") if earlier else ()))
    cut = step(Shutdown(WEB), SHUTDOWN, now=T + 4, instance=web(), answers=answers)
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()
    assert "ann@desk" in cut.text
    calls = (SHUTDOWN, sent(DestroyCall(), T + 4))
    assert isinstance(step(Shutdown(WEB), *calls, now=T + 5, instance=web(), answers=answers), Wait)


def test_what_forcing_takes_away_is_said_with_the_choice() -> None:
    action = step(Shutdown(WEB), SHUTDOWN, instance=web())
    assert isinstance(action, Wait)
    assert action.question is not None
    loss = {choice.word: choice.loss for choice in action.question.choices}
    assert not loss["wait-on"]
    assert "not written to disk is lost" in loss["force-now"]


def test_a_guest_that_restarts_instead_is_noticed_and_asked_once_more() -> None:
    first = boot(T + 3)
    action = step(Shutdown(WEB), SHUTDOWN, instance=web(), events=(first,), now=T + 4)
    assert isinstance(action, Wait)
    assert action.text == "the guest has restarted instead of powering off"
    again = step(Shutdown(WEB), SHUTDOWN, instance=web(), events=(first,), now=T + 10)
    assert isinstance(again, Send)
    late = step(Shutdown(WEB, 8.0, False), SHUTDOWN, instance=web(), events=(first,), now=T + 8)
    assert "has restarted instead" in ended(late, OperationStatus.FAILED).outcome


def test_a_guest_that_restarts_each_time_is_not_asked_for_ever() -> None:
    events = (boot(T + 3), boot(T + 13))
    calls = (SHUTDOWN, sent(ShutdownCall("acpi"), T + 10))
    end = ended(
        step(UNFORCED, *calls, instance=web(), events=events, now=T + 14),
        OperationStatus.FAILED,
    )
    assert "has restarted, 2 times" in end.outcome
    assert "on_poweroff" in end.hint
    forced = Shutdown(WEB)
    action = step(forced, *calls, instance=web(), events=events, now=T + 30)
    assert isinstance(action, Wait)
    cut = step(forced, *calls, instance=web(), events=events, now=T + 60)
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()


def test_one_that_was_started_again_is_not_called_off() -> None:
    end = ended(step(Shutdown(WEB), SHUTDOWN, instance=web(id=8)), OperationStatus.FAILED)
    assert "is running again" in end.outcome


@pytest.mark.parametrize(
    ("request_", "call"),
    [(Shutdown(WEB), ShutdownCall()), (Reboot(WEB), RebootCall())],
)
def test_the_operator_may_stop_waiting_for_a_guest(request_: Request, call: Call) -> None:
    action = step(request_, sent(call), instance=web(), cancelled="cancelled by the operator")
    assert "may still obey" in ended(action, OperationStatus.CANCELLED).outcome

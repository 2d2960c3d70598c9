"""Rebooting: judged by what happened, and hard where the guest does not and it was asked for."""

from __future__ import annotations

import pytest

from core.model import AgentState, OperationStatus, Request
from core.model.event import AgentChanged
from core.verbs.call import Call
from core.verbs.power.calls import CreateCall, DestroyCall, RebootCall, ResetCall
from core.verbs.power.requests import HardReboot, Reboot, Reset
from core.verbs.situation import Answered, Send, Wait
from tests.unit.power_builders import WEB, S, T, boot, ended, sent, step, web

HARD = Reboot(WEB, then_hard=True)
ASKED = sent(RebootCall("acpi"))


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
    assert "`hard-reboot`" in end.hint
    blind = step(Reboot(WEB, 30.0), sent(RebootCall()), instance=web(), now=T + 30, gap=True)
    ended(blind, OperationStatus.UNKNOWN)


def agent(state: str, at: float) -> AgentChanged:
    return AgentChanged("alpha", at, "u", "web", state, "channel")


def test_a_boot_that_no_event_tells_of_is_seen_by_the_agent() -> None:
    went, came = agent("disconnected", T + 5), agent("connected", T + 30)
    assert isinstance(step(Reboot(WEB), ASKED, instance=web(), events=(went,), now=T + 6), Wait)
    action = step(Reboot(WEB), ASKED, instance=web(), events=(went, came), now=T + 31)
    assert "its agent went and came back" in ended(action, OperationStatus.DONE).outcome


@pytest.mark.parametrize(
    "events",
    [
        (agent("connected", T + 5),),
        (agent("disconnected", T - 9), agent("connected", T + 5)),
        (agent("connected", T + 5), agent("disconnected", T + 6)),
    ],
)
def test_a_guest_that_was_booting_as_it_was_asked_has_not_rebooted(
    events: tuple[AgentChanged, ...],
) -> None:
    assert isinstance(step(Reboot(WEB), ASKED, instance=web(), events=events, now=T + 10), Wait)


def test_a_guest_that_ignores_it_is_rebooted_hard_where_that_was_asked_for() -> None:
    waits = step(HARD, ASKED, instance=web(), now=T + 119)
    assert isinstance(waits, Wait)
    assert waits.countdown is not None
    assert waits.countdown.then == "its power is cut, and it is started"
    cut = step(HARD, ASKED, instance=web(), now=T + 120)
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()
    off = (ASKED, sent(DestroyCall(), T + 120))
    start = step(HARD, *off, instance=web(S.SHUTOFF), now=T + 121)
    assert isinstance(start, Send)
    assert start.call == CreateCall()
    runs = step(HARD, *off, sent(CreateCall(), T + 121), instance=web(id=8), now=T + 122)
    assert ended(runs, OperationStatus.DONE).outcome == "web is running"


def test_a_guest_that_cannot_be_asked_is_rebooted_hard_at_once() -> None:
    refused = sent(RebootCall("acpi"), error="ACPI is off")
    cut = step(HARD, refused, instance=web(), now=T + 1)
    assert isinstance(cut, Send)
    assert cut.call == DestroyCall()
    ended(step(Reboot(WEB), refused, instance=web(), now=T + 1), OperationStatus.FAILED)


def test_no_power_is_cut_where_it_may_have_rebooted_unseen() -> None:
    unseen = step(HARD, ASKED, instance=web(), now=T + 120, gap=True, adopted=T + 5)
    ended(unseen, OperationStatus.UNKNOWN)
    ended(step(HARD, ASKED, instance=web(), now=T + 120, link_up=False), OperationStatus.UNKNOWN)


@pytest.mark.parametrize("word", ["wait-on", "force-now"])
def test_the_operator_waits_on_or_forces_it(word: str) -> None:
    waits = step(HARD, ASKED, instance=web(), now=T + 3)
    assert isinstance(waits, Wait)
    assert waits.question is not None
    answers = (Answered(waits.question.key, word, "ann@desk"),)
    action = step(HARD, ASKED, instance=web(), now=T + 500, answers=answers)
    if word == "wait-on":
        assert isinstance(action, Wait)
    else:
        assert isinstance(action, Send)
        assert action.call == DestroyCall()


CUT = sent(DestroyCall())


def test_a_hard_reboot_starts_what_it_has_seen_off_and_no_sooner() -> None:
    request = HardReboot(WEB)
    assert isinstance(step(request, CUT, instance=web()), Wait)
    start = step(request, CUT, instance=web(S.SHUTOFF))
    assert isinstance(start, Send)
    assert start.call == CreateCall()
    runs = step(request, CUT, sent(CreateCall(), T + 1), instance=web(id=8), now=T + 2)
    ended(runs, OperationStatus.DONE)


def test_a_hard_reboot_that_cannot_start_it_says_that_it_is_off() -> None:
    failed = sent(CreateCall(), T + 1, error="No such disk.")
    end = ended(
        step(HardReboot(WEB), CUT, failed, instance=web(S.SHUTOFF), now=T + 2),
        OperationStatus.FAILED,
    )
    assert "No such disk" in end.outcome
    assert end.outcome.endswith("web is shut off")


def test_what_is_gone_with_its_power_or_was_started_by_others_is_not_started() -> None:
    ended(step(HardReboot(WEB), CUT, instance=None), OperationStatus.FAILED)
    by_others = step(HardReboot(WEB), CUT, instance=web(id=8))
    assert "something else" in ended(by_others, OperationStatus.DONE).outcome


def test_what_is_no_longer_wanted_between_the_cut_and_the_start_is_left_off() -> None:
    action = step(HardReboot(WEB), CUT, instance=web(S.SHUTOFF), cancelled="stop was asked for")
    assert "was not started" in ended(action, OperationStatus.CANCELLED).outcome

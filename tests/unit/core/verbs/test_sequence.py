"""Verbs that are a list of calls: in order, verified, undone in reverse where a later one fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine import recovery
from core.model import Instance, InstanceState, ObjectKey, OperationStatus, Request
from core.verbs.call import Call, Removal, once_more
from core.verbs.sequence import Step, sequence
from core.verbs.situation import VERIFY, Action, Ask, End, Progress, Send, Sent, Situation, Wait
from core.verbs.verb import Verb

KEY = ObjectKey("instance", "alpha", "u")
T = 1000.0


class Furnish(Request, frozen=True):
    """Put three things into an instance."""

    verb = "furnish"


class Put(Call, frozen=True):
    """Put a thing there."""

    thing: str


class Take(Call, frozen=True):
    """Take it away again."""

    thing: str


def steps(_: Situation) -> list[Step]:
    return [Step(Put(thing), f"putting {thing}", undo=Take(thing)) for thing in "abc"]


def sent(call: Call, error: str = "", certain: bool = True, ended: bool = True) -> Sent:
    return Sent(call, T, T + 0.1 if ended else None, error, "a cure" if error else "", certain)


def web(title: str = "") -> Instance:
    return Instance("alpha", "u", "web", InstanceState.RUNNING, title=title)


def decide(*calls: Sent, now: float = T + 1, plan: Any = steps, **more: Any) -> Action:
    instance = more.pop("subject", web())
    progress = Progress(calls, adopted=more.pop("adopted", None), gap=more.pop("gap", False))
    situation = Situation(Furnish(KEY), "web", now, progress, instance, **more)
    return sequence(plan, lambda _: "web is furnished")(situation)


def ended(action: Action, status: OperationStatus) -> End:
    assert isinstance(action, End), action
    assert action.status is status, action
    return action


def test_the_calls_follow_one_another() -> None:
    done: tuple[Sent, ...] = ()
    for thing in "abc":
        action = decide(*done)
        assert isinstance(action, Send)
        assert action.call == Put(thing)
        done = (*done, sent(Put(thing)))
    assert ended(decide(*done), OperationStatus.DONE).outcome == "web is furnished"


def test_what_was_done_is_undone_in_reverse_where_a_later_call_fails() -> None:
    calls = [sent(Put("a")), sent(Put("b")), sent(Put("c"), "no room.")]
    for thing in "ba":
        action = decide(*calls)
        assert isinstance(action, Send)
        assert action.call == Take(thing)
        calls.append(sent(Take(thing)))
    end = ended(decide(*calls), OperationStatus.FAILED)
    assert end.outcome == "no room; what was done before was undone"
    assert end.hint == "a cure"


def test_the_first_error_is_kept_where_undoing_fails_too() -> None:
    calls = [sent(Put("a")), sent(Put("b"), "no room."), sent(Take("a"), "it is stuck.")]
    end = ended(decide(*calls), OperationStatus.FAILED)
    assert "no room; what was done before could not be undone: it is stuck" in end.outcome


def test_a_first_call_that_fails_leaves_nothing_to_undo() -> None:
    end = ended(decide(sent(Put("a"), "no.")), OperationStatus.FAILED)
    assert end.outcome == "no"


def test_cancelled_in_between_it_is_undone() -> None:
    action = decide(sent(Put("a")), cancelled="by the operator")
    assert isinstance(action, Send)
    assert action.call == Take("a")
    end = decide(sent(Put("a")), sent(Take("a")), cancelled="by the operator")
    assert (
        "cancelled; what was done before was undone"
        in ended(end, OperationStatus.CANCELLED).outcome
    )


def test_what_was_sent_by_another_plan_is_no_cancellation() -> None:
    ended(decide(sent(Put("z")), cancelled="enough"), OperationStatus.UNKNOWN)


def test_cancelled_after_the_last_it_is_done() -> None:
    calls = [sent(Put(thing)) for thing in "abc"]
    ended(decide(*calls, cancelled="too late"), OperationStatus.DONE)


def titled(_: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        return now.instance is not None and now.instance.title == "a"

    return [Step(Put("a"), "putting a", shows)]


def test_what_shows_is_waited_for_and_believed_only_then() -> None:
    accepted = sent(Put("a"))
    assert isinstance(decide(accepted, plan=titled), Wait)
    ended(decide(accepted, plan=titled, subject=web("a")), OperationStatus.DONE)
    late = T + 0.1 + VERIFY
    ended(decide(accepted, plan=titled, now=late), OperationStatus.FAILED)
    ended(decide(accepted, plan=titled, now=late, gap=True), OperationStatus.UNKNOWN)


def test_an_error_that_is_not_certain_is_judged_by_what_shows() -> None:
    lost = sent(Put("a"), "no answer", certain=False)
    assert isinstance(decide(lost, plan=titled), Wait)
    ended(decide(lost, plan=titled, subject=web("a")), OperationStatus.DONE)
    ended(decide(lost, plan=titled, now=T + 60), OperationStatus.UNKNOWN)
    ended(decide(sent(Put("a"), "no answer", certain=False)), OperationStatus.UNKNOWN)


def test_the_state_tells_of_a_call_that_failed_once_its_host_is_back() -> None:
    def plan(_: Situation) -> list[Step]:
        return [
            Step(Put("a"), "putting a", lambda _: False, fails=lambda now: now.subject is not None)
        ]

    lost = sent(Put("a"), "the daemon is gone", certain=False)
    unseen: list[dict[str, Any]] = [{"link_up": False}, {"looked": T}, {"looked": None}]
    for what in unseen:
        assert isinstance(decide(lost, plan=plan, now=T + 30, **what), Wait)
    known: dict[str, Any] = {"looked": T + 20}
    end = ended(decide(lost, plan=plan, now=T + 30, **known), OperationStatus.FAILED)
    assert end.outcome == "putting a did not take effect: the daemon is gone"
    ended(decide(lost, plan=plan, now=T + 30, subject=None, **known), OperationStatus.UNKNOWN)
    ended(decide(lost, plan=plan, now=T + 99, link_up=False), OperationStatus.UNKNOWN)


def test_a_refusal_of_what_another_has_done_meanwhile_is_no_failure() -> None:
    refused = sent(Put("a"), "it has that already")
    end = ended(decide(refused, plan=titled, subject=web("a")), OperationStatus.DONE)
    assert end.outcome == "web is furnished, though not by this operation"


@pytest.mark.parametrize(
    ("state", "blind", "how"),
    [
        (InstanceState.RUNNING, False, "; web is running"),
        (InstanceState.SHUTOFF, False, "; web is shut off"),
        (InstanceState.PAUSED, True, "; web was last seen paused"),
        (None, False, "; web is gone"),
    ],
)
def test_what_failed_to_turn_it_off_or_on_says_how_it_is(
    state: InstanceState | None, blind: bool, how: str
) -> None:
    subject = None if state is None else Instance("alpha", "u", "web", state)
    for call in (sent(Put("a"), "no room."), sent(Put("a"), "no answer.", certain=False)):
        found = Situation(
            Furnish(KEY), "web", T + 60, Progress((call,)), subject, link_up=not blind
        )
        end = sequence(steps, lambda _: "done", powers=True)(found)
        assert isinstance(end, End)
        assert end.outcome.endswith(f"{call.error.rstrip('.')}{how}")


class Glance(Call, frozen=True):
    """Look again: it may be sent again."""

    repeatable = True


def glancing(_: Situation) -> list[Step]:
    return [Step(Glance(), "looking"), Step(Put("a"), "putting a")]


def test_what_may_be_sent_again_is_where_its_console_died_before_the_answer() -> None:
    open_ = sent(Glance(), ended=False)
    again = decide(open_, plan=glancing, adopted=T + 60, gap=True, now=T + 60)
    assert isinstance(again, Send)
    assert again.call == Glance()
    answered = Sent(Glance(), T + 61, T + 62)
    more = {"plan": glancing, "adopted": T + 60, "gap": True, "now": T + 62}
    action = decide(open_, answered, **more)
    assert isinstance(action, Send)
    assert action.call == Put("a")
    ended(decide(open_, answered, sent(Put("a")), **more), OperationStatus.DONE)
    refused = Sent(Glance(), T + 61, T + 62, "no.")
    ended(decide(open_, refused, **more), OperationStatus.FAILED)


class Drop(Removal, frozen=True):
    """Remove what was named by hand."""

    thing: str


def dropping(_: Situation) -> list[Step]:
    return [Step(Drop("a"), "dropping a"), Step(Put("b"), "putting b")]


def test_what_is_removed_may_be_gone_only_where_it_is_asked_for_once_more() -> None:
    first = decide(plan=dropping)
    assert isinstance(first, Send)
    assert first.call == Drop("a", resent=False)
    open_ = sent(first.call, ended=False)
    more = {"plan": dropping, "adopted": T + 60, "gap": True, "now": T + 60}
    again = decide(open_, **more)
    assert isinstance(again, Send)
    assert again.call == Drop("a", resent=True) == once_more(first.call)
    action = decide(open_, Sent(again.call, T + 61, T + 62), **{**more, "now": T + 62})
    assert isinstance(action, Send)
    assert action.call == Put("b")
    refused = Sent(again.call, T + 61, T + 62, "no.")
    ended(decide(open_, refused, **{**more, "now": T + 62}), OperationStatus.FAILED)
    unknown = sent(first.call, "there is no a")
    assert "there is no a" in ended(decide(unknown, plan=dropping), OperationStatus.FAILED).outcome


@given(
    outcomes=st.lists(st.sampled_from(["yes", "no", "lost", "open"]), max_size=8),
    cancelled=st.sampled_from(["", "enough"]),
    now=st.floats(T, T + 100),
)
def test_nothing_is_sent_twice_and_it_ends(outcomes: list[str], cancelled: str, now: float) -> None:
    calls: list[Sent] = []
    for outcome in outcomes:
        action = decide(*calls, cancelled=cancelled if calls else "", now=now)
        if not isinstance(action, Send):
            break
        assert action.call not in [one.call for one in calls]
        calls.append(
            sent(
                action.call,
                "" if outcome in ("yes", "open") else outcome,
                certain=outcome != "lost",
                ended=outcome != "open",
            )
        )
    assert len(calls) <= 6
    put = {one.call.thing for one in calls if isinstance(one.call, Put) and one.accepted}
    taken = [one.call.thing for one in calls if isinstance(one.call, Take)]
    assert set(taken) <= put
    assert taken == sorted(taken, reverse=True)


@pytest.mark.parametrize("resumable", [True, False])
def test_a_console_that_takes_over_goes_on_only_where_the_verb_may(resumable: bool) -> None:
    situation = Situation(
        Furnish(KEY), "web", T + 9, Progress((sent(Put("a")),), gap=True, adopted=T + 9), web()
    )
    verb = Verb(
        Furnish, "Furnish", "", "furnishing", "guest",
        decide=sequence(steps, lambda _: "done"), resumable=resumable,
    )  # fmt: skip
    decision = recovery.judge(verb, situation)
    assert isinstance(decision, recovery.GoOn if resumable else Ask)


def title_steps(_: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        return now.instance is not None and now.instance.title == "new"

    return [Step(Put("title"), "setting the title to new", shows, leaves="a scrap")]


VERB = Verb(
    Furnish,
    title="Furnish",
    help="Furnish it.",
    doing="furnishing",
    group="define",
    decide=sequence(title_steps, lambda _: "web is furnished"),
)


def next_of(*, looked: float | None, title: str = "", link_up: bool = True) -> Any:
    made = sent(Put("title"), ended=False)
    progress = Progress((made,), adopted=T + 60, first_adopted=T + 60, gap=True)
    now = T + 60 + VERIFY
    situation = Situation(
        Furnish(KEY), "web", now, progress, web(title), looked=looked, link_up=link_up
    )
    return recovery.next_action(VERB, situation)


def test_a_question_names_the_step_and_goes_by_what_the_state_shows() -> None:
    seen = next_of(looked=T + 60 + VERIFY)
    assert isinstance(seen, Ask)
    assert seen.question.text == (
        "setting the title to new did not take effect: its console ended as it was sent. "
        "Send it again?"
    )
    assert seen.question.choices[0].text == "send it again: it did nothing so far"
    for looked, link_up in ((None, True), (T + 60, True), (T + 60 + VERIFY, False)):
        unseen = next_of(looked=looked, link_up=link_up)
        assert isinstance(unseen, Ask)
        assert unseen.question.text.startswith(
            "whether setting the title to new took effect is not known; a scrap may be left of it"
        )
        assert "done twice" in unseen.question.choices[0].text
    shown = next_of(looked=T + 60 + VERIFY, title="new")
    assert ended(shown, OperationStatus.DONE).outcome == "web is furnished"

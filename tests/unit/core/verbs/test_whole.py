"""What is done as a whole or not at all: whatever happens in between, nothing is left half done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import ObjectKey, OperationStatus, Request
from core.verbs.call import Call
from core.verbs.sequence import Step
from core.verbs.situation import VERIFY, Action, End, Progress, Send, Sent, Situation, Wait
from core.verbs.whole import PAUSE, TRIES, whole

KEY = ObjectKey("instance", "alpha", "u")
T = 1000.0
LOST, FULL = "the link was lost", "no space left"


class Assemble(Request, frozen=True):
    """Put three things together."""

    verb = "assemble"


class Ask(Call, frozen=True):
    """Ask whether it can be."""

    repeatable = True


class Add(Call, frozen=True):
    """Put a thing there."""

    thing: str


class Remove(Call, frozen=True):
    """Take it away again."""

    repeatable = True
    thing: str


def plan(seen: str = "") -> Any:
    def steps(_: Situation) -> list[Step]:
        def shows(thing: str) -> Any:
            return lambda now: (
                thing in seen or any(one.accepted and one.call == Add(thing) for one in now.sent)
            )

        added = (Step(Add(one), f"adding {one}", shows(one), Remove(one)) for one in "abc")
        return [Step(Ask(), "asking"), *added]

    return steps


def sent(call: Call, error: str = "", *, certain: bool = True, ended: bool = True) -> Sent:
    return Sent(call, T, T + 0.1 if ended else None, error, "a cure" if error else "", certain)


OK = sent(Ask())


def decide(*calls: Sent, now: float = T + 1, seen: str = "", **more: Any) -> Action:
    progress = Progress(calls, adopted=more.pop("adopted", None))
    situation = Situation(Assemble(KEY), "web", now, progress, None, **more)
    return whole(plan(seen), lambda _: "web is there")(situation)


def call_of(action: Action) -> Call:
    assert isinstance(action, Send), action
    return action.call


def test_each_call_follows_the_one_before_and_then_it_is_there():
    assert call_of(decide()) == Ask()
    assert call_of(decide(OK)) == Add("a")
    assert call_of(decide(OK, sent(Add("a")))) == Add("b")
    end = decide(OK, *(sent(Add(one)) for one in "abc"))
    assert end == End(OperationStatus.DONE, "web is there")


def test_a_refusal_takes_back_what_was_done_and_not_what_was_refused():
    calls = [OK, sent(Add("a")), sent(Add("b"), FULL)]
    assert call_of(decide(*calls)) == Remove("a")
    end = decide(*calls, sent(Remove("a")))
    assert end == End(OperationStatus.FAILED, f"{FULL}; what was done before was undone", "a cure")
    assert decide(sent(Ask(), FULL)) == End(OperationStatus.FAILED, FULL, "a cure")


def test_a_call_of_which_nobody_knows_is_taken_back_with_the_rest_once_the_host_answers():
    calls = [OK, sent(Add("a")), sent(Add("b"), LOST, certain=False)]
    assert isinstance(decide(*calls, link_up=False), Wait)
    assert isinstance(decide(*calls), Wait)  # it may show yet
    later = T + VERIFY + 1
    assert call_of(decide(*calls, now=later)) == Remove("b")
    assert call_of(decide(*calls, sent(Remove("b")), now=later)) == Remove("a")
    end = decide(*calls, sent(Remove("b")), sent(Remove("a")), now=later)
    assert end == End(OperationStatus.FAILED, f"{LOST}; what was done before was undone", "a cure")


class Make(Call, frozen=True):
    """Make a volume."""

    @property
    def volume(self) -> tuple[str, str]:
        """What it makes."""
        return "default", "web"


def named(*calls: Sent, **more: Any) -> Action:
    def steps(_: Situation) -> list[Step]:
        made = Step(Make(), "making it", undo=Remove("web"), names="default/web")
        return [Step(Add("a"), "adding a", undo=Remove("a")), made, Step(Add("b"), "adding b")]

    now = T + 2 * VERIFY
    situation = Situation(Assemble(KEY), "web", now, Progress(calls), None, **more)
    return whole(steps, lambda _: "web is there")(situation)


@pytest.mark.parametrize(
    "lost", [sent(Make(), LOST, certain=False), sent(Make(), ended=False)], ids=["link", "console"]
)
@pytest.mark.parametrize("there", [True, False])
def test_what_another_may_have_made_of_the_name_meanwhile_is_named_and_left(
    lost: Sent, there: bool
):
    """libvirt's refusal, for the name is taken, may be the answer that was lost."""
    seen: dict[str, Any] = {
        "volumes": frozenset({("default", "web")} if there else ()),
        "looked": T + 2 * VERIFY,
    }
    before = sent(Add("a"))
    assert call_of(named(before, lost, **seen)) == Remove("a")
    for more in ({}, {"cancelled": "by the operator"}):
        end = named(before, lost, sent(Remove("a")), **seen, **more)
        assert isinstance(end, End)
        assert end.status in (OperationStatus.FAILED, OperationStatus.CANCELLED)
        told = "; default/web may be what it made, or what another made: left; what was done before"
        assert (told in end.outcome) is there
        assert ("Look at default/web: delete it only where" in end.hint) is there


def test_what_was_made_of_a_name_for_certain_is_taken_back():
    calls = [sent(Add("a")), sent(Make()), sent(Add("b"), FULL)]
    assert call_of(named(*calls)) == Remove("web")
    refused = [sent(Add("a")), sent(Make(), "it is there already")]
    assert call_of(named(*refused)) == Remove("a")


def test_calls_of_which_another_version_would_send_none_are_told_of_and_not_sent_again():
    end = named(sent(Add("a")), sent(Add("c"), ended=False))
    assert isinstance(end, End)
    assert end.status is OperationStatus.UNKNOWN
    assert "is not what would be sent now" in end.outcome


def test_one_that_shows_after_all_is_gone_on_from():
    assert call_of(decide(OK, sent(Add("a"), LOST, certain=False), seen="a")) == Add("b")


def test_a_console_that_takes_over_asks_again_and_takes_back_what_it_cannot_see():
    assert call_of(decide(sent(Ask(), ended=False), adopted=T + 5)) == Ask()
    unheard = [OK, sent(Add("a"), ended=False)]
    later = T + VERIFY + 6
    assert call_of(decide(*unheard, adopted=T + 5, now=later)) == Remove("a")
    end = decide(*unheard, sent(Remove("a")), adopted=T + 5, now=later)
    assert isinstance(end, End)
    assert end.outcome == (
        "assemble of web was not finished: nobody saw what became of adding a; what was done "
        "before was undone"
    )


def test_a_cancel_takes_back_what_was_done():
    assert call_of(decide(OK, sent(Add("a")), cancelled="by the operator")) == Remove("a")
    end = decide(OK, sent(Add("a")), sent(Remove("a")), cancelled="by the operator")
    assert isinstance(end, End)
    assert end.status is OperationStatus.CANCELLED
    done = decide(OK, *(sent(Add(one)) for one in "abc"), cancelled="by the operator")
    assert isinstance(done, End)
    assert done.status is OperationStatus.DONE


def test_undoing_that_fails_is_tried_again_and_told_in_the_end():
    calls = [OK, sent(Add("a")), sent(Add("b"), FULL)]
    failing = sent(Remove("a"), "still being made")
    assert decide(*calls, failing, now=T + 0.2) == Wait(T + 0.1 + PAUSE)
    assert call_of(decide(*calls, failing, now=T + 10)) == Remove("a")
    assert isinstance(decide(*calls, failing, now=T + 10, link_up=False), Wait)
    end = decide(*calls, *([failing] * TRIES), now=T + 99)
    assert isinstance(end, End)
    assert end.outcome == (
        f"{FULL}; adding a, which was done before, could not be undone: still being made"
    )
    assert end.hint == "a cure"


@pytest.mark.parametrize("link_up", [True, False])
@given(st.lists(st.sampled_from(["yes", "no", "lost", "unheard"]), max_size=40))
def test_it_always_ends_and_leaves_nothing_half_done(link_up: bool, fates: list[str]):
    """Whatever each call comes to: what is there at the end is all of it or nothing."""
    there, calls, now = set[str](), list[Sent](), T
    for fate in [*fates, *(["yes"] * 20)]:
        situation = Situation(
            Assemble(KEY), "web", now, Progress(tuple(calls), adopted=T), None, link_up=link_up
        )
        action = whole(plan(), lambda _: "done")(situation)
        now += VERIFY + 10
        if isinstance(action, End):
            done = action.status is OperationStatus.DONE
            kept = "could not be undone" in action.outcome
            assert kept or there == (set("abc") if done else set())
            return
        if isinstance(action, Wait):
            link_up = True
            continue
        assert isinstance(action, Send)
        if fate in ("yes", "lost", "unheard"):
            match action.call:
                case Add(thing=thing):
                    there.add(thing)
                case Remove(thing=thing):
                    there.discard(thing)
        error = {"no": FULL, "lost": LOST}.get(fate, "")
        ended = None if fate == "unheard" else now
        calls.append(Sent(action.call, now, ended, error, "", fate != "lost"))
    raise AssertionError("it does not end")

"""What tells that a change of what runs, or is defined, happened, where no answer was heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from core.engine import recovery
from core.model import Instance, InstanceState, ObjectKey, OperationStatus, Request
from core.verbs.definition import SetDescription, SetTitle, TextCall
from core.verbs.registry import VERBS
from core.verbs.situation import VERIFY, Action, Ask, End, Progress, Send, Sent, Situation
from core.verbs.sizing import MemoryCall, SetMemory, SetVcpus, VcpusCall
from core.xml import read_instance

KEY = ObjectKey("instance", "alpha", "u")
T = 1000.0
MIB = 1 << 20
RUNS = Instance(
    *("alpha", "u", "web", InstanceState.RUNNING), title="old", description="old",
    vcpus=1, vcpus_maximum=4, memory=256 * MIB, memory_maximum=512 * MIB,
)  # fmt: skip
OFF = msgspec.structs.replace(RUNS, state=InstanceState.SHUTOFF)
WITH: dict[str, dict[str, Any]] = {
    "title": {"title": "new"},
    "description": {"description": "two\nlines"},
    "set-vcpus": {"vcpus": 2},
    "set-memory": {"memory": 128 * MIB},
}
REQUESTS: dict[str, Request] = {
    "title": SetTitle(KEY, " new"),
    "description": SetDescription(KEY, "two\nlines "),
    "set-vcpus": SetVcpus(KEY, 2),
    "set-memory": SetMemory(KEY, 128),
}
VERBS_TRIED = pytest.mark.parametrize("verb", list(REQUESTS))


def left(verb: str, before: Instance, when: str = "both") -> Situation:
    """An operation whose console died before the answer of its call, on a subject as before."""
    request = msgspec.structs.replace(REQUESTS[verb], when=when)
    begun = Situation(request, "web", T, Progress(), before)
    send = ask(begun)
    assert isinstance(send, Send)
    progress = Progress((Sent(send.call, T),), gap=True, adopted=T + 60)
    return replace(begun, progress=progress, now=T + 60)


def ask(situation: Situation) -> Action:
    decide = VERBS[situation.request.verb].decide
    assert decide is not None
    return decide(situation)


def status(situation: Situation) -> OperationStatus | None:
    """How it ends for a console that takes it over; None: it waits."""
    found = recovery.decide(situation)
    return found.status if isinstance(found, End) else None


@VERBS_TRIED
def test_of_one_that_is_off_the_definition_is_the_instance(verb: str) -> None:
    done = msgspec.structs.replace(OFF, **WITH[verb])
    assert status(replace(left(verb, OFF), subject=done)) is OperationStatus.DONE


@VERBS_TRIED
def test_of_one_that_runs_both_must_show_it(verb: str) -> None:
    done = msgspec.structs.replace(RUNS, **WITH[verb])
    found = left(verb, RUNS)
    assert status(replace(found, subject=done, defined=done)) is OperationStatus.DONE
    assert status(replace(found, subject=done, defined=RUNS)) is None
    assert status(replace(found, subject=done)) is None
    late = replace(found, subject=RUNS, defined=RUNS, now=T + 60 + VERIFY)
    assert isinstance(recovery.decide(late), Ask), "nothing tells: it is asked"


@VERBS_TRIED
def test_for_the_next_start_the_definition_alone_tells(verb: str) -> None:
    done = msgspec.structs.replace(RUNS, **WITH[verb])
    found = left(verb, RUNS, "next-start")
    assert status(replace(found, defined=done)) is OperationStatus.DONE
    assert status(replace(found, subject=done, defined=RUNS)) is None


@VERBS_TRIED
def test_once_it_is_off_what_ran_is_past(verb: str) -> None:
    done = msgspec.structs.replace(OFF, **WITH[verb])
    assert status(replace(left(verb, RUNS), subject=done)) is OperationStatus.DONE
    assert status(replace(left(verb, RUNS, "now"), subject=done)) is None


def test_an_answer_is_believed_but_of_vcpus_that_must_show() -> None:
    for verb, request in REQUESTS.items():
        send = ask(Situation(request, "web", T, Progress(), RUNS))
        assert isinstance(send, Send)
        progress = Progress((Sent(send.call, T, T + 0.1),))
        action = ask(Situation(request, "web", T + 1, progress, RUNS))
        assert isinstance(action, End) == (verb != "set-vcpus"), verb
        done = msgspec.structs.replace(RUNS, **WITH[verb])
        assert isinstance(ask(Situation(request, "web", T + 1, progress, done)), End)


def test_a_maximum_that_shows_is_followed_by_what_was_not_sent_yet() -> None:
    raised = VcpusCall(False, True, 8, True, 4)
    progress = Progress((Sent(raised, T),), gap=True, adopted=T + 60)
    request = SetVcpus(KEY, 6, 8, "next-start")
    defined = msgspec.structs.replace(RUNS, vcpus_maximum=8)
    found = Situation(request, "web", T + 60, progress, RUNS, defined=defined)
    assert isinstance(recovery.decide(found), recovery.GoOn)
    action = ask(found)
    assert isinstance(action, Send)
    assert action.call == VcpusCall(False, True, 6)


def test_what_changes_a_definition_says_so() -> None:
    assert TextCall(True, True, "title", "").defines
    assert not MemoryCall(True, False, 1).defines


@pytest.mark.parametrize("text", ["a", " b ", "\N{ZERO WIDTH SPACE}c", "d\\u200b", "1 < 2"])
def test_a_title_is_compared_as_it_is_read(text: str) -> None:
    escaped = text.replace("<", "&lt;")
    xml = f"<domain><uuid>u</uuid><name>web</name><title>{escaped}</title></domain>"
    done = msgspec.structs.replace(OFF, title=read_instance(xml).title)
    request = SetTitle(KEY, text)
    progress = Progress((Sent(TextCall(False, True, "title", text), T),), adopted=T)
    assert status(Situation(request, "web", T, progress, done)) is OperationStatus.DONE

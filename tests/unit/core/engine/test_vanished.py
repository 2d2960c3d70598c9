"""A question about an instance that is gone says so, by its name, and what can be answered."""

from __future__ import annotations

from dataclasses import replace as state_with

from msgspec.structs import replace

from core.clock import SystemClock
from core.engine.case import Case
from core.engine.recovery import AGAIN, LEAVE
from core.engine.vanished import named, reworded
from core.errors import HypervisorError, NotFoundError
from core.model import (
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    State,
)
from core.model.operation import AnswerChoice, OperationQuestion
from core.verbs.checks import check
from core.verbs.guest import Nmi

WEB = ObjectKey("instance", "alpha", "6cf3a1b2-0000-4000-8000-000000000001")
RECORD = OperationRecord("op", "nmi", "alpha", WEB, "web", "ann@desk", 1.0)
ASKED = OperationQuestion("nmi-1", "nmi of web was sent. Send it again?", (AGAIN, LEAVE))
UP = Host("alpha", "qemu:///system", link=Link(LinkStatus.UP), listed=frozenset({"instances"}))
GONE = State(hosts={"alpha": UP}, operations={"op": RECORD})
THERE = state_with(GONE, instances={WEB: Instance("alpha", WEB.id, "web", InstanceState.RUNNING)})


def case() -> Case:
    return Case(RECORD, Nmi(WEB), SystemClock())


def test_the_question_says_that_it_is_gone_and_leaves_what_makes_sense() -> None:
    found = reworded(case(), ASKED, GONE)
    assert found.key == ASKED.key, "it is the same one: it is not told twice"
    assert found.text.startswith("web is gone from alpha: it is neither defined nor running there")
    assert "answer leave." in found.text
    assert found.text.endswith("It was asked: nmi of web was sent. Send it again?")
    assert found.choices == (LEAVE,)
    mirror = (AnswerChoice("remove", "remove the file"), AnswerChoice("stay", "stay"))
    assert reworded(case(), replace(ASKED, choices=mirror), GONE).choices == mirror


def test_it_stays_as_it_is_where_it_is_there_or_nobody_can_tell() -> None:
    assert reworded(case(), ASKED, THERE) is ASKED
    down = replace(UP, link=Link(LinkStatus.DOWN))
    unread = replace(UP, listed=frozenset())
    for host in (down, unread):
        assert reworded(case(), ASKED, state_with(GONE, hosts={"alpha": host})) is ASKED


def test_a_call_that_finds_it_gone_says_its_name() -> None:
    libvirts = NotFoundError(f"There is no such instance on alpha: no domain {WEB.id}")
    assert str(named(case(), libvirts, GONE)).startswith("web is gone from alpha: ")
    assert named(case(), libvirts, THERE) is libvirts, "it is another object that is not there"
    other = HypervisorError("the disk is full")
    assert named(case(), other, GONE) is other


def test_a_request_about_it_names_it_as_it_was_known_last() -> None:
    (reason,) = check(GONE, Nmi(WEB))
    assert str(reason).startswith("alpha has no such instance now: web is gone: see ")
    (reason,) = check(state_with(GONE, operations={}), Nmi(WEB))
    assert str(reason).startswith("alpha has no such instance now: see ")

"""The calls that were made: of operations, of what those asked for, of others' migrations."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from core.model import Migration, ObjectKey, OperationRecord, OperationStatus, OperationStep, State
from core.model.operation import OperationQuestion
from core.state.calls import calls_made, calls_unknown, virsh_lines

KEY = ObjectKey("instance", "alpha", "u")


def call(at: float, word: str) -> OperationStep:
    return OperationStep(at, word, word, f"virsh {word}", 0.1)


def record(number: str, verb: str, *steps: OperationStep, ended: bool = True) -> OperationRecord:
    status = OperationStatus.DONE if ended else OperationStatus.RUNNING
    return OperationRecord(number, verb, "alpha", KEY, number, "ann@desk", 0.0, status, steps=steps)


MOVES = record("moves", "migrate", call(3.0, "migrate"), call(6.0, "abort"))
DRAIN = record(
    "drain", "drain", OperationStep(1.0, "looking"), OperationStep(2.0, "asked", operation="moves"),
    ended=False,
)  # fmt: skip
STOP = record("stop", "stop", call(5.0, "destroy"))
THEIRS = Migration("foreign", "alpha", "u", "db", calls=(call(4.0, "post-copy"),))
STATE = State(
    operations=MappingProxyType({one.id: one for one in (MOVES, DRAIN, STOP)}),
    migrations=MappingProxyType({THEIRS.id: THEIRS}),
)


def words(only: str = "") -> list[str]:
    return [made.step.call for made in calls_made(STATE, only)]


def test_all_are_there_the_newest_first() -> None:
    assert words() == ["abort", "destroy", "post-copy", "migrate"]
    assert [made.name for made in calls_made(STATE)] == ["moves", "stop", "db", "moves"]
    assert [made.over for made in calls_made(STATE)] == [True, True, False, True]


def test_those_of_one_operation_and_of_what_it_asked_for() -> None:
    assert words("stop") == ["destroy"]
    assert words("drain") == ["abort", "migrate"]
    assert words("foreign") == ["post-copy"]
    assert virsh_lines(STATE, "drain") == ["virsh migrate", "virsh abort"]


def test_what_is_asked_about_is_not_under_way() -> None:
    asks = replace(
        record("resets", "reset", call(1.0, "reset"), ended=False),
        question=OperationQuestion("reset-1", "Send it again?", ()),
    )
    (made,) = calls_made(State(operations=MappingProxyType({asks.id: asks})))
    assert made.over


def test_of_a_workflow_of_an_older_journal_it_is_not_known() -> None:
    never = OperationRecord("x", "migrate", "alpha", KEY, "web", "", 0.0, OperationStatus.REFUSED)
    begun = OperationRecord("x", "migrate", "alpha", KEY, "web", "", 0.0, started=1.0)
    assert calls_unknown(begun, workflow=True)
    assert not calls_unknown(begun, workflow=False)
    assert not calls_unknown(never, workflow=True)

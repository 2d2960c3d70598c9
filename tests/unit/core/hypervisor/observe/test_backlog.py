"""What is to be read, in the order in which it is wanted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.observe.backlog import Backlog
from core.model.base import ObjectKey


def key(number: int) -> ObjectKey:
    return ObjectKey("instance", "alpha", str(number))


def keys(*numbers: int) -> tuple[ObjectKey, ...]:
    return tuple(key(number) for number in numbers)


def test_what_is_looked_at_comes_first_and_then_the_rest_in_its_order() -> None:
    backlog = Backlog()
    backlog.add(keys(1, 2, 3, 4, 2))
    backlog.prefer(keys(3, 9))
    assert backlog.take(2) == keys(3, 1)
    backlog.prefer(keys(4))
    backlog.prefer(keys(2))
    assert len(backlog) == 2
    assert backlog.take(9) == keys(2, 4)
    assert not backlog


def test_what_was_not_done_comes_first_again() -> None:
    backlog = Backlog()
    backlog.add(keys(1, 2, 3))
    taken = backlog.take(2)
    backlog.put_back(taken[1:])
    assert backlog.take(3) == keys(2, 3)


def test_what_was_not_done_comes_after_what_somebody_looks_at_meanwhile() -> None:
    backlog = Backlog()
    backlog.add(keys(1, 2, 3, 4, 5))
    taken = backlog.take(4)
    backlog.prefer(keys(5, 3))
    backlog.put_back(taken[1:])
    assert backlog.take(9) == keys(3, 5, 2, 4)


def test_what_is_looked_at_before_it_waits_comes_first() -> None:
    backlog = Backlog()
    backlog.prefer(keys(2))
    backlog.add(keys(1, 2, 3))
    assert backlog.take(9) == keys(2, 1, 3)
    backlog.add(keys(1, 2, 3))
    assert backlog.take(1) == keys(2)


def test_what_is_gone_is_not_read() -> None:
    backlog = Backlog()
    backlog.add(keys(1, 2, 3))
    backlog.prefer(keys(2))
    backlog.retain(keys(2, 3))
    backlog.discard(keys(3))
    assert key(2) in backlog
    assert backlog.take(3) == keys(2)


_numbers = st.lists(st.integers(0, 20))


@given(st.lists(st.tuples(st.sampled_from(["add", "prefer", "take", "put_back"]), _numbers)))
def test_each_key_is_given_once_for_each_time_it_was_wanted(steps) -> None:
    backlog, waiting = Backlog(), set()
    for step, numbers in steps:
        some = keys(*numbers)
        if step == "take":
            taken = backlog.take(len(some))
            assert len(set(taken)) == len(taken)
            assert waiting.issuperset(taken)
            waiting.difference_update(taken)
        elif step == "prefer":
            backlog.prefer(some)
        else:
            backlog.add(some) if step == "add" else backlog.put_back(some)
            waiting.update(some)
        assert len(backlog) == len(waiting)

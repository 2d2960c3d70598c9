"""Which volumes are described after a pool was read."""

from __future__ import annotations

from core.hypervisor.observe.storage_refresher import AGAIN, due_again
from core.model import Volume


def volumes(count: int, first: int = 0) -> list[Volume]:
    return [Volume("a", "p", "pool", f"v{number:05}") for number in range(first, first + count)]


def test_a_large_pool_that_is_refreshed_costs_no_call_for_each_volume() -> None:
    every = volumes(10_000)
    known = [one.key for one in reversed(every[:9_990])]
    looked_at = {every[5].key}
    due = due_again(every, known, looked_at)
    assert {one.key for one in every[9_990:]} <= due, "those that are new"
    assert every[5].key in due, "those somebody looks at"
    assert set(known[:AGAIN]) <= due, "those described longest ago"
    assert len(due) == 10 + 1 + AGAIN


def test_a_small_pool_is_described_whole() -> None:
    every = volumes(AGAIN)
    assert due_again(every, [one.key for one in every], ()) == {one.key for one in every}


def test_what_is_not_in_the_pool_is_not_described_for_it() -> None:
    others = [one.key for one in volumes(10, first=100)]
    assert due_again(volumes(3), others, others) == {one.key for one in volumes(3)}

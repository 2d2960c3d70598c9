"""A long listing goes into a table in portions, and ends as if it had come in one piece."""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping

import pytest

from console.widgets.columns import Column
from console.widgets.filling import PORTION, Filling
from console.widgets.live_table import LiveTable

MANY = 4 * PORTION + 321


def table() -> LiveTable[str]:
    columns = [Column("name", "NAME", str, str, min_width=4)]
    return LiveTable(columns, name_of=str, sort="name", clock=lambda: 0.0)


def listing(seed: int = 1) -> dict[Hashable, str]:
    keys = list(range(MANY))
    random.Random(seed).shuffle(keys)
    return {key: f"vol-{key}" for key in keys}


def order(rows: Mapping[Hashable, str]) -> list[Hashable]:
    whole = table()
    whole.set_rows(rows)
    return whole.model.order


def test_no_portion_is_longer_than_the_screen_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    there = table()
    update = there.update_rows
    monkeypatch.setattr(there, "update_rows", lambda rows, gone=(): (
        taken.append(len(rows)), update(rows, gone)))  # fmt: skip
    monkeypatch.setattr(there, "set_rows", lambda _: pytest.fail("it came in one piece"))
    filling = Filling(there)
    filling.begin(listing())
    assert len(there.model.order) == PORTION, "something is shown at once"
    while filling.waits:
        filling.go_on()
    assert max(taken) == PORTION
    assert there.model.order == order(listing())


def test_what_changes_meanwhile_is_as_if_it_had_come_before() -> None:
    there = table()
    filling = Filling(there)
    rows = listing()
    filling.begin(rows)
    first, *_, last = rows
    rows |= {first: "a-first", last: "z-last", "new": "vol-77a"}
    filling.change({first: "a-first", last: "z-last", "new": "vol-77a"}, ())
    filling.go_on()
    lost = [list(rows)[1], list(rows)[-3]]
    for key in lost:
        del rows[key]
    filling.change({}, lost)
    while filling.waits:
        filling.go_on()
    there.settle(at_once=True)
    assert there.model.rows == rows
    assert there.model.order == order(rows)


def test_another_listing_takes_the_place_of_one_that_waits() -> None:
    there = table()
    filling = Filling(there)
    filling.begin(listing())
    filling.begin({1: "one", 2: "two"})
    assert not filling.waits
    assert there.model.order == [1, 2]
    filling.begin(listing(2))
    fewer = {key: row for key, row in listing(3).items() if isinstance(key, int) and key % 2}
    filling.begin(fewer)
    while filling.waits:
        filling.go_on()
    assert there.model.order == order(fewer)

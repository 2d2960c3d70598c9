"""The pure half of the live table: order, filter, marks, columns, cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.columns import (
    ROOMY,
    Cell,
    Column,
    fit,
    place_columns,
    sorted_columns,
    spill,
)
from console.widgets.row_model import Marks, RowModel
from core.model.text import natural_key


@dataclass(frozen=True)
class Thing:
    name: str
    cpu: float | None = None
    host: str = "alpha"


NAME = Column[Thing]("name", "Name", lambda row: row.name, lambda row: row.name)
CPU = Column[Thing]("cpu", "CPU", lambda row: str(row.cpu), lambda row: row.cpu)
HOST = Column[Thing]("host", "Host", lambda row: row.host, lambda row: row.host)


def model_of(*things: Thing) -> RowModel[str, Thing]:
    model: RowModel[str, Thing] = RowModel(lambda row: row.name)
    model.set_rows({thing.name: thing for thing in things})
    return model


def test_names_sort_as_people_count():
    assert sorted(["web10", "Web2", "web1", "db", "web02"], key=natural_key) == [
        "db", "web1", "Web2", "web02", "web10",
    ]  # fmt: skip


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_in_names_compare_by_value(one: int, other: int):
    assert (natural_key(f"é{one}x") < natural_key(f"é{other}x")) == (one < other)


@pytest.mark.parametrize("descending", [False, True])
def test_unknown_values_are_last_either_way(descending: bool):
    model = model_of(Thing("a", None), Thing("b", 2.0), Thing("c", math.nan), Thing("d", 1.0))
    model.sort_by(CPU, descending=descending)
    assert model.order[2:] == ["a", "c"]
    assert model.order[:2] == (["b", "d"] if descending else ["d", "b"])


def test_ties_are_in_natural_name_order_even_descending():
    model = model_of(Thing("web10", 1.0), Thing("web2", 1.0), Thing("web1", 3.0))
    model.sort_by(CPU, descending=True)
    assert model.order == ["web1", "web2", "web10"]


def test_a_changed_sort_value_waits_for_reorder():
    model = model_of(Thing("a", 1.0), Thing("b", 2.0))
    model.sort_by(CPU)
    assert not model.update({"a": Thing("a", 3.0)})
    assert model.stale
    assert model.order == ["a", "b"]
    model.reorder()
    assert model.order == ["b", "a"]
    assert not model.stale


def test_a_change_that_moves_nothing_is_not_stale():
    model = model_of(Thing("a", 1.0), Thing("b", 2.0))
    model.sort_by(HOST)
    model.update({"a": Thing("a", 9.0)})
    assert not model.stale


def test_gone_rows_leave_at_once_and_new_ones_wait():
    model = model_of(Thing("a"), Thing("b"), Thing("c"))
    assert model.update({"aa": Thing("aa")}, ["b", "never-there"])
    assert model.order == ["a", "c"]
    assert model.index == {"a": 0, "c": 1}
    model.reorder()
    assert model.order == ["a", "aa", "c"]


def test_filter_and_rows_that_start_or_stop_matching():
    model = model_of(Thing("a", 1.0), Thing("b", 5.0))
    model.set_filter(lambda row: (row.cpu or 0) > 3)
    assert model.order == ["b"]
    assert model.hidden == 1
    model.update({"a": Thing("a", 9.0), "b": Thing("b", 0.0)})
    assert model.stale
    assert model.order == ["b"]
    model.reorder()
    assert model.order == ["a"]
    model.set_filter(None)
    assert model.order == ["a", "b"]


names = st.sampled_from([f"n{number}" for number in range(12)])
things = st.builds(
    Thing, names, st.none() | st.integers(0, 3).map(float), st.sampled_from(["alpha", "beta"])
)
steps = st.lists(st.tuples(st.lists(things, max_size=4), st.lists(names, max_size=3)), max_size=12)


@given(steps, st.sampled_from([NAME, CPU, HOST]), st.booleans(), st.booleans())
def test_any_updates_end_as_a_fresh_table(updates, column, descending, filtered):
    passes = (lambda row: row.host == "beta") if filtered else None
    live: RowModel[str, Thing] = RowModel(lambda row: row.name)
    live.sort_by(column, descending=descending)
    live.set_filter(passes)
    expected: dict[str, Thing] = {}
    for number, (changed, gone) in enumerate(updates):
        rows = {thing.name: thing for thing in changed}
        live.update(rows, gone)
        for key in gone:
            expected.pop(key, None)
        expected.update(rows)
        assert set(live.order) <= set(expected)
        if number % 3 == 0:
            live.reorder()
    live.reorder()
    fresh: RowModel[str, Thing] = RowModel(lambda row: row.name)
    fresh.sort_by(column, descending=descending)
    fresh.set_filter(passes)
    fresh.set_rows(expected)
    assert live.order == fresh.order
    assert live.index == {key: line for line, key in enumerate(live.order)}
    assert live.rows == expected


def test_marks_survive_and_count_hidden():
    marks: Marks[str] = Marks()
    order = ["a", "b", "c", "d"]
    index = {key: line for line, key in enumerate(order)}
    marks.toggle("b")
    marks.add_range(order, index, "d")
    assert marks.keys == {"b", "c", "d"}
    assert marks.hidden({"a": 0, "b": 1}) == 2
    marks.toggle("c")
    assert marks.keys == {"b", "d"}
    assert marks.drop(["d", "x"])
    assert not marks.drop(["x"])
    marks.clear()
    assert not marks.keys


def test_a_range_without_an_anchor_marks_the_row_itself():
    marks: Marks[str] = Marks()
    marks.add_range(["a", "b"], {"a": 0, "b": 1}, "b")
    assert marks.keys == {"b"}


def test_a_range_whose_anchor_is_filtered_away_marks_the_row_itself():
    marks: Marks[str] = Marks()
    marks.toggle("z")
    marks.add_range(["a", "b"], {"a": 0, "b": 1}, "b")
    assert marks.keys == {"z", "b"}


plain_text = st.text(st.sampled_from("ab 邮件é🙂…"), max_size=12)
plain_cells = plain_text | st.lists(st.builds(Cell, plain_text), max_size=3).map(tuple)


@given(
    plain_cells,
    st.integers(0, 20),
    st.sampled_from(["left", "right"]),
    st.sampled_from(["end", "middle"]),
)
def test_a_fitted_cell_is_exactly_as_wide_as_asked(value, width, align, cut):
    assert sum(cell_len(text) for text, _ in fit(value, width, align, cut)) == width


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        ("prod-web-frontend-01", 12, "prod-w…nd-01"),
        ("fits", 4, "fits"),
        ("abcdef", 1, "…"),
        ("abcdef", 2, "a…"),
        ("abcdef", 3, "a…f"),
        ("邮件服务器", 6, "邮 …器"),
        (Cell("abcdefgh", "strong"), 5, "ab…gh"),
    ],
)
def test_names_lose_their_middle(value, width, text):
    assert "".join(piece for piece, _ in fit(value, width, cut="middle")) == text


@pytest.mark.parametrize(
    ("value", "width", "align", "text"),
    [
        ("abcdef", 4, "left", "abc…"),
        ("ab", 4, "right", "  ab"),
        ("邮件服务", 5, "left", "邮件…"),
        ("邮件服务", 4, "left", "邮 …"),
        ((Cell("ab"), Cell("cdef")), 4, "left", "abc…"),
        ((Cell("abcd"), Cell("ef")), 4, "left", "abc…"),
        ((Cell("abc"), Cell("def")), 4, "left", "abc…"),
    ],
)
def test_cutting(value, width, align, text):
    assert "".join(piece for piece, _ in fit(value, width, align)) == text


def columns_of(*specs: tuple[int, int, int | None, int]) -> list[Column[Thing]]:
    return [
        Column(str(n), str(n), str, width=None if flex else least, min_width=least,
               max_width=most, flex=flex, priority=n)
        for n, (least, flex, most, _) in enumerate(specs)
    ]  # fmt: skip


def test_columns_drop_by_priority_and_the_rest_takes_the_room():
    columns = columns_of((10, 1, None, 0), (5, 0, None, 0), (5, 0, None, 0), (20, 0, None, 0))
    placed = place_columns(columns, 40, left=2)
    assert [place.number for place in placed] == [0, 1, 2]
    assert [place.width for place in placed] == [26, 5, 5]
    assert placed[-1].end == 40
    assert [p.number for p in place_columns(columns, 20, left=2)] == [0, 1]
    assert [(p.number, p.width) for p in place_columns(columns, 6, left=2)] == [(0, 4)]


SUMMED = [
    Column("name", "NAME", str, width=6),
    Column("sum", "SUM", str, width=4, priority=1, stands_for=("one", "two"), yields=True),
    Column("one", "ONE", str, width=4, priority=1, yields=True),
    Column("two", "TWO", str, width=4, priority=1, yields=True),
    Column("note", "NOTE", str, min_width=4, spills=True),
]


@pytest.mark.parametrize(
    ("width", "shown"),
    [(30, ["name", "one", "two", "note"]), (18, ["name", "sum", "note"]), (12, ["name", "note"])],
)
def test_a_sum_is_shown_where_its_parts_have_no_room(width, shown):
    placed = place_columns(SUMMED, width)
    assert [SUMMED[place.number].id for place in placed] == shown


@pytest.mark.parametrize(
    ("width", "sorted_by", "marked"),
    [
        (30, "sum", {"one", "two"}),
        (18, "sum", {"sum"}),
        (18, "two", {"sum"}),
        (30, "two", {"two"}),
        (12, "two", set()),
    ],
)
def test_the_order_is_marked_on_what_is_shown_for_it(width, sorted_by, marked):
    assert sorted_columns(SUMMED, place_columns(SUMMED, width), sorted_by) == marked


@pytest.mark.parametrize(("length", "width"), [(4, 6), (7, 11), (12, 16), (90, 16)])
def test_a_long_last_cell_takes_no_more_places_than_it_needs(length, width):
    placed = place_columns(SUMMED, 23)
    places, contents = spill(SUMMED, placed, ["n", "1", "2", "x" * length], "row")
    assert (places[-1].width, places[-1].end) == (width, 23)
    assert places[0] == placed[0]
    assert len(places) == len(contents)
    assert contents[-1] == "x" * length


@pytest.mark.parametrize(("row", "shown"), [("over", 3), ("running", 4)])
def test_a_long_last_cell_takes_a_place_only_in_a_row_that_gives_it(row, shown):
    columns = [
        Column("name", "NAME", str, width=6),
        Column("author", "AUTHOR", str, width=6),
        Column("progress", "PROGRESS", str, width=8, yields=lambda row: row == "over"),
        Column("note", "NOTE", str, min_width=4, spills=True),
    ]
    placed = place_columns(columns, 30)
    places, _ = spill(columns, placed, ["n", "root", "-", "x" * 40], row)
    assert [columns[place.number].id for place in places][:2] == ["name", "author"]
    assert len(places) == shown


specs = st.lists(
    st.tuples(st.integers(1, 15), st.integers(0, 3), st.none() | st.integers(15, 30), st.just(0)),
    min_size=1,
    max_size=8,
)


@given(specs, st.integers(4, 200))
def test_placed_columns_never_overlap_or_leave_the_table(spec, width):
    columns = columns_of(*spec)
    placed = place_columns(columns, width, left=2)
    assert placed
    for before, after in pairwise(placed):
        assert before.end + 1 == after.x
    assert placed[-1].end <= max(width, 2)
    growing = [p for p in placed if columns[p.number].flex and not columns[p.number].max_width]
    if growing and len(placed) > 1:
        assert placed[-1].end == width


def test_a_roomy_column_keeps_to_its_own_cells():
    placed = place_columns(SUMMED, 23 + ROOMY)
    assert placed[-1].width >= ROOMY
    drawn = ["n", "1", "2", "x" * (2 * ROOMY)]
    assert spill(SUMMED, placed, drawn, "row") == (placed, drawn)

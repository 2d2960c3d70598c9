"""The tree of an instance's snapshots: each once, below its parent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screens.snapshots.tree import memory_of, tree_of
from core.model import Snapshot

NAMES = "abcdef"


def lines(**parents: str) -> list[tuple[str, int]]:
    """Name and depth of each line; `a="b"` is a snapshot a that was made from b."""
    read = [Snapshot(name, parent=parent) for name, parent in parents.items()]
    return [(line.snapshot.name, line.depth) for line in tree_of(read)]


def test_children_stand_below_their_parent_in_the_order_given() -> None:
    assert lines(a="", b="a", c="a", d="b", e="") == [
        ("a", 0),
        ("b", 1),
        ("d", 2),
        ("c", 1),
        ("e", 0),
    ]


@pytest.mark.parametrize(
    ("parents", "told"),
    [
        ({"a": "gone", "b": "a"}, [("a", 0), ("b", 1)]),
        ({"a": "a"}, [("a", 0)]),
        ({"a": "b", "b": "a"}, [("a", 0), ("b", 1)]),
    ],
)
def test_one_without_a_parent_that_is_there_stands_at_the_left(
    parents: dict[str, str], told: list[tuple[str, int]]
) -> None:
    assert lines(**parents) == told


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "gone", *NAMES])))
def test_each_has_one_line_whatever_the_parents(parents: dict[str, str]) -> None:
    read = tree_of([Snapshot(name, parent=parent) for name, parent in parents.items()])
    assert {line.snapshot.name for line in read} == parents.keys()
    assert [line.place for line in read] == list(range(len(parents)))
    for before, line in zip([None, *read], read, strict=False):
        assert line.depth <= (0 if before is None else before.depth + 1)


def test_whether_memory_is_in_it() -> None:
    told = [memory_of(Snapshot("a", memory=memory)) for memory in ("", "no", "internal")]
    assert told == ["-", "no", "yes, internal"]

"""The bar of an instance's tabs: all where there is room, else those about the one shown."""

from __future__ import annotations

import pytest

from console.screens.instances.instance import TABS
from console.screens.instances.tab_bar import tab_parts


def names(current: str, width: int) -> list[str]:
    return [part.text for (part,) in tab_parts(TABS, current, width)]


@pytest.mark.parametrize("width", [0, 80, 120, 200])
def test_where_there_is_room_all_are_there(width: int) -> None:
    for current in TABS:
        assert [text.strip() for text in names(current, width)] == list(TABS)
        shown = tab_parts(TABS, current, width)
        assert [part.text.strip() for (part,) in shown if part.role == "header-sorted"] == [current]


@pytest.mark.parametrize("width", [20, 30, 40, 60])
def test_where_there_is_none_the_one_shown_is_and_a_mark_says_that_there_are_more(
    width: int,
) -> None:
    for current in TABS:
        shown = names(current, width)
        assert current in [text.strip() for text in shown]
        assert sum(map(len, shown)) <= width
        texts = [text.strip() for text in shown if text.strip() not in "<>"]
        first, last = TABS.index(texts[0]), TABS.index(texts[-1])
        assert texts == list(TABS[first : last + 1])
        assert (shown[0] == " <") == (first > 0)
        assert (shown[-1] == " >") == (last + 1 < len(TABS))

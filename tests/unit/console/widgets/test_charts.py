"""Sparks, bars and charts as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.glyphs import ASCII, UNICODE
from console.widgets.charts import bar, ceiling_of, chart_rows, spark

values = st.lists(st.none() | st.floats(0, 1e12), max_size=40)


def test_spark_scales_to_the_largest_and_is_right_aligned():
    assert spark([0, 1, 4, 8], 6, signs=UNICODE) == "  ▁▁▄█"
    assert spark([0, 1, 4, 8], 2, signs=UNICODE) == "▄█"


def test_unknown_is_a_gap_and_zero_is_not():
    assert spark([None, 0, math.nan, 1], 4, signs=UNICODE) == "·▁·█"


def test_a_fixed_top_keeps_the_scale_and_larger_values_are_cut():
    assert spark([0.5, 2.0], 2, top=1.0, signs=UNICODE) == "▄█"


def test_all_zero_and_empty():
    assert spark([0, 0], 2, signs=UNICODE) == "▁▁"
    assert spark([], 3) == "   "
    assert spark([1], 0) == ""


def test_ascii_stays_ascii():
    drawn = spark([None, 0, 1, 2, 3], 5, signs=ASCII) + bar(0.4, 8, ASCII)
    drawn += "".join(chart_rows([None, 1, 2], 3, 2, 2.0, ASCII))
    assert drawn.isascii()


@given(values, st.integers(0, 60))
def test_spark_has_exactly_its_width(series, width):
    assert len(spark(series, width)) == width


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [
        (0.0, "░░░░"),
        (0.001, "▏░░░"),
        (0.1, "▍░░░"),
        (0.25, "█░░░"),
        (0.27, "█▏░░"),
        (0.5, "██░░"),
        (0.999, "███▉"),
        (1.0, "████"),
        (7.0, "████"),
        (-1.0, "░░░░"),
        (None, "····"),
    ],
)
def test_bar(fraction, drawn):
    assert bar(fraction, 4, UNICODE) == drawn


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_a_bar_of_more_is_never_the_shorter_one(signs):
    drawn = [bar(number / 1000, 8, signs) for number in range(1001)]
    steps = 8 * (len(signs.parts) + 1)
    assert len(dict.fromkeys(drawn)) == steps + 1
    assert [len(one) for one in drawn] == [8] * 1001
    assert drawn[0] == signs.empty * 8
    assert drawn[1] != drawn[0]
    assert drawn[-1] == signs.full * 8
    assert drawn[-2] != drawn[-1]


def test_a_chart_stacks_blocks():
    assert chart_rows([0, 4, 8, 16, None], 6, 2, 16, UNICODE) == ["    █ ", " ▁▄██·"]


@given(values, st.integers(1, 30), st.integers(1, 5))
def test_a_chart_is_a_full_rectangle_and_higher_values_are_not_lower(series, width, height):
    top = ceiling_of(series)
    rows = chart_rows(series, width, height, top, UNICODE)
    assert [len(row) for row in rows] == [width] * height
    shown = series[-width:]
    heights = [
        sum(" ▁▂▃▄▅▆▇█".index(row[width - len(shown) + place]) for row in rows)
        for place, value in enumerate(shown)
        if value is not None
    ]
    known = [value for value in shown if value is not None]
    ordered = [height for _, height in sorted(zip(known, heights, strict=True))]
    assert ordered == sorted(ordered)

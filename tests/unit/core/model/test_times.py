"""Lengths of time, in cells and in sentences."""

from __future__ import annotations

import pytest

from core.model import times
from core.model.times import age, duration, milliseconds, seconds, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, "-"), (0, "0.0s"), (0.34, "0.3s"), (9.96, "10s"), (59.6, "1m00s")),
        *((185, "3m05s"), (8040, "2h14m"), (3 * 86400 + 4 * 3600, "3d04h"), (95 * 86400, "95d")),
        (-42, "-42s"),
    ],
)
def test_duration(value: float | None, text: str) -> None:
    assert duration(value) == text


def test_ages() -> None:
    assert age(100.0, 142.9) == "42s"
    assert age(200.0, 100.0) == "0s"
    assert age(None, 1.0) == "-"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0.42, "0.4 s"), (2.0, "2 s"), (2.96, "3 s"), (7.4, "7 s"), (40.2, "40 s")),
        *((89, "89 s"), (95, "2 min"), (3600, "60 min"), (7500, "2 h 5 min"), (7200, "2 h")),
    ],
)
def test_seconds(value: float, expected: str) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        *((35, 60, "35-60 s"), (300, 540, "5-9 min"), (50, 120, "50 s-2 min")),
        *((40.1, 40.2, "40 s"), (1.7, 2.7, "1.7-2.7 s"), (6000, 7500, "1 h 40 min-2 h 5 min")),
    ],
)
def test_a_span(low: float, high: float, expected: str) -> None:
    assert span(low, high) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((None, "-"), (float("nan"), "-"), (0, "0 ms"), (0.35, "0.35 ms"), (1, "1 ms")),
        *((1.25, "1.2 ms"), (10, "10 ms"), (300, "300 ms"), (999.7, "1.0 s"), (5217, "5.2 s")),
        *((13000, "13 s"), (120000, "2 min")),
    ],
)
def test_milliseconds(value: float | None, expected: str) -> None:
    assert milliseconds(value) == expected


def test_every_length_has_its_words() -> None:
    for name in ("duration", "milliseconds"):
        assert getattr(times, name)(float("inf")) == "-"

"""Numbers of a migration, and its verdict, in words."""

from __future__ import annotations

import pytest

from core.migration import wording
from core.migration.forecast.sentences import sentence_of
from core.model.forecast import Verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0.42, "0.4 s"), (2.0, "2 s"), (2.96, "3 s"), (7.4, "7 s"), (40.2, "40 s")),
        *((89, "89 s"), (95, "2 min"), (3600, "60 min"), (7500, "2 h 5 min"), (7200, "2 h")),
    ],
)
def test_seconds(value: float, expected: str) -> None:
    assert wording.seconds(value) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        *((35, 60, "35-60 s"), (300, 540, "5-9 min"), (50, 120, "50 s-2 min")),
        *((40.1, 40.2, "40 s"), (1.7, 2.7, "1.7-2.7 s"), (6000, 7500, "1 h 40 min-2 h 5 min")),
    ],
)
def test_a_span(low: float, high: float, expected: str) -> None:
    assert wording.span(low, high) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(300, "300 ms"), (5217, "5.2 s"), (999.7, "1.0 s"), (13000, "13 s"), (120000, "2 min")],
)
def test_milliseconds(value: float, expected: str) -> None:
    assert wording.milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(1.21, "1.3x"), (3.0, "3x"), (3.25, "3.3x"), (11.2, "12x")]
)
def test_times_are_rounded_up(value: float, expected: str) -> None:
    assert wording.times(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, "5 B"), (96 << 20, "96 MiB"), (1.5 * (1 << 30), "1.5 GiB"), (1 << 51, "2048 TiB")],
)
def test_sizes(value: float, expected: str) -> None:
    assert wording.size(value) == expected
    assert wording.rate(value) == f"{expected}/s"


def test_the_verdicts_in_words() -> None:
    stuck = sentence_of(
        Verdict.NOT, max_downtime=300, needed_downtime=5217, factor=3.0, post_copy=True
    )
    assert stuck == (
        "will not converge at 300 ms: needs 5.2 s of downtime, or 3x the bandwidth, or post-copy"
    )
    assert sentence_of(Verdict.CONVERGES, eta=40, low=35, high=60) == (
        "finishes in about 40 s (35-60 s)"
    )
    assert sentence_of(Verdict.CONVERGES, eta=40, low=35) == (
        "finishes in about 40 s (35 s or more)"
    )
    slow = sentence_of(Verdict.SLOWLY, eta=400, low=300, high=540, needed_downtime=800, throttle=40)
    assert slow == (
        "converges slowly: finishes in about 7 min (5-9 min), sooner with 800 ms of downtime;"
        " auto-converge slows the vCPUs by 40 %"
    )
    assert sentence_of(Verdict.POST_COPY, eta=3.2) == "in post-copy: finishes in about 3 s"
    assert sentence_of(Verdict.POST_COPY) == "in post-copy"
    assert sentence_of(Verdict.UNKNOWN) == "too early to say"

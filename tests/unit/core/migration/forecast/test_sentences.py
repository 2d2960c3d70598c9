"""The verdict on a migration in words."""

from __future__ import annotations

import pytest

from core.migration.forecast.sentences import sentence_of
from core.model.forecast import Verdict


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
        " auto-converge slows the vCPUs by 40%"
    )
    assert sentence_of(Verdict.POST_COPY, eta=3.2) == "in post-copy: finishes in about 3 s"
    assert sentence_of(Verdict.POST_COPY) == "in post-copy"
    assert sentence_of(Verdict.UNKNOWN) == "too early to say"


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.21, "1.3x"), (3.0, "3x"), (3.25, "3.3x"), (11.2, "12x")]
)
def test_what_is_needed_is_rounded_up(factor: float, expected: str) -> None:
    stuck = sentence_of(
        Verdict.NOT, max_downtime=300, needed_downtime=5217, factor=factor, post_copy=False
    )
    assert f"{expected} the bandwidth" in stuck

"""A wait for a guest in words: what comes when, never a time that is past."""

from __future__ import annotations

import pytest

from console.cli.waiting import waiting_words
from console.countdown import countdown_words, elapsed_share, elapsed_words
from core.model import ObjectKey, OperationRecord
from core.model.operation import Countdown

WAIT = Countdown(100.0, 160.0, "its power is cut", 2, 121.0)
ENDLESS = Countdown(100.0, None, "", 7, 214.0)


@pytest.mark.parametrize(
    ("countdown", "now", "words"),
    [
        (WAIT, 112.0, "asked twice, again in 9 s; its power is cut in 48 s"),
        (WAIT, 125.0, "asked twice; its power is cut in 35 s"),
        (WAIT, 170.0, "asked twice; its time is up"),
        (Countdown(100.0, 160.0, "they are thawed", 0), 150.0, "they are thawed in 10 s"),
        (Countdown(100.0, 160.0, "they are thawed", 0), 161.0, "they are thawed now"),
        (Countdown(100.0, 160.0, "it is given up"), 101.0, "asked once; it is given up in 59 s"),
        (ENDLESS, 200.0, "asked 7 times, again in 14 s; waited for as long as it takes"),
    ],
)
def test_what_comes_when(countdown: Countdown, now: float, words: str) -> None:
    assert countdown_words(countdown, now) == words


def test_how_much_of_its_time_is_over() -> None:
    assert (elapsed_words(WAIT, 121.0), elapsed_share(WAIT, 121.0)) == ("21/60s", 0.35)
    assert (elapsed_words(ENDLESS, 175.0), elapsed_share(ENDLESS, 175.0)) == ("75s", None)
    assert (elapsed_share(WAIT, 90.0), elapsed_share(WAIT, 999.0)) == (0.0, 1.0)


def record(name: str, countdown: Countdown | None = None) -> OperationRecord:
    key = ObjectKey("instance", "alpha", name)
    return OperationRecord(name, "shutdown", "alpha", key, name, "ann", 100.0, countdown=countdown)


def test_the_command_line_counts_down_for_one_and_names_many() -> None:
    one = waiting_words([record("web", WAIT)], 112.0)
    assert one == "web: asked twice, again in 9 s; its power is cut in 48 s"
    many = waiting_words([record(name, WAIT) for name in ("a", "b", "c", "d")], 112.0)
    assert many.startswith("waiting for a, b, c and 1 more, ")

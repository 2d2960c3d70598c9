"""The ring buffers behind the charts."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import SERIES, JobSample, ObjectKey, Rates
from core.state.history import JOB_SAMPLES, SAMPLES, HistoryBuffers, TrackBuffers

KEY = ObjectKey("instance", "alpha", "web")
values = st.none() | st.integers(0, 2**20)


@given(st.lists(values, max_size=3 * SAMPLES))
def test_the_last_samples_in_their_order(given_values):
    histories = HistoryBuffers()
    for at, value in enumerate(given_values):
        histories.add(KEY, Rates(float(at), cpu=value, sent=value))
    assert histories.series(KEY, "cpu") == given_values[-SAMPLES:]
    assert histories.series(KEY, "sent") == given_values[-SAMPLES:]
    assert histories.series(KEY, "read") == [None] * min(SAMPLES, len(given_values))


def test_a_sample_stands_for_its_ticks():
    histories = HistoryBuffers()
    histories.add(KEY, Rates(1.0, cpu=5.0))
    histories.add(KEY, Rates(4.0, cpu=7.0), 3)
    assert histories.series(KEY, "cpu") == [5.0, 7.0, 7.0, 7.0]
    assert histories.series(KEY, "cpu", 2) == [7.0, 7.0]
    histories.add(KEY, Rates(900.0, cpu=1.0), 10**9)
    assert histories.series(KEY, "cpu") == [1.0] * SAMPLES


def test_gaps_and_drops():
    histories = HistoryBuffers()
    histories.gap(KEY)
    assert histories.series(KEY, "cpu") == []
    histories.add(KEY, Rates(1.0, cpu=5.0))
    histories.gap(KEY)
    assert histories.series(KEY, "cpu") == [5.0, None]
    histories.drop(KEY)
    assert histories.series(KEY, "cpu") == []
    with pytest.raises(KeyError):
        histories.series(KEY, "no such series")


def test_full_rings_are_small():
    histories = HistoryBuffers()
    rates = Rates(1.0, 1.0, 2, 3, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    tracemalloc.start()
    for number in range(100):
        for _ in range(SAMPLES + 5):
            histories.add(ObjectKey("instance", "alpha", str(number)), rates)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1_000_000
    assert len(SERIES) == 6


@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=80), st.integers(1, 90))
@settings(max_examples=60)
def test_samples_of_a_long_migration_stay_spread_over_its_whole_time(
    steps: list[float], rounds: int
) -> None:
    tracks, at = TrackBuffers(), 0.0
    for number in range(rounds * 40):
        at += steps[number % len(steps)]
        tracks.add("m", JobSample(at))
    kept = [sample.at for sample in tracks.samples("m")]
    assert kept == sorted(kept)
    assert len(kept) <= JOB_SAMPLES
    assert (kept[0], kept[-1]) == (steps[0], at)
    widest = max((b - a for a, b in pairwise(kept)), default=0.0)
    assert widest <= max(steps) + 2 * at / (JOB_SAMPLES // 3)

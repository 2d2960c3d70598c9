"""The charts of a migration over time, and the moments marked in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.glyphs import ASCII, UNICODE, glyphs
from console.screens.migrations.charts import (
    MigrationCharts,
    TimeSpan,
    columns_of,
    marks_line,
    span_of,
    tracks_of,
    with_rules,
)
from console.screens.migrations.controls import stepped
from console.screens.migrations.migration import chart_height
from console.widgets.charts import bar
from console.widgets.columns import fit
from core.model import JobSample
from tests.unit.migration_builders import MIB, START, migration, sawtooth


def sample(at: float, remaining: int | None) -> JobSample:
    return JobSample(at, memory_remaining=remaining)


def left(one: JobSample) -> float | None:
    return one.memory_remaining


def test_a_column_has_the_last_value_of_its_time_and_an_empty_one_the_value_before():
    span = TimeSpan(0.0, 10.0)
    samples = [sample(0.0, 9), sample(4.0, 5), sample(4.4, 4), sample(10.0, 1)]
    assert columns_of(samples, left, span, 10) == [9, 9, 9, 9, 4, 4, 4, 4, 4, 1]


def test_before_the_first_and_after_the_last_nothing_is_known():
    samples = [sample(4.0, 5)]
    assert columns_of(samples, left, TimeSpan(0.0, 10.0), 5) == [None, None, 5, None, None]


def test_an_unknown_value_is_a_gap_and_not_the_one_before():
    samples = [sample(0.0, 9), sample(5.0, None), sample(9.0, 3)]
    assert columns_of(samples, left, TimeSpan(0.0, 9.0), 9) == [9, 9, 9, 9, 9, None, None, None, 3]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 9)), max_size=40),
    st.integers(0, 60),
)
def test_there_are_always_as_many_columns_as_cells(points: list[tuple[float, int]], width: int):
    samples = [sample(at, value) for at, value in sorted(points)]
    columns = columns_of(samples, left, TimeSpan(0.0, 100.0), width)
    assert len(columns) == width
    assert all(value is None or 0 <= value <= 9 for value in columns)
    if points and width:
        assert columns[min(width - 1, int(samples[-1].at / 100 * width))] == (
            samples[-1].memory_remaining
        )


def test_iterations_are_numbered_where_they_begin_and_the_switch_has_its_letter():
    span = TimeSpan(0.0, 20.0, (0.0, 4.0, 8.0, 16.0), 12.0)
    assert marks_line(span, 20, UNICODE) == "1   2   3   P   4   "


def test_iterations_too_close_for_a_number_have_a_mark():
    span = TimeSpan(0.0, 20.0, tuple(10.0 + number for number in range(9)))
    line = marks_line(span, 20, ASCII)
    assert line == "          1:3:5:7:9 "


@given(
    st.lists(st.floats(-10, 120), max_size=150),
    st.one_of(st.none(), st.floats(-10, 120)),
    st.integers(0, 90),
)
def test_the_line_of_marks_always_fits(passes: list[float], switched: float | None, width: int):
    span = TimeSpan(0.0, 100.0, tuple(sorted(passes)), switched)
    assert len(marks_line(span, width, UNICODE)) == width
    assert [len(row) for row in with_rules([" " * width], span, UNICODE)] == [width]


def test_a_rule_stands_only_where_no_block_does():
    rows = with_rules(["  █ ", "████"], TimeSpan(0.0, 4.0, (1.0, 2.0)), UNICODE)
    assert rows == [" ┊█ ", "████"]


def test_the_span_is_from_the_start_to_the_last_reading_or_the_end():
    assert span_of(migration(), []) is None
    samples = sawtooth()
    running = span_of(migration(), samples)
    assert running is not None
    assert (running.start, running.end) == (START, samples[-1].at)
    over = span_of(migration(ended=START + 99), samples)
    assert over is not None
    assert over.end == START + 99


def test_the_dirty_rate_is_not_known_in_the_first_iteration():
    assert JobSample(0.0, dirty_rate=0.0, iteration=1).rewritten is None
    assert JobSample(0.0, dirty_rate=0.0, iteration=2).rewritten == 0.0
    assert JobSample(0.0, dirty_rate=5.0, iteration=1).rewritten == 5.0
    assert JobSample(0.0, iteration=3).rewritten is None


@pytest.mark.parametrize("seconds", [3, 12])
def test_what_is_not_known_has_no_scale_of_another_figure(seconds: int):
    charts = MigrationCharts()
    charts.show(migration(), sawtooth(seconds), 3)
    texts = ["".join(text for text, _ in fit(line, 120)) for line in charts.lines(120)]
    place = next(number for number, text in enumerate(texts) if text.startswith(" dirtied"))
    known = seconds > 4
    assert (" -  " in texts[place]) is not known
    assert ("top" in texts[place + 1]) is known


def test_disks_have_a_track_of_their_own_where_they_are_copied():
    names = [track.name for track in tracks_of(migration(), sawtooth())]
    assert names == ["remaining", "sent", "dirtied"]
    copied = [track.name for track in tracks_of(migration(copied_disks=("vda",)), [])]
    assert copied == ["remaining", "disks left", "sent", "dirtied"]
    foreign = [track.name for track in tracks_of(migration(), sawtooth(disk_total=MIB))]
    assert "disks left" in foreign


def test_throughput_and_dirty_rate_can_be_compared():
    scales = {track.name: track.scale for track in tracks_of(migration(), [])}
    assert scales["sent"] == scales["dirtied"] != scales["remaining"]


def test_charts_give_way_on_a_low_terminal():
    assert chart_height(80, 24, 3) == 1
    assert chart_height(120, 40, 3) > 1
    assert chart_height(200, 50, 3) > chart_height(120, 40, 3)
    assert chart_height(200, 50, 4) < chart_height(200, 50, 3)


def test_a_step_is_half_as_much_again_in_round_figures():
    assert [stepped(value, 1.5) for value in (300.0, 450.0, 1.0)] == [450.0, 680.0, 2.0]
    assert stepped(300.0, 1 / 1.5) == 200.0
    assert stepped(1.0, 1 / 1.5) == 1.0


@pytest.mark.parametrize("width", [5, 10, 30])
@pytest.mark.parametrize("share", [0.9, 0.97, 0.99])
def test_a_bar_is_full_only_when_everything_is_done(share: float, width: int):
    assert bar(share, width) != glyphs().full * width
    assert bar(1.0, width) == glyphs().full * width
    assert bar(None, width) == glyphs().gap * width


def test_nothing_is_dirtied_that_must_be_sent_again_in_post_copy():
    row = migration(switched=START + 10)
    (track,) = [track for track in tracks_of(row, []) if track.name == "dirtied"]
    before, after = sawtooth()[19], sawtooth()[20]
    assert (before.at, after.at) == (START + 9.5, START + 10)
    assert track.read(before) == 80 * MIB
    assert track.read(after) is None

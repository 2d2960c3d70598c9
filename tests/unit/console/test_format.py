"""Numbers, times and states in words."""

from __future__ import annotations

import math
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console import format as fmt
from console.glyphs import ASCII, UNICODE, glyphs_for, use_glyphs
from console.screens.chrome import link_sign
from console.screens.migrations.words import status_sign as migration_status_sign
from console.screens.operations.operations import status_sign as operation_status_sign
from core.model import LinkStatus, MigrationStatus, OperationStatus
from core.model.instance import InstanceState


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "-"),
        (0, "0B"),
        (512, "512B"),
        (1023, "1023B"),
        (1024, "1.0K"),
        (1536 * 1024**2, "1.5G"),
        (12 * 1024**2, "12M"),
        (1024**2 - 1, "1.0M"),
        (10 * 1024 - 1, "10K"),
        (-2048, "-2.0K"),
        (5 * 1024**6, "5.0E"),
    ],
)
def test_size(value, text):
    assert fmt.size(value) == text


@given(st.integers(0, 2**63))
def test_a_size_fits_five_cells(value):
    assert len(fmt.size(value)) <= 5


def test_rates_counts_and_percents():
    assert fmt.rate(12 * 1024**2) == "12M/s"
    assert fmt.rate(0) == "0B/s"
    assert fmt.rate(None) == "-"
    assert fmt.count(1234567) == "1,234,567"
    assert fmt.count(None) == "-"
    counts = [fmt.short_count(number) for number in (0, 999, 1200, 15e6, None)]
    assert counts == ["0", "999", "1.2k", "15M", "-"]
    shares = [fmt.percent(share) for share in (None, 0, 0.001, 0.5, 12.5)]
    assert shares == ["-", "0%", "<1%", "50%", "1250%"]
    assert fmt.percent(0.1234, 1) == "12.3%"
    halves = [fmt.percent(share) for share in (0.005, 0.0051, 0.9949, 0.995, 0.99999, 1.0)]
    assert halves == ["<1%", "1%", "99%", ">99%", ">99%", "100%"]
    assert fmt.percent(0.9999, 1) == ">99.9%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0.0s"),
        (0.34, "0.3s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (8040, "2h14m"),
        (3 * 86400 + 4 * 3600, "3d04h"),
        (95 * 86400, "95d"),
        (-42, "-42s"),
    ],
)
def test_duration(seconds, text):
    assert fmt.duration(seconds) == text


def test_ages_and_clock_times():
    assert fmt.age(100.0, 142.9) == "42s"
    assert fmt.age(200.0, 100.0) == "0s"
    assert fmt.age(None, 1.0) == "-"
    assert fmt.clock_time(0, UTC) == "00:00:00"
    assert fmt.date_time(86400 * 365, UTC) == "1971-01-01 00:00:00"
    assert fmt.clock_time(None) == "-"
    for far in (1e308, -1e308, 1e15, -1e15, 253402300800.0 + 86400):
        assert fmt.date_time(far) == "-"


def test_lists_and_tallies():
    assert fmt.plural(1, "instance") == "1 instance"
    assert fmt.plural(2000, "entry", "entries") == "2,000 entries"
    assert fmt.names(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert fmt.names(["a"]) == "a"
    assert fmt.tally(13, []) == "13 ok"
    assert fmt.tally(13, ["web: no disk", "db: refused"]) == (
        "13 ok, 2 failed: web: no disk; db: refused"
    )
    assert fmt.tally(0, ["a", "b", "c", "d"]) == "0 ok, 4 failed: a; b; c; and 1 more"


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_every_state_has_a_glyph_and_word_of_its_own(signs):
    use_glyphs(signs)
    try:
        shown = [fmt.instance_state(state) for state in InstanceState]
    finally:
        use_glyphs(UNICODE)
    assert len({sign.glyph for sign in shown}) == len(shown)
    assert len({sign.word for sign in shown}) == len(shown)


@pytest.mark.parametrize(
    ("states", "sign_of"),
    [
        (InstanceState, fmt.instance_state),
        (OperationStatus, operation_status_sign),
        (MigrationStatus, migration_status_sign),
        (LinkStatus, link_sign),
    ],
)
def test_a_state_has_the_same_word_on_the_screen_in_the_filter_and_in_the_json(states, sign_of):
    assert [sign_of(state).word for state in states] == [state.value for state in states]


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_every_glyph_is_one_cell_wide(signs):
    assert all(cell_len(sign) == 1 for entry in signs for sign in entry)
    assert len(signs.blocks) == 8


def test_glyphs_follow_the_terminal():
    assert glyphs_for({"TERM": "xterm"}, "UTF-8") is UNICODE
    assert glyphs_for({"TERM": "linux"}, "UTF-8") is ASCII
    assert glyphs_for({}, "ISO-8859-1") is ASCII
    assert glyphs_for({"LANG": "en_IE.UTF-8", "LC_ALL": "C"}, "UTF-8") is ASCII
    assert glyphs_for({"LANG": "C", "LC_ALL": "C.UTF-8"}, "UTF-8") is UNICODE

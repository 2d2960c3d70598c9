"""Numbers, times and states in words."""

from __future__ import annotations

from datetime import UTC

import pytest
from rich.cells import cell_len

from console import format as fmt
from console.glyphs import ASCII, UNICODE, glyphs_for, use_glyphs
from console.status_signs import status_sign
from core.model import LinkStatus, MigrationStatus, OperationStatus
from core.model.instance import InstanceState


def test_counts_and_percents():
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


def test_clock_times():
    assert fmt.clock_time(0, UTC) == "00:00:00"
    assert fmt.date_time(86400 * 365, UTC) == "1971-01-01 00:00:00"
    assert fmt.clock_time(None) == "-"
    for far in (1e308, -1e308, 1e15, -1e15, 253402300800.0 + 86400):
        assert fmt.date_time(far) == "-"


def test_tallies():
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
        (OperationStatus, status_sign),
        (MigrationStatus, status_sign),
        (LinkStatus, status_sign),
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

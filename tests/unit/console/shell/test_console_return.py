"""A console that is opened again by itself is tried for a while, and each time anew."""

from __future__ import annotations

from console.shell.console_state import PATIENCE, Return


def test_it_is_tried_for_so_long_from_the_first_time_on():
    found = Return()
    assert not found.goes_on(100.0), "nobody has begun: what is opened by hand fails at once"
    found.begin(100.0)
    found.begin(100.0 + PATIENCE / 2)
    assert found.goes_on(100.0 + PATIENCE - 1)
    assert not found.goes_on(100.0 + PATIENCE)
    found.end()
    found.begin(1000.0)
    assert found.goes_on(1001.0)

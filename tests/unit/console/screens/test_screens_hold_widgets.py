"""How screens get at their widgets: a rule that keeps them from looking for what is not there."""

from __future__ import annotations

import re

from tests.places import ROOT_DIRECTORY

CONSOLE = ROOT_DIRECTORY / "console"


def test_no_screen_looks_for_a_widget_it_could_hold() -> None:
    """`query_one` raises before the widgets are mounted and while they are taken down."""
    found = [
        f"{path.relative_to(CONSOLE)}: {line.strip()}"
        for path in CONSOLE.rglob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"\.(query_one|query_exactly_one|get_child_by_\w+|get_widget_by_id)\(", line)
        or re.search(r"\.query\(.*\)\.(first|last|only_one)\(", line)
    ]
    assert not found

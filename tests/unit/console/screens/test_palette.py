"""What the command palette finds."""

from __future__ import annotations

from console.actions.registry import ACTIONS
from console.screens.dialogs.palette import action_entries, search


def test_what_no_action_is_called_is_found_by_what_an_action_says() -> None:
    lines = action_entries("instances", ACTIONS, read_only=False, tape=False)
    assert [line.title for line in search("pools", lines, ())][:1] == ["screen: Volumes"]
    assert search("xyzzy", lines, ()) == []

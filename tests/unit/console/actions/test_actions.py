"""The action registry and what is made from it."""

from __future__ import annotations

from typing import get_args

import pytest
from textual.binding import Binding

from console.actions.registry import (
    ACTIONS,
    LAYERS,
    Action,
    Scope,
    action,
    actions_on,
    bindings_for,
    conflicts,
    footer_entries,
    help_sections,
    key_label,
    keyboard_page,
    palette_entries,
    with_keys,
)
from core.verbs.caution import Caution
from tests.places import ROOT_DIRECTORY

KEYBOARD_PAGE = ROOT_DIRECTORY / "docs" / "keyboard.md"


def test_no_key_has_two_meanings_on_a_screen():
    assert conflicts() == []


def test_conflicts_are_found_where_scopes_meet():
    twice = with_keys({"instances.faults": ("o",)})
    assert {(clash.layer, clash.key) for clash in conflicts(twice)} == {("instances", "o")}
    apart = with_keys({"events.hold": ("R",), "hosts.reconnect": ("R",)})
    assert conflicts(apart) == []


def test_ids_are_unique_and_every_scope_is_on_a_screen():
    assert len({entry.id for entry in ACTIONS}) == len(ACTIONS)
    on_screens = {scope for scopes in LAYERS.values() for scope in scopes}
    assert on_screens == set(get_args(Scope))
    assert {entry.scope for entry in ACTIONS} == on_screens


def test_keys_are_spelt_as_textual_reports_them():
    for binding in bindings_for(*get_args(Scope)):
        assert isinstance(binding, Binding)
        made = list(Binding.make_bindings([binding]))
        assert [entry.key for entry in made] == binding.key.split(",")
        assert binding.id == action(str(binding.id)).id


def test_number_keys_are_the_screens():
    numbers = {entry.keys[0]: entry.id for entry in ACTIONS if entry.id.startswith("screen.")}
    assert numbers == {
        "1": "screen.instances",
        "2": "screen.hosts",
        "3": "screen.volumes",
        "4": "screen.operations",
        "5": "screen.events",
        "6": "screen.migrations",
        "7": "screen.networks",
    }


def test_what_can_lose_work_is_typed_and_on_a_capital():
    dangerous = [entry for entry in ACTIONS if entry.dangerous]
    with_keys_ = {entry.id for entry in dangerous if entry.keys}
    assert with_keys_ == {"power.stop", "power.reset", "hosts.drain"}
    for entry in dangerous:
        assert entry.needs_write
        assert all(key.isupper() and len(key) == 1 for key in entry.keys)


def test_a_power_verb_that_stops_a_guest_always_asks():
    for verb in ("shutdown", "reboot", "pause"):
        assert action(f"power.{verb}").caution is Caution.KEY


def test_footer_hides_writes_when_read_only():
    writes = Action("x.y", "Y", ("Y",), "global", "g", "d.", "y", True, True)
    shown = footer_entries("help", actions=[*ACTIONS, writes])
    hidden = footer_entries("help", read_only=True, actions=[*ACTIONS, writes])
    assert [entry for *_, entry in shown if entry not in [e for *_, e in hidden]] == [writes]


def test_palette_says_group_and_verb_and_leaves_writes_out_when_read_only():
    titles = [entry.title for entry in palette_entries("instances")]
    assert "power: Start" in titles
    assert len(set(titles)) == len(titles)
    assert "power: Start" not in [e.title for e in palette_entries("instances", read_only=True)]


@pytest.mark.parametrize("layer", LAYERS)
def test_help_has_every_action_of_the_screen(layer):
    shown = {line[1] for section in help_sections(layer) for line in section.lines}
    assert shown == {entry.title for entry in actions_on(layer)}


def test_key_labels():
    assert [key_label(k) for k in ("question_mark", "ctrl+backslash", "ctrl+@", "shift+left")] == [
        "?",
        "^\\",
        "^space",
        "shift+left",
    ]


def test_the_keyboard_page_is_the_generated_one():
    assert KEYBOARD_PAGE.read_text("utf-8") == keyboard_page(), (
        "write it again: python -c 'from console.actions.registry import keyboard_page;"
        ' print(keyboard_page(), end="")\' > docs/keyboard.md'
    )

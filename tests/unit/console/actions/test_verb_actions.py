"""The actions and menus of verbs, made from their declarations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.actions.keymap import read_keymap
from console.actions.registry import (
    action,
    help_sections,
    keyboard_page,
    palette_entries,
    registered,
    with_keys,
)
from console.actions.verb_menu import letters, menus
from console.actions.verbs import DIRECT, SCOPES, verb_actions
from console.screens.proposal import fits
from core.model import Instance, InstanceState
from core.verbs.registry import VERBS
from tests.declared import POKE, declared

WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, type="kvm")


@pytest.fixture
def poke() -> Iterator[None]:
    with declared(POKE):
        yield


def useful(row: Instance) -> list[str]:
    return [name for name in DIRECT if VERBS[name].about(row.key) and fits(VERBS[name], row)]


def test_the_identifiers_of_keymaps_stay():
    ids = {entry.id for entry in verb_actions()}
    assert {f"power.{name}" for name in DIRECT if name != "drain"} <= ids
    assert "hosts.drain" in ids
    assert read_keymap({"power.start": "O", "power.migrate": "ctrl+g"})


def test_every_verb_on_a_screen_has_an_action_that_says_what_its_declaration_does():
    made = {entry.call: entry for entry in verb_actions()}
    for verb in VERBS.values():
        if verb.subject in SCOPES:
            entry = made[f"verb('{verb.name}')"]
            assert (entry.title, entry.description) == (verb.title, verb.help)
            assert (entry.group, entry.caution) == (verb.group, verb.risk.caution)
            assert entry.needs_write


@pytest.mark.usefixtures("poke")
def test_a_verb_declared_at_run_time_is_in_palette_help_keymap_and_the_page_of_keys():
    assert action("power.poke").menu == "go"  # k is that of keys, p that of passwords
    now = registered()
    assert "guest: Poke" in [line.title for line in palette_entries("instances", actions=now)]
    lines = [line for section in help_sections("instances", now) for line in section.lines]
    assert [line[2] for line in lines if line[1] == "Poke"] == [f"{POKE.help} Asks first."]
    assert "| Poke | Poke it, and see" in keyboard_page(now)
    keymap = read_keymap({"power.poke": "K"})
    assert [entry.keys for entry in with_keys(keymap) if entry.id == "power.poke"] == [("K",)]


def test_without_it_there_is_none():
    with pytest.raises(KeyError):
        action("power.poke")


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("running", ["shutdown", "migrate", "reboot", "pause", "stop", "reset"]),
        ("paused", ["resume", "migrate", "stop", "reset"]),
        ("shutting-down", ["stop"]),
        ("shutoff", ["start", "migrate"]),
        ("crashed", ["stop", "reset"]),
        ("suspended", ["resume", "migrate", "stop"]),
    ],
)
def test_the_footer_offers_what_no_state_speaks_against(state: str, verbs: list[str]):
    assert useful(replace(WEB, state=InstanceState(state))) == verbs


def test_the_footer_offers_nothing_that_the_driver_lacks():
    assert "reset" not in useful(replace(WEB, type="xen"))


def test_the_groups_of_the_menu_hold_every_verb_of_their_subject_once():
    for kind in SCOPES:
        shown = [line.verb for group in menus(VERBS.values(), kind) for line in group.lines]
        assert sorted(verb.name for verb in shown) == sorted(
            verb.name for verb in VERBS.values() if verb.subject == kind
        )


@given(st.lists(st.tuples(st.sampled_from(["", "s", "S", "x"]), st.text(max_size=5)), max_size=40))
def test_no_two_lines_of_a_menu_have_one_letter(wanted: list[tuple[str, str]]):
    given_ = letters(wanted)
    assert len(set(given_)) == len(wanted)
    first: dict[str, int] = {}
    for place, (letter, _) in enumerate(wanted):
        if letter and letter not in first:
            first[letter] = place
    assert all(given_[place] == letter for letter, place in first.items())


def test_a_line_without_a_letter_has_the_next_of_its_title():
    assert letters([("s", "Save"), ("", "Start"), ("s", "Stop")]) == ["s", "t", "o"]

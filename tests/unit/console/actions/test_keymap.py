"""An operator's own keys."""

from __future__ import annotations

import pytest

from console.actions.keymap import read_keymap, textual_keymap
from core.errors import SettingsError


def test_keys_are_made_canonical():
    keymap = read_keymap({"power.start": ["O", "ctrl+o"], "list.filter": "&"})
    assert keymap == {"power.start": ("O", "ctrl+o"), "list.filter": ("ampersand",)}
    assert textual_keymap(keymap) == {"power.start": "O,ctrl+o", "list.filter": "ampersand"}


def test_a_comma_and_a_plus_can_be_keys():
    assert read_keymap({"power.start": [",", "+"]}) == {"power.start": ("comma", "plus")}


def test_two_actions_may_swap_their_keys():
    keymap = read_keymap({"power.start": "u", "power.resume": "o"})
    assert keymap["power.start"] == ("u",)


@pytest.mark.parametrize(
    ("raw", "words", "cure"),
    [
        ({"power.strt": "x"}, "unknown action 'power.strt'", "power.start"),
        ({"frobnicate": "x"}, "unknown action 'frobnicate'", "keyboard page"),
        ({"power.start": "p"}, "'power.start' on p, which 'power.pause' has", "power.pause"),
        ({"global.quit": "escape"}, "which 'global.back' has", "global.back"),
        ({"power.start": "ctrl+pp"}, "unknown key 'ctrl+pp'", ""),
        ({"power.start": "hyper+x"}, "unknown key 'hyper+x'", ""),
        ({"power.start": "pagedwn"}, "unknown key 'pagedwn'", "pagedown"),
        ({"power.start": ""}, "unknown key ''", ""),
        ({"power.start": []}, "no key", "leave the line out"),
        ({"power.start": "X", "power.stop": "X"}, "on X", ""),
    ],
)
def test_what_cannot_be_used_is_named(raw, words, cure):
    with pytest.raises(SettingsError) as caught:
        read_keymap(raw)
    assert words in caught.value.message
    assert cure in caught.value.hint
    assert caught.value.hint

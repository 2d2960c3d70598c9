"""An operator's own keys: `[keymap]` of the configuration file, checked against the registry.

Pure: any thread. A key that two actions of one screen would share is refused with both names.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

from textual.binding import Binding
from textual.keys import Keys

from console.actions.registry import Conflict, conflicts, key_label, registered, with_keys
from core.errors import SettingsError
from core.model.text import did_you_mean

Keymap = Mapping[str, tuple[str, ...]]
"""Action id -> Textual key names."""

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super"})


def read_keymap(raw: Mapping[str, str | Sequence[str]]) -> Keymap:
    """Check the keymap of a configuration file and return it with canonical key names.

    A value is one key (`"x"`, `"ctrl+x"`, `"?"`, `"f5"`) or a list of them. Raises SettingsError
    for an unknown action, an unknown key and two actions on one key of one screen.
    """
    known = {entry.id for entry in registered()}
    keymap: dict[str, tuple[str, ...]] = {}
    for action_id, keys in raw.items():
        if action_id not in known:
            hint = did_you_mean(action_id, known) or "The keyboard page lists every identifier."
            raise SettingsError(f"The keymap names the unknown action '{action_id}'.", hint)
        wanted = [keys] if isinstance(keys, str) else list(keys)
        if not wanted:
            raise SettingsError(
                f"The keymap gives '{action_id}' no key.", "Name a key, or leave the line out."
            )
        keymap[action_id] = tuple(_canonical(key, action_id) for key in wanted)
    clashes = conflicts(with_keys(keymap))
    if clashes:
        raise _clash_error(clashes[0], keymap)
    return keymap


def textual_keymap(keymap: Keymap) -> dict[str, str]:
    """The keymap as `App.set_keymap` takes it."""
    return {action_id: ",".join(keys) for action_id, keys in keymap.items()}


def _canonical(key: str, action_id: str) -> str:
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    if not _is_key(name) or not _MODIFIERS.issuperset(modifiers):
        raise SettingsError(
            f"The keymap gives '{action_id}' the unknown key '{key}'.",
            did_you_mean(name, _NAMES) or "Write a key as x, X, ?, f5, ctrl+x or shift+left.",
        )
    (binding,) = Binding.make_bindings([Binding(_spelt(key), "none")])
    return binding.key


def _spelt(key: str) -> str:
    return "comma" if key == "," else key


def _is_key(name: str) -> bool:
    return (len(name) == 1 and name.isprintable()) or name in _NAMES


def _clash_error(clash: Conflict, keymap: Keymap) -> SettingsError:
    mine, other = clash.first, clash.second
    if mine.id not in keymap:
        mine, other = other, mine
    return SettingsError(
        f"The keymap puts '{mine.id}' on {key_label(clash.key)}, which '{other.id}' has on the "
        f"{clash.layer} screen.",
        f"Choose another key, or give '{other.id}' a new one too.",
    )


def _punctuation_names() -> set[str]:
    signs = [sign for sign in string.punctuation if sign != ","]
    return {binding.key for binding in Binding.make_bindings([Binding(s, "none") for s in signs])}


_NAMES = frozenset(
    {key.value.split("+")[-1] for key in Keys if not key.value.startswith("<")}
    | _punctuation_names()
    | {"comma"}
)
"""Every name Textual gives a key, without modifiers."""

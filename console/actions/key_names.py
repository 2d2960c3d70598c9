"""What keys are called for people, and which of an action's reach it on a screen. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from console.actions.types import Action

TYPED = ("editor",)
"""Screens on which keys of one sign are typed into a text."""

_LABELS: Mapping[str, str] = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "asterisk": "*",
    "backslash": "\\",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "minus": "-",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "@": "space",
    "at": "@",
}


def key_label(key: str) -> str:
    """How a key is written for people: `ctrl+backslash` is `^\\`, `question_mark` is `?`."""
    *modifiers, name = key.split("+")
    label = _LABELS.get(name, name)
    for modifier in reversed(modifiers):
        label = f"^{label}" if modifier == "ctrl" else f"{modifier}+{label}"
    return label


def usable_keys(entry: Action, layer: str) -> tuple[str, ...]:
    """The keys of an action that reach it on a screen: a text that is edited takes all signs."""
    if layer not in TYPED:
        return entry.keys
    return tuple(key for key in entry.keys if len(key_label(key)) > 1)

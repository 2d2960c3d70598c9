"""The action registry: everything a key, the palette or a click can do, as data.

Bindings, footer, help, palette and the keyboard page of the documentation are made from it;
what is not in it can be neither bound nor found. Knows no widgets. Pure: any thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from textual.binding import Binding, BindingType

from console.actions.key_names import key_label, usable_keys
from console.actions.lists import ACTIONS, registered
from console.actions.notes import NOTES
from console.actions.operations import ROW_MENU
from console.actions.types import Action, Scope
from console.actions.verbs import MENU
from core.verbs.caution import Caution

__all__ = [
    "ACTIONS",
    "LAYERS",
    "Action",
    "Conflict",
    "HelpSection",
    "PaletteEntry",
    "Scope",
    "action",
    "actions_on",
    "bindings_for",
    "conflicts",
    "elsewhere",
    "footer_entries",
    "help_notes",
    "help_sections",
    "key_label",
    "keyboard_page",
    "palette_entries",
    "registered",
    "with_keys",
]

LAYERS: Mapping[str, tuple[Scope, ...]] = {
    "instances": ("subjects", "power", "instances", "list", "table", "replay", "global"),
    "instance": ("subjects", "power", "instance", "replay", "global"),
    "hosts": ("subjects", "hosts", "panel", "list", "table", "replay", "global"),
    "devices": ("devices", "panel", "list", "table", "replay", "global"),
    "volumes": ("subjects", "volumes", "list", "table", "replay", "global"),
    "pool": ("subjects", "volumes", "panel", "list", "table", "replay", "global"),
    "volume": ("subjects", "volume", "volumes", "panel", "list", "table", "replay", "global"),
    "connections": ("connections", "panel", "list", "table", "replay", "global"),
    "images": ("subjects", "images", "panel", "list", "table", "replay", "global"),
    "networks": ("subjects", "networks", "list", "table", "replay", "global"),
    "snapshots": ("subjects", "snapshots", "panel", "list", "table", "replay", "global"),
    "consoles": ("consoles", "replay", "global"),
    "picture": ("picture", "replay", "global"),
    "operations": ("operations", "panel", "list", "table", "replay", "global"),
    "events": ("events", "list", "table", "replay", "global"),
    "migrations": ("steer", "migrations", "panel", "list", "table", "replay", "global"),
    "migration": ("steer", "migration", "replay", "global"),
    "report": ("report", "replay", "global"),
    "editor": ("editor", "replay", "global"),
    "help": ("replay", "global"),
    "calls": ("operations", "replay", "global"),
}
"""Screen -> the scopes whose keys work on it together, nearest first."""

_TITLES: Mapping[str, str] = {
    "global": "Everywhere",
    "table": "In every table",
    "list": "On every list",
    "panel": "On lists with a page beside them",
    "subjects": "Wherever something can be done to a row",
    "power": "On instances",
    "instances": "On the instances screen",
    "instance": "On one instance",
    "hosts": "On the hosts screen",
    "devices": "On the devices of a host",
    "volumes": "On the volumes screen, and on one pool or volume",
    "volume": "On one volume",
    "images": "On the base images",
    "connections": "On the connections of volumes",
    "networks": "On the networks screen",
    "snapshots": "On the snapshots of an instance",
    "consoles": "On a console, once it is let go of",
    "picture": "On the picture of a screen",
    "operations": "On operations",
    "events": "On the events screen",
    "steer": "On migrations",
    "migrations": "On the migrations screen",
    "migration": "On one migration",
    "report": "On a report",
    "editor": "In the editor of a definition",
    "replay": "While a tape is shown",
}


class PaletteEntry(NamedTuple):
    """A line of the command palette: "group: Verb", its help, and the action behind it."""

    title: str
    help: str
    action: Action


class HelpSection(NamedTuple):
    """A part of the help page: title and (keys, title, description) lines."""

    title: str
    lines: tuple[tuple[str, str, str], ...]


class Conflict(NamedTuple):
    """Two actions that would answer to one key on one screen."""

    layer: str
    key: str
    first: Action
    second: Action


def action(id: str) -> Action:  # noqa: A002 - the registry's own word
    """The action of that id. Raises KeyError."""
    found = {entry.id: entry for entry in registered()}
    return found[id]


def bindings_for(*scopes: Scope, actions: Iterable[Action] = ACTIONS) -> list[BindingType]:
    """Textual bindings for these scopes; their ids are the action ids, for `App.set_keymap`.

    One without a key is there too, so that a keymap can give it one: Textual takes no binding
    without a key, so it has one that no terminal sends.
    """
    return [
        Binding(
            ",".join(entry.keys) or f"no-key-{entry.id}",
            entry.call,
            entry.title,
            show=entry.show_in_footer,
            tooltip=entry.description,
            id=entry.id,
        )
        for entry in actions
        if entry.scope in scopes
    ]


def actions_on(layer: str, actions: Iterable[Action] = ACTIONS) -> list[Action]:
    """Every action that works on a screen, nearest scope first. Raises KeyError."""
    scopes = LAYERS[layer]
    return sorted(
        (entry for entry in actions if entry.scope in scopes),
        key=lambda entry: scopes.index(entry.scope),
    )


def elsewhere(key: str, layer: str, actions: Iterable[Action] = ACTIONS) -> str:
    """Where a key works that does nothing on this screen, as a sentence; empty: nowhere.

    Only keys of one sign: nobody expects `tab` to be explained. Raises KeyError.
    """
    here, label = LAYERS[layer], key_label(key)
    if len(label) != 1:
        return ""
    places: dict[str, list[str]] = {}
    for entry in actions:
        if key in entry.keys and entry.scope in _PLACES and entry.scope not in here:
            places.setdefault(entry.title, []).append(_TITLES[entry.scope].lower())
    told = ", ".join(f"{title} ({', '.join(where)})" for title, where in places.items())
    return f"{label} does nothing here. It is: {told}." if told else ""


_PLACES = ("power", "instances", "hosts", "volumes", "networks", "operations", "events", "steer")
"""Scopes whose keys people try on other screens."""


def footer_entries(
    layer: str, *, read_only: bool = False, actions: Iterable[Action] = ACTIONS
) -> list[tuple[str, str, Action]]:
    """What the footer of a screen shows: (key label, title, action), most special first."""
    return [
        (key_label(keys[0]), entry.short or entry.title, entry)
        for entry in actions_on(layer, actions)
        if entry.show_in_footer and not (read_only and entry.needs_write)
        if (keys := usable_keys(entry, layer))
    ]


def palette_entries(
    layer: str, *, read_only: bool = False, actions: Iterable[Action] = ACTIONS
) -> list[PaletteEntry]:
    """The palette's lines on a screen: everything that works there, as "group: Verb"."""
    return [
        PaletteEntry(f"{entry.group}: {entry.title}", entry.description, entry)
        for entry in actions_on(layer, actions)
        if not (read_only and entry.needs_write)
    ]


def help_sections(
    layer: str | None = None, actions: Iterable[Action] = ACTIONS
) -> list[HelpSection]:
    """The help of one screen (None: of all): a section per scope."""
    known = list(actions)
    scopes = LAYERS[layer] if layer else tuple(_TITLES)
    sections = []
    for scope in scopes:
        lines = tuple(
            (", ".join(keys_of(entry, known)), entry.title, _explained(entry))
            for entry in known
            if entry.scope == scope
        )
        if lines:
            sections.append(HelpSection(_TITLES[scope], lines))
    return sections


def help_notes() -> list[HelpSection]:
    """The help of what is no action: keys of questions and typed lines, the mouse."""
    return [HelpSection(title, notes) for title, notes in NOTES]


def keyboard_page(actions: Iterable[Action] = ACTIONS) -> str:
    """The keyboard page of the documentation, as Markdown."""
    parts = [
        "# Keyboard",
        "",
        "Generated from the action registry (`console/actions/registry.py`); do not edit.",
        "The identifier in the last column is what `[keymap]` in the configuration file names.",
    ]
    known = list(actions)
    for scope, title in _TITLES.items():
        parts += ["", f"## {title}", "", "| key | action | what it does | identifier |"]
        parts.append("| --- | --- | --- | --- |")
        for entry in known:
            if entry.scope == scope:
                keys = " ".join(f"`{keys}`" for keys in keys_of(entry, known))
                parts.append(f"| {keys} | {entry.title} | {_explained(entry)} | `{entry.id}` |")
    for title, notes in NOTES:
        parts += ["", f"## {title}", "", "| | | |", "| --- | --- | --- |"]
        parts += [f"| {keys} | {name} | {what} |" for keys, name, what in notes]
    return "\n".join(parts) + "\n"


def with_keys(keymap: Mapping[str, tuple[str, ...]]) -> tuple[Action, ...]:
    """The registry with an operator's keys in place of the default ones."""
    return tuple(
        replace(entry, keys=keymap[entry.id]) if entry.id in keymap else entry
        for entry in registered()
    )


def conflicts(actions: Iterable[Action] = ACTIONS) -> list[Conflict]:
    """Every pair of actions on one key of one screen; empty when the registry is sound."""
    known = list(actions)
    found = []
    for layer in LAYERS:
        owners: dict[str, list[Action]] = defaultdict(list)
        for entry in actions_on(layer, known):
            for key in entry.keys:
                owners[key].append(entry)
        for key, owning in owners.items():
            found += [Conflict(layer, key, owning[0], other) for other in owning[1:]]
    return found


def keys_of(entry: Action, actions: Iterable[Action]) -> list[str]:
    """The keys of an action, as written for people; `a p o` where a menu alone leads to it."""
    if entry.keys:
        return [key_label(key) for key in entry.keys]
    menus = [each for each in actions if each.call in (ROW_MENU, MENU.call)]
    own = [each for each in menus if each.scope == entry.scope]
    opening = next((each.keys[:1] for each in own or menus if own or each.call == MENU.call), ())
    return [" ".join([*map(key_label, opening), *entry.menu]) if opening and entry.menu else "-"]


def _explained(entry: Action) -> str:
    if entry.caution is Caution.NONE:
        return entry.description
    asks = " Asks you to type the name first." if entry.dangerous else " Asks first."
    return entry.description + asks

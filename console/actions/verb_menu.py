"""The menus of verbs: groups with letters, in each the verbs with theirs. Pure, any thread."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.actions.types import Action
from core.verbs.verb import Verb

GROUPS: Mapping[str, tuple[str, str]] = {
    "power": ("p", "Power"),
    "state": ("t", "Saved state"),
    "snapshots": ("s", "Snapshots"),
    "backups": ("b", "Backups"),
    "disks": ("d", "Disks"),
    "interfaces": ("i", "Network devices"),
    "devices": ("v", "Devices of the host"),
    "network": ("n", "Network"),
    "move": ("m", "Move to other hosts"),
    "guest": ("g", "Guest"),
    "resources": ("r", "Processors and memory"),
    "define": ("e", "Definition"),
    "tuning": ("x", "Tuning and devices"),
    "pool": ("p", "Pools"),
    "volume": ("v", "Volumes"),
    "create": ("c", "Create instances"),
}
"""Letter and title of each group, in the order shown; one that is not here comes last."""


@dataclass(frozen=True, slots=True)
class VerbLine:
    """A verb in a menu, by its letter there."""

    key: str
    verb: Verb


@dataclass(frozen=True, slots=True)
class ViewLine:
    """What a menu leads to that is no verb, by its letter there."""

    key: str
    action: Action


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """One menu."""

    key: str
    name: str
    title: str
    lines: tuple[VerbLine, ...]
    views: tuple[ViewLine, ...] = ()
    """What stands below them."""


def menus(verbs: Iterable[Verb], kind: str, views: Iterable[Action] = ()) -> tuple[VerbGroup, ...]:
    """Return the menus for subjects of a kind, as keys of objects name it."""
    inside: dict[str, tuple[list[Verb], list[Action]]] = {}
    for verb in verbs:
        if verb.subject == kind:
            inside.setdefault(verb.group, ([], []))[0].append(verb)
    for view in views:
        inside.setdefault(view.group, ([], []))[1].append(view)
    order = list(GROUPS)
    names = sorted(inside, key=lambda name: order.index(name) if name in GROUPS else len(order))
    faces = [GROUPS.get(name, ("", name.capitalize())) for name in names]
    return tuple(
        VerbGroup(key, name, title, *_lines(*inside[name]))
        for key, name, (_, title) in zip(letters(faces), names, faces, strict=True)
    )


def place_in(groups: Sequence[VerbGroup], verb: Verb) -> str:
    """Return the letters that lead to a verb: `po`; empty where it is in none."""
    return next(
        (
            f"{group.key}{line.key}"
            for group in groups
            for line in group.lines
            if line.verb.name == verb.name
        ),
        "",
    )


def letters(wanted: Sequence[tuple[str, str]]) -> list[str]:
    """Give each (letter, title) a letter of its own.

    The first that asks for a letter has it; the others have the first of their title that is left,
    as a small letter where possible, else any.
    """
    given: dict[int, str] = {}
    for place, (letter, _) in enumerate(wanted):
        if letter and letter not in given.values():
            given[place] = letter
    for place, (_, title) in enumerate(wanted):
        if place not in given:
            given[place] = _free(title, given.values())
    return [given[place] for place in range(len(wanted))]


def _free(title: str, taken: Iterable[str]) -> str:
    own = [sign for sign in title if sign in string.ascii_letters]
    choices = "".join(own).lower() + "".join(own).upper() + string.ascii_letters + string.digits
    used = set(taken)
    return next(sign for sign in choices if sign not in used)


def _lines(
    verbs: Sequence[Verb], views: Sequence[Action]
) -> tuple[tuple[VerbLine, ...], tuple[ViewLine, ...]]:
    wanted = [(verb.key, verb.title) for verb in verbs]
    keys = letters([*wanted, *(("", view.title) for view in views)])
    return (
        tuple(map(VerbLine, keys, verbs)),
        tuple(map(ViewLine, keys[len(verbs) :], views)),
    )

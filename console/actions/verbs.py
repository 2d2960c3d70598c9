"""The actions of verbs, made from their declarations (core.verbs).

Of those with a key of their own, a lower-case letter is gentle and the same upper-case letter
forceful. What the core says is lost is confirmed by typing the name: one wrong key at night must
not cost a guest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.actions.consoles import OPEN_CONSOLE
from console.actions.images import OPEN_IMAGES
from console.actions.picture import OPEN_PICTURE
from console.actions.types import Action, Scope
from console.actions.verb_menu import menus, place_in
from core.verbs.registry import VERBS
from core.verbs.verb import SubjectKind, Verb

DIRECT: dict[str, str] = {
    "start": "o",
    "resume": "u",
    "shutdown": "f",
    "migrate": "m",
    "reboot": "b",
    "pause": "p",
    "stop": "F",
    "reset": "B",
    "drain": "D",
}
"""The verbs that have a key of their own on the screen of their subjects, in the order in which a
footer offers them. The others are in the menu."""

QUIET: dict[str, str] = {"edit": "e", "network-edit": "e", "pool-edit": "e"}
"""Those that no footer offers, with their keys: there is always something more urgent."""

SCOPES: Mapping[SubjectKind, Scope] = {
    "instance": "power",
    "host": "hosts",
    "pool": "volumes",
    "volume": "volumes",
    "network": "networks",
    "snapshot": "snapshots",
}
"""Where the subjects of a kind are chosen; what is in no screen yet has no action."""


MENU = Action(
    "subjects.menu",
    "What can be done",
    ("a",),
    "subjects",
    "menu",
    "Show what can be done to the chosen rows, by letters; what cannot, and why.",
    "verb_menu",
    show_in_footer=True,
    needs_write=True,
    short="Actions",
)
"""The way to every verb."""


def verb_actions(verbs: Iterable[Verb] | None = None) -> tuple[Action, ...]:
    """An action for each verb, in the order of the declarations."""
    known = tuple(VERBS.values()) if verbs is None else tuple(verbs)
    shown = {kind: menus(known, kind, VIEWS.get(kind, ())) for kind in SCOPES}
    keys: dict[str, tuple[str, ...]] = {name: (key,) for name, key in (DIRECT | QUIET).items()}
    return tuple(
        Action(
            f"{SCOPES[verb.subject]}.{verb.name}",
            verb.title,
            keys.get(verb.name, ()),
            SCOPES[verb.subject],
            verb.group,
            verb.help,
            f"verb('{verb.name}')",
            needs_write=True,
            caution=verb.risk.caution,
            menu=place_in(shown[verb.subject], verb),
        )
        for verb in known
        if verb.subject in SCOPES
    )


_SNAPSHOTS = Action(
    "power.snapshots",
    "List snapshots",
    ("t",),
    "power",
    "snapshots",
    "Show the tree of the instance's snapshots.",
    "open_snapshots",
)

VIEWS: Mapping[str, tuple[Action, ...]] = {
    "instance": (_SNAPSHOTS, OPEN_CONSOLE, OPEN_PICTURE),
    "pool": (OPEN_IMAGES,),
    "volume": (replace(OPEN_IMAGES, group="volume"),),
}
"""What the menu of a kind leads to besides verbs, each in the menu of its group."""

INSTANCE_ROW: tuple[Action, ...] = (
    _SNAPSHOTS,
    OPEN_CONSOLE,
    OPEN_PICTURE,
    Action(
        "power.copy_name",
        "Copy name",
        ("c",),
        "power",
        "row",
        "Copy the name to the clipboard, over SSH too (OSC 52).",
        "copy_name",
    ),
)
"""What else can be done with the chosen instances."""

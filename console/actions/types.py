"""What an action is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.verbs.caution import Caution

Scope: TypeAlias = Literal[
    "global",
    "list",
    "table",
    "subjects",
    "power",
    "instances",
    "instance",
    "hosts",
    "devices",
    "volumes",
    "volume",
    "images",
    "connections",
    "networks",
    "snapshots",
    "consoles",
    "picture",
    "operations",
    "events",
    "steer",
    "migrations",
    "migration",
    "report",
    "panel",
    "replay",
    "editor",
]
"""Where an action works.

`table` is inside a live table, `list` on a screen made of one, `subjects` where objects are chosen
that verbs can be asked for, `power` wherever an instance is chosen, `steer` wherever a migration
is, `panel` on a list that has a page beside it, `replay` everywhere while a tape is shown; the
others are screens.
"""


@dataclass(frozen=True)
class Action:
    """One thing an operator can do.

    `id` is what a keymap names; `call` is the Textual action it runs (`method` or
    `method('argument')`); `keys` are Textual key names, the first is the one shown.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    scope: Scope
    group: str
    description: str
    call: str
    show_in_footer: bool = False
    needs_write: bool = False
    caution: Caution = Caution.NONE
    """How it is confirmed at least; what it is for may want more (core.verbs.danger)."""
    short: str = ""
    """What the footer calls it; empty: its title."""
    menu: str = ""
    """The letters that lead to it in the menu of verbs; empty: it is not there."""

    @property
    def dangerous(self) -> bool:
        """Whether its name must be typed first, whatever it is for."""
        return self.caution is Caution.TYPE

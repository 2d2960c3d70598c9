"""The menu of what can be done to one operation or migration: the actions of its scope. UI thread,
but for `menu_lines_of`, which is pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.actions.operations import ROW_MENU
from console.actions.registry import key_label
from console.actions.types import Action, Scope
from console.actions.verb_menu import letters
from console.screens.base import ConsoleScreen
from console.screens.menu_lines import MenuLine
from console.screens.subjects import READ_ONLY
from console.widgets.columns import Cell
from core.verbs.caution import Caution


@dataclass(frozen=True, slots=True)
class Offer:
    """What one action would do now."""

    against: str = ""
    """Why it cannot be done, a sentence; empty: it can."""
    effect: str = ""
    """What it would do to this one, more exactly than its description; empty: that."""
    virsh: str = ""
    """The line by which virsh does the same."""


def menu_lines_of(
    actions: Sequence[Action],
    offers: Mapping[str, Offer],
    *,
    read_only: bool,
    taken: Sequence[str] = (),
) -> list[MenuLine]:
    """A line for each action, by the letter of its key where it has one that is not `taken`."""
    wanted = [(_letter(entry), entry.title) for entry in actions]
    keys = letters([*((letter, "") for letter in taken), *wanted])[len(taken) :]
    lines = []
    for key, entry in zip(keys, actions, strict=True):
        offer = offers.get(entry.id, Offer())
        against = READ_ONLY if read_only and entry.needs_write else offer.against
        asks = " Asks first." if entry.caution is not Caution.NONE else ""
        effect = f"{offer.effect.rstrip('.')}." if offer.effect else entry.description
        said = f"{effect}{asks}"
        detail = f"{said} As virsh: {offer.virsh}" if offer.virsh else said
        lines.append(
            MenuLine(
                key, entry.title, (Cell(against or offer.effect or entry.description, "muted"),),
                greyed=bool(against), detail=Cell(against, "warning") if against else detail,
            )
        )  # fmt: skip
    return lines


def _letter(entry: Action) -> str:
    labels = [key_label(key) for key in entry.keys]
    return next((label for label in labels if len(label) == 1), entry.menu)


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be answered to the operation or migration: the first lines of its menu."""

    lines: Sequence[MenuLine] = ()
    words: Sequence[str] = ()
    answer: Callable[[str], None] = lambda _: None
    """Is given the word of the line that was chosen."""
    instead_of: str = ""
    """The action that leads to them elsewhere: the menu leaves it out."""


def open_row_menu(
    screen: ConsoleScreen,
    scope: Scope,
    heading: Iterable[Cell],
    offers: Mapping[str, Offer],
    choices: Choices = Choices(),
) -> None:
    """Show the menu over a screen, and run there what is chosen in it."""
    from console.screens.dialogs.row_menu import RowMenu

    console = screen.console
    actions = [
        entry
        for entry in console.actions
        if entry.scope == scope and entry.call != ROW_MENU and entry.id != choices.instead_of
    ]

    def answered(action_id: str | None) -> None:
        if action_id is None:
            return
        if action_id in choices.words:
            choices.answer(action_id)
        else:
            screen.call_later(screen.action_run, action_id)

    taken = [line.key for line in choices.lines]
    lines = menu_lines_of(actions, offers, read_only=console.read_only, taken=taken)
    ids = [*choices.words, *(entry.id for entry in actions)]
    menu = RowMenu(tuple(heading), [*choices.lines, *lines], ids)
    console.push_screen(menu, answered)

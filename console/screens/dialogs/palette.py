"""The command palette: everything that works here, every screen and every instance, by name.

UI thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.widgets import Input

from console.actions.devices import OPEN_DEVICES
from console.actions.registry import Action, key_label, palette_entries
from console.cell_width import cells, cut, padded
from console.glyphs import glyphs
from console.screens.dialogs.dialog import Dialog
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel
from core.model import Instance, ObjectKey

if TYPE_CHECKING:
    from console.screens.base import ConsoleScreen
    from console.shell.navigation import Navigation

SHOWN = 12
"""Lines of the palette."""

LIST_KEYS: list[BindingType] = [
    Binding("escape", "close", "Close"),
    Binding("down,ctrl+n,tab", "move(1)", "Down"),
    Binding("up,ctrl+p,shift+tab", "move(-1)", "Up"),
]
"""The keys of a dialog that has an input over a list."""

MAKING = "hosts"
"""The screen on which instances are made."""


class PaletteLine(NamedTuple):
    """A line of the palette: an action of the registry, or an instance to open."""

    title: str
    help: str
    key: str = ""
    action: Action | None = None
    instance: ObjectKey | None = None
    at: str = ""
    """The screen to go to for the action; empty: it works on this one."""


def action_entries(
    layer: str, actions: Sequence[Action], *, read_only: bool, tape: bool
) -> list[PaletteLine]:
    """The registry's lines for a screen, but for the palette itself; then what makes instances, and
    the devices of a host, which somebody looks for everywhere, and which work on the hosts.
    """
    here = [
        PaletteLine(title, help_, ", ".join(map(key_label, entry.keys[:1])), entry)
        for title, help_, entry in palette_entries(layer, read_only=read_only, actions=actions)
        if entry.id != "global.palette" and (tape or entry.scope != "replay")
    ]
    making = (
        [] if layer == MAKING else palette_entries(MAKING, read_only=read_only, actions=actions)
    )
    return here + [
        PaletteLine(title, help_, action=entry, at=MAKING)
        for title, help_, entry in making
        if entry.group == "create" or entry is OPEN_DEVICES
    ]


def search(
    query: str, entries: Sequence[PaletteLine], instances: Sequence[Instance]
) -> list[PaletteLine]:
    """The best lines for a query: instances by a part of their name, and actions.

    First those that are called so, then those that say so (pools are on the volumes screen), then
    those that have the letters in this order.
    """
    query = query.strip()
    if not query:
        return list(entries[:SHOWN])
    matcher = Matcher(query)
    ranked = [
        (_rank(query.casefold(), entry), matcher.match(entry.title), entry) for entry in entries
    ]
    ranked = [each for each in ranked if any(each[:2])]
    ranked.sort(key=lambda each: each[:2], reverse=True)
    wanted = query.casefold().removeprefix("instance:").strip()
    found = [
        PaletteLine(f"instance: {row.name}", f"Open it ({row.host}).", instance=row.key)
        for row in instances
        if wanted in row.name.casefold()
    ]
    found.sort(key=lambda entry: (not entry.title.casefold().endswith(f": {wanted}"), entry.title))
    best = [entry for *_, entry in ranked]
    return (found[: SHOWN // 2] + best)[:SHOWN] if len(wanted) > 1 else (best + found)[:SHOWN]


def _rank(query: str, entry: PaletteLine) -> int:
    """2: it is called so, 1: it says so; a letter or two are in every description."""
    if query in entry.title.casefold():
        return 2
    return int(len(query) > 2 and query in entry.help.casefold())


class PaletteList(LinePanel):
    """The lines found, with a cursor."""

    def __init__(self, chosen: Callable[[PaletteLine], None]) -> None:
        super().__init__()
        self._chosen = chosen
        self.entries: Sequence[PaletteLine] = ()
        self.cursor = 0

    def show(self, entries: Sequence[PaletteLine]) -> None:
        """Show these, the cursor on the best."""
        self.entries = entries
        self.cursor = 0
        self.redraw()

    def move(self, step: int) -> None:
        """Move the cursor, round the ends."""
        if self.entries:
            self.cursor = (self.cursor + step) % len(self.entries)
            self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """Always as many lines, so that the dialog never moves."""
        drawn = [self._line(place, entry, width) for place, entry in enumerate(self.entries)]
        if not drawn:
            drawn = [(Cell("  Nothing is called that.", "muted"),)]
        return [*drawn, *[""] * (SHOWN - len(drawn))]

    def _line(self, place: int, entry: PaletteLine, width: int) -> tuple[Cell, ...]:
        here = "cursor" if place == self.cursor else ""
        sign = ">" if here else " "
        title = f"{sign} {entry.title}"
        key = f"{entry.key} " if entry.key else ""
        room = max(0, width - cells(title) - cells(key) - 2)
        help_ = padded(cut(entry.help, room, glyphs().ellipsis), room)
        return (
            Cell(title, here or "strong"),
            Cell(f"  {help_}", here or "muted"),
            Cell(key, here or "key"),
        )

    def on_click(self, event: events.Click) -> None:
        """Choose the line under the pointer."""
        if event.y < len(self.entries):
            self._chosen(self.entries[event.y])


class PaletteDialog(Dialog[None], inherit_bindings=False):
    """Type, choose, enter."""

    AUTO_FOCUS = "Input"
    CSS_PATH = "palette.tcss"
    BINDINGS = LIST_KEYS

    def __init__(self, under: ConsoleScreen) -> None:
        super().__init__()
        console = under.console
        self._under = under
        self._entries = action_entries(
            under.registry_layer,
            console.actions,
            read_only=console.read_only,
            tape=console.tape.replay is not None,
        )
        self._instances = list(console.view.state.instances.values())
        self._list = PaletteList(self._choose)

    def compose(self) -> ComposeResult:
        """An input over the list."""
        box = Input(placeholder="action, screen or instance", compact=True)
        box.cursor_blink = False
        with Vertical(classes="dialog"):
            yield box
            yield self._list

    def on_mount(self) -> None:
        """Show the first lines."""
        self._list.show(search("", self._entries, self._instances))

    def action_close(self) -> None:
        """Nothing was wanted."""
        self.answer(None)

    def action_move(self, step: int) -> None:
        """Move the cursor of the list."""
        self._list.move(step)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._list.show(search(event.value, self._entries, self._instances))

    @on(Input.Submitted)
    def _entered(self) -> None:
        if self._list.entries:
            self._choose(self._list.entries[self._list.cursor])

    def _choose(self, entry: PaletteLine) -> None:
        under = self._under
        self.answer(None)
        if entry.instance is not None:
            under.call_later(under.console.navigation.open_instance, entry.instance, "overview")
        elif entry.at and entry.action is not None:
            under.call_later(_run_at, under.console.navigation, entry.at, entry.action.id)
        elif entry.action is not None:
            under.call_later(under.action_run, entry.action.id)


async def _run_at(navigation: Navigation, name: str, action_id: str) -> None:
    """Go to a screen of the number keys and run an action there, once it has its rows."""
    await navigation.show(name)
    if (screen := navigation.shown) is not None:
        screen.call_after_refresh(screen.action_run, action_id)

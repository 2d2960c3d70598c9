"""Consoles of guests, full screen, as tabs. UI thread.

Two modes, told apart by the line at the bottom: every key goes to the guest, until ctrl+] lets go
of the keyboard; then keys are commands, as on every screen, and enter types again. Leaving the
screen leaves the consoles open; a console is closed by its command or with virtdeck.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path

from textual import events, on
from textual.widget import Widget

from console.actions.registry import bindings_for, key_label
from console.screens.base import ConsoleScreen
from console.screens.consoles.displays import open_display
from console.screens.consoles.words import hint, hints, state_part
from console.screens.dialogs.question import TypedQuestionDialog
from console.screens.filter_bar import FilterBar
from console.shell.console_state import ConsoleState
from console.shell.guest_console import GuestConsole
from console.widgets.columns import Cell
from console.widgets.terminal import TerminalView
from core.errors import VirtdeckError
from core.model import Delta, ObjectKey

LET_GO = "consoles.let_go"
"""The action whose keys give the keyboard back."""
_ESCAPE = b"\x1d"
"""What ctrl+] is to a guest."""


class ConsolesScreen(ConsoleScreen, inherit_bindings=False):
    """The terminal of the current console over the line of tabs."""

    AUTO_FOCUS = ""
    CSS_PATH = "consoles.tcss"
    BINDINGS = bindings_for("consoles")
    registry_layer = "consoles"

    def __init__(self, key: ObjectKey) -> None:
        super().__init__()
        self._first = key
        self._title = ""
        """The title that the line shows."""
        self._view = TerminalView(self._let_go_keys())
        self._bar = FilterBar("what to look for in all that this console wrote, whatever the case")

    def body(self) -> Iterable[Widget]:
        """The terminal, the search line."""
        yield self._view
        yield self._bar

    def _let_go_keys(self) -> tuple[str, ...]:
        return next(entry.keys for entry in self.console.actions if entry.id == LET_GO)

    @property
    def _current(self) -> GuestConsole | None:
        """The console that is shown."""
        return self.console.consoles.current

    @on(events.Mount)
    def _mounted(self) -> None:
        self.console.consoles.watcher = self._changed
        self.console.consoles.fit(self.size.width, self.size.height - 1)
        self.console.consoles.show(self._first)
        self._show_current()
        self._view.focus()

    @on(events.Unmount)
    def _unmounted(self) -> None:
        self.console.consoles.watcher = None

    @on(events.Resize)
    def _resized(self) -> None:
        self.console.consoles.fit(self.size.width, self.size.height - 1)

    def in_view(self) -> Collection[ObjectKey]:
        """The instances of the tabs."""
        return [each.key for each in self.console.consoles.open]

    def show_change(self, delta: Delta) -> None:
        """A name, a state: only the line shows them."""

    def show_lines(self) -> None:
        """The tabs, what the current console is about, and the commands."""
        super().show_lines()
        consoles, current = self.console.consoles, self._current
        tabs = [
            state_part(each, here=each is current, call=f"screen.tab({number})")
            for number, each in enumerate(consoles.open)
        ]
        typing = not self._commanding
        self._title = current.terminal.modes.title if current is not None else ""
        self._tabs.show(tabs, hints(current, self._view, key_label(self._let_go_keys()[0]), typing))

    @property
    def _commanding(self) -> bool:
        """Whether keys are commands now."""
        return self.has_class("-commands")

    def peel(self) -> bool:
        """The search line, older lines; then the screen goes."""
        if self._bar.editing:
            self._close_bar()
            return True
        if self._view.search or self._view.turned_back:
            self._view.look_for("")
            self._view.newest()
            self.show_lines()
            return True
        return False

    # -- what happens ------------------------------------------------------------------------------

    def _changed(self, console: GuestConsole, rows: Collection[int] | None) -> None:
        if not self.is_attached:
            return
        if console is self._current and rows is not None:
            self._view.fed(rows)
            if not console.waiting and console.terminal.modes.title == self._title:
                return
        elif console is self._current:
            self._view.show(console.terminal)
        if rows is None or console is self._current:
            self.show_lines()

    @on(TerminalView.Typed)
    def _typed(self, event: TerminalView.Typed) -> None:
        event.stop()
        if self._current is not None:
            self._current.type(event.data)

    @on(TerminalView.LetGo)
    def _let_go(self, event: TerminalView.LetGo) -> None:
        event.stop()
        self._command(True)

    @on(TerminalView.Turned)
    def _turned(self, event: TerminalView.Turned) -> None:
        event.stop()
        self.show_lines()

    @on(events.DescendantFocus)
    def _focused(self) -> None:
        """A click into the terminal types again."""
        if self._commanding and self.focused is self._view:
            self._command(False)

    def _command(self, commands: bool) -> None:
        self.set_class(commands, "-commands")
        if commands:
            self.set_focus(None)
        else:
            self._view.focus()
        self.show_lines()

    def _show_current(self) -> None:
        if self._current is not None:
            self._view.show(self._current.terminal)
        self.show_lines()

    # -- commands ----------------------------------------------------------------------------------

    def action_type(self) -> None:
        """Have keys go to the guest again."""
        self._command(False)

    async def action_let_go(self) -> None:
        """Let go of the keyboard; a second time, of the screen."""
        if self._commanding:
            self.console.pop_screen()
        else:
            self._command(True)

    def action_tab(self, number: int) -> None:
        """Show a tab."""
        consoles = self.console.consoles
        if number < len(consoles.open):
            consoles.current = consoles.open[number]
            self._show_current()

    def action_tab_step(self, step: int) -> None:
        """Show the next or previous tab."""
        self.console.consoles.step(step)
        self._show_current()

    def action_command(self, word: str) -> None:
        """Do something to the console that is shown."""
        current = self._current
        if current is None:
            return
        commands: dict[str, Callable[[GuestConsole], None]] = {
            "close": self._close,
            "again": self._again,
            "size": self._type_size,
            "log": self._log,
            "escape": lambda each: each.type(_ESCAPE),
            "display": lambda each: open_display(self.console, each.key, each.name),
        }
        commands[word](current)
        self.show_lines()

    def action_search(self) -> None:
        """Open the search line."""
        self._bar.open(self._view.search)

    def action_search_step(self, step: int) -> None:
        """The next older or newer place that was found."""
        if not self._view.search:
            self.action_search()
        self._view.step(step)
        self.show_lines()

    def action_turn(self, pages: int) -> None:
        """A page of older lines, or newer ones."""
        self._view.turn_page(pages)

    @on(FilterBar.Typed)
    def _look_for(self, event: FilterBar.Typed) -> None:
        self._view.look_for(event.text)
        nothing = bool(event.text) and not self._view.found[1]
        self._bar.explain("It wrote no such thing." if nothing else "")
        self.show_lines()

    @on(FilterBar.Kept)
    def _close_bar(self) -> None:
        self._bar.close("")
        self.set_focus(None)

    def _close(self, current: GuestConsole) -> None:
        self.console.consoles.close(current)
        if self.console.consoles.open:
            self._show_current()
        else:
            self.console.pop_screen()

    def _again(self, current: GuestConsole) -> None:
        """Open it again; where another client has it, that is asked first."""
        if current.state is ConsoleState.OPEN:
            self.console.notify("It is open.", timeout=3)
        elif current.state in (ConsoleState.IN_USE, ConsoleState.TAKEN):
            lines = [
                Cell("Whoever uses it now is cut off in the middle of it.", "warning"),
                Cell(hint(current), "muted"),
            ]

            def answered(sure: bool | None) -> None:
                if sure:
                    current.open(force=True)

            title = f"Take the console of {current.name} over?"
            self.console.push_screen(
                TypedQuestionDialog(title, lines, "Take it over", current.name), answered
            )
        else:
            current.open()

    def _type_size(self, current: GuestConsole) -> None:
        """Tell the guest's shell how large the screen is: libvirt has no way to."""
        terminal = current.terminal
        if terminal.modes.alternate:
            text = "A program has the screen: leave it first, what is typed would go to it."
            self.console.notify(text, severity="warning", timeout=5)
            return
        rows, columns = self.size.height - 1, self.size.width  # without the line of tabs
        current.type(f"stty rows {rows} cols {columns}\r".encode())
        self._command(False)

    def _log(self, current: GuestConsole) -> None:
        try:
            if current.log is not None:
                path = current.log
                current.keep_log(None)
                self.console.notify(f"Written: {path}", timeout=5, markup=False)
                return
            stamp = datetime.fromtimestamp(self.console.now(), self.console.view.zone)
            safe = "".join(
                each if each.isalnum() or each in "-_." else "_" for each in current.name
            )
            path = Path(f"{safe}-console-{stamp:%Y%m%d-%H%M%S}.log").absolute()
            current.keep_log(path)
        except VirtdeckError as error:
            self.console.notify(str(error), severity="error", timeout=8, markup=False)
        else:
            text = f"What it writes from now on goes to {path}, without colours."
            self.console.notify(text, timeout=6, markup=False)

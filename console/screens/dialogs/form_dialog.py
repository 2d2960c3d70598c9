"""What every dialog with a form is: how its keys go from field to field, and out. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.dialog import Answer, Dialog
from console.screens.dialogs.form_panel import FormPanel, TextBox
from console.screens.form import Field
from console.screens.page import Page
from console.widgets.columns import Cell
from core.model import Delta, ObjectKey

OFFERED = ("host", "pool", "network")
"""Kinds of what can be chosen in a form, beside the parts of its subjects."""


class FormDialog(Dialog[Answer], inherit_bindings=False):
    """A form, what becomes of it, a button to leave and one to do it, the keys."""

    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape", "peel", "Cancel", priority=True),
        Binding("tab", "move(1)", "Next", priority=True),
        Binding("shift+tab", "move(-1)", "Previous", priority=True),
        Binding("down", "line(1)", "Down", priority=True),
        Binding("up", "line(-1)", "Up", priority=True),
        # not before the keys typed ahead of it have reached their field
        Binding("ctrl+s", "do", "Do it"),
    ]
    KEYS: ClassVar[str] = "tab move   left, right choose   ^s do it   esc cancel"

    def __init__(self, fields: Sequence[Field], more: str, yes: str) -> None:
        """`more` says what the further options are, `yes` what the button does."""
        super().__init__()
        self._form = FormPanel(fields, more)
        self._keys_page = Page()
        self._no = Button("Cancel", id="no", compact=True)
        self._yes = Button(yes, id="yes", compact=True)

    @property
    def keys_line(self) -> str:
        """Which keys work."""
        return self.KEYS

    @abstractmethod
    def fields_now(self) -> Sequence[Field]:
        """The fields with the choices there are now."""

    def take_news(self, delta: Delta) -> None:
        """Offer what can be chosen by now: a host that came up, a pool that was started."""
        if any(key.kind in OFFERED or key in self.subjects for key in delta.changed | delta.gone):
            self._form.offer(self.fields_now())

    @property
    @abstractmethod
    def subjects(self) -> Sequence[ObjectKey]:
        """Of what the form is."""

    @abstractmethod
    def action_do(self) -> None:
        """Do what the fields say, or say what is wrong."""

    def stops(self) -> list[Widget]:
        """What the cursor goes to, without the buttons."""
        return self._form.controls()

    def peel_more(self) -> bool:
        """Take off what lies over the form, if anything does."""
        return False

    @on(events.DescendantFocus)
    def _show_keys(self) -> None:
        """The keys; above them the hint beside the cursor, where it is cut there."""
        hint = self._form.cut_hint(self.focused)
        lines = [Cell(hint, "strong")] if hint else []
        self._keys_page.show([*lines, Cell(self.keys_line, "muted")])

    def action_move(self, step: int) -> None:
        """Go to the next or previous control, round the ends."""
        buttons = [button for button in (self._no, self._yes) if not button.disabled]
        stops = [*self.stops(), *buttons]
        at = stops.index(self.focused) if self.focused in stops else -1
        stops[(at + step) % len(stops)].focus()

    def action_line(self, step: int) -> None:
        """Go to the next or previous line, of a text or of the form."""
        if not isinstance(self.focused, TextBox):
            self.action_move(step)
        elif step > 0:
            self.focused.action_cursor_down()
        else:
            self.focused.action_cursor_up()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in a field goes on to the next one."""
        event.stop()
        self.entered(event.input)

    def entered(self, box: Input) -> None:
        """Enter was pressed in a line."""
        del box
        self.action_move(1)

    def action_peel(self) -> None:
        """Take off a layer: what lies over the form, the options beyond the first, the dialog."""
        if self.peel_more():
            return
        if self._form.all_shown:
            self._form.more.action_step(1)
            self._form.more.focus()
        else:
            self.answer(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        if event.button.id == "yes":
            self.action_do()
        else:
            self.answer(None)

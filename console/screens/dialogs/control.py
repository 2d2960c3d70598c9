"""The questions before a migration is steered: what would be done, what it means, as virsh.

UI thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.question import QuestionDialog
from console.screens.page import Page
from console.widgets.columns import Cell, CellValue

Explain = Callable[[float], Sequence[CellValue]]
"""What a value would do, in lines: its meaning, and the command."""


class ValueDialog(QuestionDialog, inherit_bindings=True):
    """Asks for a number; `explain` says live what it would do. `value` is what was typed."""

    AUTO_FOCUS = "Input"

    def __init__(
        self, title: str, lines: Sequence[CellValue], explain: Explain, *, unit: str, least: float
    ) -> None:
        super().__init__(title, lines, "Set it")
        self._explain = explain
        self._unit = unit
        self._least = least
        self._meaning = Page(id="meaning")
        self.value: float | None = None
        """The number in the line; None while it is none."""

    def extra(self) -> Iterable[Widget]:
        """The line to type into, and what it would do."""
        box = Input(placeholder=f"a number, in {self._unit}", compact=True)
        box.cursor_blink = False
        yield box
        yield self._meaning

    def on_mount(self) -> None:
        """Say what is wanted before anything is typed."""
        self._say("")

    def may_say_yes(self) -> bool:
        """Once it is a number that can be set."""
        return self.value is not None

    def keys_line(self) -> str:
        """Which keys answer."""
        return "type it, then enter   esc cancels"

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        self._say(event.value.strip())
        self.yes.disabled = not self.may_say_yes()

    @on(Input.Submitted)
    def _enter(self) -> None:
        self.action_yes()

    def why_not(self) -> str:
        """Which numbers can be set."""
        return f"{self._wanted()} Or press esc."

    def _wanted(self) -> str:
        return f"A whole number of {self._unit}, from {self._least:.0f}."

    def _say(self, text: str) -> None:
        self.value = self._read(text)
        if self.value is not None:
            lines = self._explain(self.value)
        elif text:
            lines = [Cell(self._wanted(), "warning")]
        else:
            lines = [Cell(f"In {self._unit}.", "muted")]
        self._meaning.show(lines)

    def _read(self, text: str) -> float | None:
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            return None
        value = float(text)
        return value if value >= self._least else None


_DIGITS = 9


class ChoiceDialog(QuestionDialog, inherit_bindings=True):
    """Asks for one of a few: a digit, a click, or enter on the button. `chosen` is its name."""

    DEFAULT_CSS = """
    ChoiceDialog #yes { display: none; }
    ChoiceDialog Button { min-width: 8; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding(str(number), f"choose({number})", "Choose") for number in range(1, 10)
    ]

    def __init__(self, title: str, choices: Mapping[str, str], present: str) -> None:
        self._choices = tuple(choices)
        self.chosen = ""
        width = max(map(len, self._choices))
        lines: list[CellValue] = [
            (
                Cell(f"{number} ", "key"),
                Cell(f"{name:<{width}}  ", "strong"),
                Cell(f"{what}{' (now)' if name == present else ''}"),
            )
            for number, (name, what) in enumerate(choices.items(), 1)
        ]
        super().__init__(title, lines, "Choose")

    def extra(self) -> Iterable[Widget]:
        """A button for each."""
        buttons = [Button(name, name=name, compact=True) for name in self._choices]
        yield Horizontal(*buttons, classes="buttons")

    def may_say_yes(self) -> bool:
        """Only by choosing."""
        return bool(self.chosen)

    def keys_line(self) -> str:
        """Which keys answer."""
        return f"1 to {len(self._choices)} choose   n, esc no   tab other button"

    def why_not(self) -> str:
        """Which keys choose."""
        return f"Choose one with 1 to {len(self._choices)}, or press esc."

    def action_choose(self, number: int) -> None:
        """A digit chooses, or says which ones do."""
        if number <= len(self._choices):
            self._choose(self._choices[number - 1])
        else:
            self.action_yes()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen; the handler of every question would only know yes and no."""
        event.prevent_default()
        if event.button.name in self._choices:
            self._choose(str(event.button.name))
        else:
            self.answer(False)

    def _choose(self, name: str) -> None:
        self.chosen = name
        self.answer(True)

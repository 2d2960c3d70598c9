"""The widgets of the Migrate dialog's form: a line for each field. UI thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from console.screens.migrate_form import Choices, Field
from console.widgets.choice import Choice
from console.widgets.columns import Cell
from console.widgets.line_panel import TextPanel


class FieldLine(Horizontal):
    """One field: its label, then what is chosen or typed."""

    def __init__(self, field: Field, choices: Choices) -> None:
        super().__init__(classes="-more" if field.more else "")
        self.field = field
        self._choices = choices

    def compose(self) -> ComposeResult:
        """The label, the control, what an empty line means."""
        yield TextPanel([Cell(f" {self.field.label}", "muted")], classes="label")
        if self._choices or self.field.id == "to":
            yield Choice(self._choices, self.field.default, id=self.field.id)
            return
        box = Input(self.field.default, id=self.field.id, compact=True)
        box.cursor_blink = False
        if self.field.number is None:
            box.add_class("-wide")
        yield box
        yield TextPanel([Cell(f" {self.field.note}", "muted")], classes="note")

    @property
    def value(self) -> str:
        """What it says."""
        control = self.control
        return control.value if isinstance(control, Choice | Input) else ""

    @property
    def control(self) -> Widget:
        """What takes the keys."""
        return self.query_one(f"#{self.field.id}")


class FormPanel(VerticalScroll, can_focus=False):
    """All the fields; those of "more options" are there when asked for."""

    class Changed(Message):
        """Something else is chosen or typed; `id` is the field's."""

        def __init__(self, id: str) -> None:  # noqa: A002 - the field's own word
            super().__init__()
            self.id = id

    def __init__(self, fields: Sequence[Field], destinations: Choices) -> None:
        super().__init__(id="form")
        self._fields = fields
        self._destinations = destinations

    def compose(self) -> ComposeResult:
        """A line for each, and the line that shows more of them."""
        shown = [field for field in self._fields if not field.more]
        hidden = [field for field in self._fields if field.more]
        yield from (self._line(field) for field in shown)
        with Horizontal():
            yield TextPanel([Cell(" More options", "muted")], classes="label")
            yield Choice(
                [
                    ("no", f"{len(hidden)} more: connections, compression, TLS..."),
                    ("yes", "esc hides them again"),
                ],
                id="more",
            )
        yield from (self._line(field) for field in hidden)

    def _line(self, field: Field) -> FieldLine:
        return FieldLine(field, self._destinations if field.id == "to" else field.choices)

    def lines(self) -> Iterator[FieldLine]:
        """Every field, hidden ones too."""
        return iter(self.query(FieldLine))

    def values(self) -> Mapping[str, str]:
        """What the form says."""
        return {line.field.id: line.value for line in self.lines()}

    def controls(self) -> list[Widget]:
        """What can be gone to now, from top to bottom."""
        return [
            widget
            for widget in self.query("Choice, Input")
            if widget.display and (widget.parent is None or widget.parent.display)
        ]

    def show_more(self, more: bool) -> None:
        """Show the rest of the options, or hide it; what is set stays set."""
        self.set_class(more, "-all")
        self.screen.set_class(more, "-all")

    @property
    def all_shown(self) -> bool:
        """Whether the rest is shown."""
        return self.has_class("-all")

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        event.stop()
        if event.choice.id == "more":
            self.show_more(event.choice.value == "yes")
        else:
            self.post_message(self.Changed(event.choice.id or ""))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.input.id or ""))

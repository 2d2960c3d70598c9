"""The widgets of the Migrate dialog's form: a line for each field. UI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
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
        self.control = self._make_control(choices)
        """What takes the keys."""
        self._note = TextPanel([Cell(f" {field.note}", "muted")], classes="note")

    def compose(self) -> ComposeResult:
        """The label, the control, what an empty line means."""
        yield TextPanel([Cell(f" {self.field.label}", "muted")], classes="label")
        yield self.control
        if isinstance(self.control, Input):
            yield self._note

    @property
    def value(self) -> str:
        """What it says."""
        return self.control.value

    @property
    def cut_hint(self) -> str:
        """The hint beside the control, where there is no room for all of it; else empty."""
        if isinstance(self.control, Choice):
            return self.control.cut_meaning
        width = self._note.size.width
        return self.field.note if width and cell_len(self.field.note) + 1 > width else ""

    def _make_control(self, choices: Choices) -> Choice | Input:
        field = self.field
        if choices or field.id == "to":
            return Choice(choices, field.default, id=field.id)
        box = Input(field.default, id=field.id, compact=True)
        box.cursor_blink = False
        if field.number is None:
            box.add_class("-wide")
        return box


class FormPanel(VerticalScroll, can_focus=False):
    """All the fields; those of "more options" are there when asked for."""

    class Changed(Message):
        """Something else is chosen or typed; `id` is the field's."""

        def __init__(self, id: str) -> None:  # noqa: A002 - the field's own word
            super().__init__()
            self.id = id

    def __init__(self, fields: Sequence[Field], destinations: Choices) -> None:
        super().__init__(id="form")
        self.lines = [
            FieldLine(field, destinations if field.id == "to" else field.choices)
            for field in fields
        ]
        """Every field, hidden ones too."""
        more = sum(field.more for field in fields)
        self.more = Choice(
            [
                ("no", f"{more} more: connections, compression, TLS..."),
                ("yes", "esc hides them again"),
            ],
            id="more",
        )

    def compose(self) -> ComposeResult:
        """A line for each, and the line that shows more of them."""
        yield from (line for line in self.lines if not line.field.more)
        with Horizontal():
            yield TextPanel([Cell(" More options", "muted")], classes="label")
            yield self.more
        yield from (line for line in self.lines if line.field.more)

    def values(self) -> Mapping[str, str]:
        """What the form says."""
        return {line.field.id: line.value for line in self.lines}

    def cut_hint(self, control: Widget | None) -> str:
        """The hint of a control, where it is cut; else empty."""
        return next((line.cut_hint for line in self.lines if line.control is control), "")

    def controls(self) -> list[Widget]:
        """What can be gone to now, from top to bottom."""
        first = [line for line in self.lines if not line.field.more and line.display]
        rest = [line for line in self.lines if line.field.more and line.display]
        return [
            *(line.control for line in first),
            self.more,
            *(line.control for line in rest),
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

"""The widgets of a form: a line for each field, and what is wrong with it below. UI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, TextArea

from console.screens.form import Field
from console.screens.page import Page
from console.widgets.choice import Choice
from console.widgets.columns import Cell
from console.widgets.line_panel import TextPanel


class TextBox(TextArea):
    """Many lines, or the path of a file that has them."""

    @property
    def value(self) -> str:
        """What it says."""
        return self.text


Control = Choice | Input | TextBox


class FieldLine(Horizontal):
    """One field: its label, then what is chosen or typed."""

    def __init__(self, field: Field) -> None:
        super().__init__(classes="-more" if field.more else "")
        self.field = field
        self.control = self._make_control()
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

    def _make_control(self) -> Control:
        field = self.field
        if field.text:
            self.add_class("-text")
            return TextBox(field.default, id=field.id, compact=True, tab_behavior="focus")
        if field.choices or field.listed:
            return Choice(field.choices, field.default, id=field.id)
        likely = SuggestFromList(field.proposed) if field.proposed else None
        box = Input(
            field.default, id=field.id, compact=True, password=field.secret, suggester=likely
        )
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

    def __init__(self, fields: Sequence[Field], more: str) -> None:
        """`more` names a few of the fields that are folded away."""
        super().__init__(id="form")
        self.lines = [FieldLine(field) for field in fields]
        """Every field, hidden ones too."""
        self._typed_last = {
            line.field.id: line.value
            for line in self.lines
            if isinstance(line.control, Input | TextBox)
        }
        self._problems = {field.id: Page() for field in fields}
        for problem in self._problems.values():
            problem.display = False
        self._folded = sum(field.more for field in fields)
        self.more = Choice(
            [("no", f"{self._folded} more: {more}"), ("yes", "esc hides them again")], id="more"
        )

    def compose(self) -> ComposeResult:
        """A line for each, and the line that shows more of them."""
        for line in self.lines:
            if not line.field.more:
                yield line
                yield self._problems[line.field.id]
        if self._folded:
            with Horizontal():
                yield TextPanel([Cell(" More options", "muted")], classes="label")
                yield self.more
        for line in self.lines:
            if line.field.more:
                yield line
                yield self._problems[line.field.id]

    def offer(self, fields: Sequence[Field]) -> None:
        """Offer the choices that fields of these ids have; what is chosen stays, if it can."""
        now = {field.id: field for field in fields}
        for line in self.lines:
            if isinstance(line.control, Choice) and line.field.id in now:
                line.control.offer(now[line.field.id].choices)

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
            *([self.more] if self._folded else []),
            *(line.control for line in rest),
        ]

    def tell(self, wrong: Mapping[str, str]) -> None:
        """Say below each field what is wrong with it, those that are right nothing."""
        for line in self.lines:
            sentence = wrong.get(line.field.id, "")
            problem = self._problems[line.field.id]
            problem.display = bool(sentence)
            problem.show([Cell(f"   {sentence}", "error")] if sentence else [])

    def show_more(self, more: bool) -> None:
        """Show the rest of the options, or hide it; what is set stays set."""
        self.set_class(more, "-all")
        self.screen.set_class(more, "-all")

    @property
    def all_shown(self) -> bool:
        """Whether the rest is shown."""
        return self.has_class("-all")

    @on(events.Resize)
    def _keep_in_view(self) -> None:
        """What takes the keys stays in view where there are fewer lines than before."""
        if (focused := self.screen.focused) in self.controls() and focused is not None:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        event.stop()
        if event.choice is self.more:
            self.show_more(event.choice.value == "yes")
        else:
            self.post_message(self.Changed(event.choice.id or ""))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell_typed(event.input.id or "", event.value)

    @on(TextArea.Changed)
    def _written(self, event: TextArea.Changed) -> None:
        event.stop()
        self._tell_typed(event.text_area.id or "", event.text_area.text)

    def _tell_typed(self, name: str, value: str) -> None:
        if self._typed_last[name] != value:  # one with a default tells of it when it appears
            self._typed_last[name] = value
            self.post_message(self.Changed(name))

"""The frame of every question: what it is about, No and Yes, and No unless told otherwise.

UI thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.dialog import Dialog
from console.screens.page import Page
from console.widgets.columns import Cell, CellValue
from core.verbs.caution import Caution, Danger

_LEAST = 3
"""Lines of text that are shown however small the terminal is."""


def danger_lines(danger: Danger) -> list[CellValue]:
    """What a question says is taken away, a line for each sentence; what is lost stands out."""
    role = "warning" if danger.caution > Caution.KEY else ""
    told = [Cell(sentence, role) for sentence in danger.text.splitlines()]
    return [*told, *(Cell(f"! {one}", "warning") for one in danger.warnings.splitlines())]


class QuestionDialog(Dialog[bool], inherit_bindings=False):
    """Dismisses with True for yes; escape, `n` and enter on the default button mean no."""

    AUTO_FOCUS = "#no"
    CSS_PATH = "question.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "yes", "Yes"),
        Binding("left,right,tab,shift+tab,up,down", "other", "Other button"),
        Binding("pagedown,space", "page(1)", "Further down"),
        Binding("pageup", "page(-1)", "Further up"),
    ]

    def __init__(
        self, title: str, lines: Sequence[CellValue], yes: str, no: str = "Cancel"
    ) -> None:
        super().__init__()
        self._text = VerticalScroll(
            Page([Cell(title, "strong"), "", *lines]), id="text", can_focus=False
        )
        self._keys = Page()
        self._longer = False
        """The text is longer than there is room for."""
        self._frame = Vertical(classes="dialog")
        self.no = Button(no, id="no", compact=True)
        self.yes = Button(yes, id="yes", compact=True)

    def compose(self) -> ComposeResult:
        """The sentence, the particulars, the buttons."""
        with self._frame:
            self.yes.disabled = not self.may_say_yes()
            yield self._text
            yield from self.extra()
            with Horizontal(classes="buttons"):
                yield self.no
                yield self.yes
            self._keys.show([Cell(self.keys_line(), "muted")])
            yield self._keys

    @on(events.Resize)
    def _resized(self) -> None:
        """However long the text, what answers it stays in view: the text scrolls."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        others = [one for one in self._frame.children if one is not self._text]
        taken = sum(one.outer_size.height + one.styles.margin.height for one in others)
        room = max(_LEAST, self.size.height - taken - self._frame.gutter.height)
        self._text.styles.max_height = room
        longer = self._text.virtual_size.height > room and not self.scrolls()
        if longer != self._longer:
            self._longer = longer
            more = "   pgdn further down" if longer else ""
            self._keys.show([Cell(f"{self.keys_line()}{more}", "muted")])
            self.call_after_refresh(self._fit)  # these may take another line

    def scrolls(self) -> VerticalScroll | None:
        """What scrolls beside the text, and first; None: nothing."""
        return None

    def action_page(self, pages: int) -> None:
        """Scroll the text, or what scrolls first."""
        moved = self.scrolls() or self._text
        if pages > 0:
            moved.scroll_page_down(animate=False)
        else:
            moved.scroll_page_up(animate=False)

    def extra(self) -> Iterable[Widget]:
        """Widgets between the text and the buttons."""
        return ()

    def may_say_yes(self) -> bool:
        """Whether yes can be chosen yet."""
        return True

    def why_not(self) -> str:
        """What has to be done before yes can be said, as a sentence."""
        return ""

    def keys_line(self) -> str:
        """Which keys answer."""
        return "y yes   n, esc no   tab other button"

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        self.answer(event.button.id == "yes")

    def action_answer(self, sure: bool) -> None:
        """Answer with a key."""
        self.answer(sure)

    def action_yes(self) -> None:
        """Yes, or why it cannot be said yet."""
        if self.may_say_yes():
            self.answer(True)
        else:
            self.notify(self.why_not(), timeout=3, markup=False)

    def action_other(self) -> None:
        """Move between what can be focused."""
        stops = [
            widget for widget in (*self.query(Input), *self.query(Button)) if not widget.disabled
        ]
        if self.focused in stops:
            stops[(stops.index(self.focused) + 1) % len(stops)].focus()
        elif stops:
            stops[0].focus()


class TypedQuestionDialog(QuestionDialog, inherit_bindings=True):
    """A question whose yes must be earned: a word has to be typed first, unless it is empty."""

    def __init__(self, title: str, lines: Sequence[CellValue], yes: str, word: str) -> None:
        self._must_type = word
        self._typed = ""
        super().__init__(title, lines, yes)
        self._box = Input(placeholder=f"type {word} to go on", compact=True)
        self._box.cursor_blink = False

    def extra(self) -> Iterable[Widget]:
        """The line to type the word into."""
        if self._must_type:
            yield self._box

    def may_say_yes(self) -> bool:
        """Once the word is typed, where it must be."""
        return self._typed == self._must_type

    def keys_line(self) -> str:
        """Which keys answer: letters go into the line while there is one."""
        if self._must_type:
            return f"type {self._must_type}, then enter   esc cancels"
        return super().keys_line()

    def on_mount(self) -> None:
        """The cursor goes where the answer begins."""
        if self._must_type:
            self._box.focus()

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        self._typed = event.value.strip()
        self.yes.disabled = not self.may_say_yes()

    @on(Input.Submitted)
    def _enter(self) -> None:
        self.action_yes()

    def why_not(self) -> str:
        """The word that is missing."""
        return f"Type {self._must_type} to go on, or press esc."

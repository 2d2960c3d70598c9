"""The filter line of a list: typing narrows the table at once, a mistake is explained below it.

UI thread.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from console.screens.page import Page
from console.widgets.columns import Cell

_HELP = "enter keeps it, esc drops it"


class FilterBar(Vertical):
    """An input and a sentence under it; hidden until `open`. `words` explains what may be typed."""

    class Typed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Reopened(Message):
        """The operator wants to change the filter in force."""

    class Kept(Message):
        """The operator is content with the filter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self._before = ""
        self._box = Input(compact=True, select_on_focus=False)
        self._box.cursor_blink = False
        self._explanation = Page([self._sentence("")], id="sentence")

    def compose(self) -> ComposeResult:
        """A sign, the input, the sentence."""
        with Horizontal():
            yield Page([Cell(" / ", "key")], id="sign")
            yield self._box
        yield self._explanation

    @property
    def editing(self) -> bool:
        """Whether the line is open."""
        return self.has_class("-open")

    @property
    def before(self) -> str:
        """The text when editing began: what `esc` goes back to."""
        return self._before

    def open(self, text: str) -> None:
        """Show the line with `text` in it and put the cursor there."""
        self._before = text
        self.remove_class("-kept")
        self.add_class("-open")
        box = self._box
        with self.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        box.focus()
        self.explain("")

    def close(self, kept: str) -> None:
        """End editing; a filter that stays in force stays in sight."""
        self.remove_class("-open")
        self.set_class(bool(kept), "-kept")
        with self.prevent(Input.Changed):
            self._box.value = kept

    def explain(self, sentence: str) -> None:
        """Say what is wrong with the text; an empty sentence says what may be typed."""
        self._explanation.show([self._sentence(sentence)])

    def _sentence(self, wrong: str) -> Cell:
        if wrong:
            return Cell(f"   ! {wrong}", "error")
        return Cell(f"   {self._words}; {_HELP}", "muted")

    def on_descendant_focus(self) -> None:
        """A click into a filter in force changes it."""
        if self.has_class("-kept"):
            self.post_message(self.Reopened())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Kept(event.value))

"""One of a few, on one line: left and right go through them, a click takes the next. UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel

_STEPS = {"right": 1, "space": 1, "l": 1, "left": -1, "h": -1}
"""What a key does."""


class Choice(LinePanel, can_focus=True):
    """Shows what is chosen between two arrows, and what it means beside it."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    """

    @dataclass
    class Changed(Message):
        """Another one was chosen."""

        choice: Choice

        @property
        def control(self) -> Choice:
            """The widget it was chosen in."""
            return self.choice

    def __init__(
        self, choices: Sequence[tuple[str, str]], value: str = "", *, id: str | None = None  # noqa: A002
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self._choices = tuple(choices)
        names = [name for name, _ in self._choices]
        self._at = names.index(value) if value in names else 0
        self._keys_go_here = False

    @property
    def value(self) -> str:
        """The name of the one chosen; empty where there is none to choose."""
        return self._choices[self._at][0] if self._choices else ""

    @property
    def cut_meaning(self) -> str:
        """What the one chosen means, where there is no room for all of it; else empty."""
        if not self._choices or not self.size.width:
            return ""
        name, meaning = self._choices[self._at]
        cells = cell_len(f"< {name} >  {meaning}")
        return meaning if cells > self.size.width else ""

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer others; the one chosen stays chosen if it is among them."""
        if tuple(choices) == self._choices:
            return
        before = self.value
        self._choices = tuple(choices)
        names = [name for name, _ in self._choices]
        self._at = names.index(before) if before in names else 0
        self.redraw()
        if self.value != before:
            self.post_message(self.Changed(self))

    def lines(self, width: int) -> list[CellValue]:
        """What is chosen, and what it means."""
        del width
        if not self._choices:
            return [Cell("none to choose", "warning")]
        name, meaning = self._choices[self._at]
        role = "cursor" if self._keys_go_here else "strong"
        left, right = ("< ", " >") if len(self._choices) > 1 else ("  ", "  ")
        return [
            (Cell(left, "key"), Cell(name, role), Cell(right, "key"), Cell(f"  {meaning}", "muted"))
        ]

    def action_step(self, step: int) -> None:
        """Go through them, round the ends."""
        if len(self._choices) > 1:
            self._at = (self._at + step) % len(self._choices)
            self.redraw()
            self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        """Step by the keys that come here; a binding would act on what has the focus by then."""
        if step := _STEPS.get(event.key):
            event.stop()
            self.action_step(step)

    def on_focus(self) -> None:
        """Show that keys go here."""
        self._keys_go_here = True
        self.redraw()

    def on_blur(self) -> None:
        """Show that they no longer do."""
        self._keys_go_here = False
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Left of the name: the one before; else the next."""
        self.action_step(-1 if event.x < 2 else 1)

"""Every key that works on the screen one came from, made from the action registry. UI thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget

from console.actions.registry import Action, help_notes, help_sections
from console.screens.base import ConsoleScreen
from console.screens.page import Page
from console.widgets.columns import Cell, CellValue

_TITLE = 20
"""Cells of most titles; a section with longer ones has its descriptions further right."""


def help_lines(layer: str, actions: Sequence[Action]) -> list[CellValue]:
    """Keys, titles and descriptions in aligned columns, a heading per scope."""
    lines: list[CellValue] = []
    for section in [*help_sections(layer, actions), *help_notes()]:
        lines += ["", Cell(f" {section.title}", "strong")]
        width = max(_TITLE, *(len(title) for _, title, _ in section.lines))
        lines += [
            (
                Cell(f"  {keys:<17} ", "key"),
                Cell(f"{title:<{width}}  "),
                Cell(description, "muted"),
            )
            for keys, title, description in section.lines
        ]
    return lines


class HelpScreen(ConsoleScreen, inherit_bindings=False):
    """A page to scroll; `esc` goes back."""

    AUTO_FOCUS = "VerticalScroll"
    registry_layer = "help"

    def __init__(self, about: str) -> None:
        super().__init__()
        self._about = about

    def body(self) -> Iterable[Widget]:
        """One page of text."""
        with VerticalScroll():
            yield Page(help_lines(self._about, self.console.actions))

    def crumbs(self) -> tuple[str, ...]:
        """Where one came from."""
        return (self._about, "keys")

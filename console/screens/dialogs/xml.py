"""An XML to look at, over the form that makes it. UI thread."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from console.screens.dialogs.dialog import Dialog
from console.screens.page import Page
from console.widgets.columns import Cell
from core.xml import format_xml


class XmlDialog(Dialog[None], inherit_bindings=False):
    """The lines of an XML; the arrows move it, escape leaves."""

    CSS_PATH = ["xml.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [Binding("escape,ctrl+x,q", "leave", "Close")]  # noqa: RUF012 - Textual's own way

    def __init__(self, title: str, xml: str) -> None:
        super().__init__()
        self._title = title
        self._lines = format_xml(xml).splitlines()

    def compose(self) -> ComposeResult:
        """The title, the lines, the keys."""
        with Vertical(classes="dialog"):
            yield Page([Cell(f"{self._title}: the XML", "strong"), ""])
            with VerticalScroll():
                yield Page(self._lines)
            yield Page(["", Cell("up, down, pgup, pgdn move   esc back", "muted")])

    def action_leave(self) -> None:
        """Go back to the form."""
        self.answer(None)

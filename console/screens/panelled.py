"""A list over a panel about the row under the cursor: hosts, migrations. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from console.screens.listing import ListScreen, Row
from core.model import Delta


class PanelledScreen(ListScreen[Row], inherit_bindings=False):
    """Subclasses say what the panel is made of, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self._panel = VerticalScroll(id="panel")

    @abstractmethod
    def panel(self) -> Iterable[Widget]:
        """What the panel is made of."""

    @abstractmethod
    def show_panel(self) -> None:
        """Say what is known of the row under the cursor."""

    def body(self) -> Iterable[Widget]:
        """The table, the panel, the filter line."""
        table, filter_bar = super().body()
        yield table
        with self._panel:
            yield from self.panel()
        yield filter_bar

    def other_pane(self) -> Widget:
        """The panel."""
        return self._panel

    def show_all(self) -> None:
        """Table and panel."""
        super().show_all()
        self.show_panel()

    def show_change(self, delta: Delta) -> None:
        """Table and panel."""
        super().show_change(delta)
        self.show_panel()

"""A question about a text that was changed: what it does, and the changed lines. UI thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget

from console.screens.dialogs.question import QuestionDialog, danger_lines
from console.screens.page import Page
from console.widgets.columns import Cell
from core.verbs.caution import Danger

_ROLES = {"+": "ok", "-": "error", "@": "muted"}


class DiffDialog(QuestionDialog, inherit_bindings=True):
    """Its sentences, and below them the diff, which scrolls."""

    def __init__(self, title: str, danger: Danger, diff: Sequence[str]) -> None:
        super().__init__(title, danger_lines(danger), "Define it", "Go on editing")
        self._scroll = VerticalScroll(
            Page([Cell(line, _ROLES.get(line[:1], "")) for line in diff[2:]]),
            id="diff",
            can_focus=False,
        )

    def extra(self) -> Iterable[Widget]:
        """The diff."""
        yield self._scroll

    def scrolls(self) -> VerticalScroll:
        """The diff: the sentences are few."""
        return self._scroll

    def keys_line(self) -> str:
        """Which keys answer."""
        return f"{super().keys_line()}   space, pgdn further down"

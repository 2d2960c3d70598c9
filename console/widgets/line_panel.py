"""A panel of text lines that repaints only what changed: one widget instead of a label per number.

UI thread.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.widgets.columns import Cell, CellValue, Run, fit
from console.widgets.painting import Painter, painter_for


class LinePanel(Widget):
    """Draws the lines that `lines` returns; call `redraw` when they may have changed."""

    DEFAULT_CSS = """
    LinePanel { height: auto; background: $background; color: $foreground; }
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._painter: Painter | None = None
        self._drawn: list[tuple[Run, ...]] = []
        self._width = -1
        self._drawn_with: tuple[Style, str] | None = None

    @abstractmethod
    def lines(self, width: int) -> Sequence[CellValue]:
        """The lines to show in a panel `width` cells wide."""

    def redraw(self) -> None:
        """Repaint the lines that differ; lays out again only when their number changed."""
        if not self.is_attached or not self.size.width:
            self._width = -1  # hidden: what was drawn is not what it says when it is shown again
            return
        before = self._drawn
        self._draw(self.size.width)
        if len(before) != len(self._drawn):
            self.refresh(layout=True)
            return
        changed = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip(before, self._drawn, strict=True))
            if old != new
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Draw line `y` of the content."""
        width = self.size.width
        if width != self._width:
            self._draw(width)
        if self._painter is None:
            self._painter = painter_for(self)
        return self._painter.strip(self._drawn[y] if y < len(self._drawn) else (), width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are at this width."""
        return len(self.lines(width))

    def notify_style_update(self) -> None:
        """Draw everything anew under the new theme or style."""
        super().notify_style_update()
        look = (self.rich_style, self.app.theme)
        if look != self._drawn_with:
            self._drawn_with = look
            self._painter = None
            self.refresh()

    def _draw(self, width: int) -> None:
        self._width = width
        self._drawn = [fit(line, width) for line in self.lines(width)]


class TextPanel(LinePanel):
    """Lines of styled text, set as a whole: an overview, a summary, a status line."""

    def __init__(
        self,
        content: Sequence[CellValue] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._content = tuple(content)

    def show(self, content: Sequence[CellValue]) -> None:
        """Show these lines; each is text, a cell, or cells side by side."""
        self._content = tuple(content)
        self.redraw()

    def lines(self, width: int) -> Sequence[CellValue]:  # noqa: ARG002 - lines are cut when drawn
        """The lines as they were set."""
        return self._content


__all__ = ["Cell", "LinePanel", "TextPanel"]

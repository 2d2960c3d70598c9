"""From roles to styled segments: what every widget that draws its own lines shares. UI thread."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from console.themes import Palette
from console.widgets.columns import Run


class Painter:
    """Turns runs of text and role into segments over one base style; cheap to throw away.

    Every segment gets the whole style, background included: the compositor does not add one
    to the blanks of a line.
    """

    def __init__(self, palette: Palette, base: Style) -> None:
        self.base = base
        """Foreground and background of plain text."""
        self._palette = palette
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, role: str, over: str = "") -> Style:
        """The style of `role`, with the role `over` laid on top of it (cursor, stale row)."""
        found = self._styles.get((role, over))
        if found is None:
            found = self.base + self._palette.style(role) + self._palette.style(over)
            self._styles[role, over] = found
        return found

    def strip(self, runs: Iterable[Run], width: int, over: str = "") -> Strip:
        """One line of exactly `width` cells: the runs, then blanks; neighbours merged."""
        segments: list[Segment] = []
        text, style = "", self.style("", over)
        for piece, role in runs:
            wanted = self.style(role, over)
            if wanted is style:
                text += piece
                continue
            if text:
                segments.append(Segment(text, style))
            text, style = piece, wanted
        if text:
            segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(width, self.style("", over))


def painter_for(widget: Widget) -> Painter:
    """A painter with the app's present theme over the widget's present colours."""
    return Painter(Palette(widget.app.theme_variables), widget.rich_style)

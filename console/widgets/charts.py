"""Charts of one colour, drawn in block characters line by line: cheap enough to repaint at 5 Hz.

`spark` and `bar` are pure; the widgets live on the UI thread. One widget draws a whole panel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console import format as fmt
from console.glyphs import Glyphs, glyphs
from console.widgets.columns import Cell
from console.widgets.line_panel import LinePanel

Value = float | None
"""A measured value; None where nothing is known."""


def spark(
    values: Sequence[Value], width: int, top: float | None = None, signs: Glyphs | None = None
) -> str:
    """The newest `width` values as one line of blocks, right-aligned.

    `top` is the value of a full block (None: the largest shown). An unknown value is a gap, a
    zero the lowest block, and what has no value yet a blank.
    """
    signs = signs or glyphs()
    shown = list(values)[-width:] if width > 0 else []
    scale = top if top is not None else ceiling_of(shown)
    drawn = "".join(_block(value, scale, signs) for value in shown)
    return drawn.rjust(width)


def ceiling_of(values: Sequence[Value]) -> float:
    """The largest known value; 0 when there is none."""
    return max((value for value in values if _known(value) and value is not None), default=0.0)


def _known(value: Value) -> bool:
    return value is not None and math.isfinite(value)


def _block(value: Value, top: float, signs: Glyphs) -> str:
    if value is None or not math.isfinite(value):
        return signs.gap
    if top <= 0:
        return signs.blocks[0]
    level = math.ceil(value / top * len(signs.blocks)) - 1
    return signs.blocks[max(0, min(level, len(signs.blocks) - 1))]


def bar(fraction: Value, width: int, signs: Glyphs | None = None) -> str:
    """A horizontal bar of exactly `width` cells, in parts of a cell; unknown is all gaps.

    Only nothing is empty and only the whole is full: what lies between shows a part of a cell at
    least, and lacks one.
    """
    signs = signs or glyphs()
    if fraction is None or not math.isfinite(fraction):
        return signs.gap * width
    if width <= 0:
        return ""
    steps = len(signs.parts) + 1
    share = min(max(fraction, 0.0), 1.0)
    filled = round(share * width * steps)
    if 0.0 < share < 1.0:
        filled = min(max(filled, 1), width * steps - 1)
    cells, rest = divmod(filled, steps)
    drawn = signs.full * cells + (signs.parts[rest - 1] if rest else "")
    return drawn + signs.empty * (width - len(drawn))


def chart_rows(
    values: Sequence[Value], width: int, height: int, top: float, signs: Glyphs | None = None
) -> list[str]:
    """A chart of `height` lines from top to bottom, each `width` cells, newest value right."""
    signs = signs or glyphs()
    shown = list(values)[-width:] if width > 0 else []
    levels = [_level(value, top, height, len(signs.blocks)) for value in shown]
    return [
        "".join(_stacked(level, height - 1 - line, signs) for level in levels).rjust(width)
        for line in range(height)
    ]


def _level(value: Value, top: float, height: int, steps: int) -> int | None:
    if value is None or not math.isfinite(value):
        return None
    if top <= 0 or value <= 0:
        return 1
    return max(1, min(height * steps, math.ceil(value / top * height * steps)))


def _stacked(level: int | None, storey: int, signs: Glyphs) -> str:
    """The sign of one column on one storey (0 = ground)."""
    if level is None:
        return signs.gap if storey == 0 else " "
    steps = len(signs.blocks)
    inside = level - storey * steps
    if inside <= 0:
        return " "
    return signs.blocks[min(inside, steps) - 1]


@dataclass(frozen=True)
class Series:
    """A named line of a chart: its values (oldest first) and how a value is written."""

    name: str
    values: Sequence[Value] = ()
    write: Callable[[Value], str] = fmt.short_count
    top: float | None = None
    """The value at the upper edge; None: the largest value shown."""
    role: str = "chart"
    absent: str = ""
    """Why no value is known, for when none is."""


_AXIS = 8
"""Cells left of the blocks for the scale."""
_SCALED = 40
"""From this width on there is a scale."""


class Chart(LinePanel):
    """Time series under each other, each with its name, present value, maximum and scale.

    A series has one line of text and `height` lines of blocks, so new data never moves the
    layout. `step` is the time from one value to the next in seconds; with it the text says how
    far back the blocks go.
    """

    def __init__(
        self,
        series: Sequence[Series] = (),
        *,
        series_height: int = 3,
        step: float | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._series = tuple(series)
        self._series_height = series_height
        self._step = step

    def show(self, series: Sequence[Series], series_height: int | None = None) -> None:
        """Show these series; only lines that come out differently are repainted."""
        self._series = tuple(series)
        self._series_height = self._series_height if series_height is None else series_height
        self.redraw()

    def lines(self, width: int) -> list[tuple[Cell, ...]]:
        """Each series as a line of words over its blocks."""
        axis = _AXIS if width >= _SCALED else 0
        drawn: list[tuple[Cell, ...]] = []
        for series in self._series:
            shown = list(series.values)[-(width - axis) :] if width > axis else []
            drawn.append(self._words(series, shown, width))
            drawn += self._blocks(series, shown, width - axis, axis)
        return drawn

    def _blocks(
        self, series: Series, shown: Sequence[Value], width: int, axis: int
    ) -> list[tuple[Cell, ...]]:
        height = self._series_height
        if series.absent and not any(_known(value) for value in shown):
            return [(Cell(f"{'':{axis}}{series.absent}", "muted"),), *[(Cell(""),)] * (height - 1)]
        top = ceiling_of(shown) if series.top is None else series.top
        labels = [""] * height
        if height > 1:
            labels[-1] = "0"
        labels[0] = series.write(top) if top > 0 else ""
        return [
            (Cell(f"{label:>{axis - 1}} "[:axis] if axis else "", "muted"), Cell(row, series.role))
            for label, row in zip(labels, chart_rows(shown, width, height, top), strict=True)
        ]

    def _words(self, series: Series, shown: Sequence[Value], width: int) -> tuple[Cell, ...]:
        now = series.write(shown[-1] if shown else None)
        known = [value for value in shown if _known(value)]
        most = series.write(max(value for value in known if value is not None) if known else None)
        span = f", last {fmt.duration(self._step * len(shown))}" if self._step and known else ""
        right = f"max {most}{span}"
        blanks = width - len(series.name) - len(now) - len(right) - 1
        if blanks < 1:
            return (Cell(f"{series.name} ", ""), Cell(now, "strong"))
        return (
            Cell(f"{series.name} ", ""),
            Cell(now, "strong"),
            Cell(" " * blanks),
            Cell(right, "muted"),
        )

"""The charts of a migration over its whole time, with the moments that matter marked in them.

The series are pure; `MigrationCharts` draws them, on the UI thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console import format as fmt
from console.glyphs import Glyphs, glyphs
from console.widgets.charts import Value, ceiling_of, chart_rows
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel
from core.model import JobSample, Migration

_LABEL = 17
"""Cells left of the blocks: a track's name and value, and below them its scale."""
_APART = 3
"""From this height on a blank line is between two tracks."""
_PASSES_SHOWN = 99
"""Iterations beyond this are marked, not numbered."""


@dataclass(frozen=True)
class Track:
    """One series of a migration: what it is called, how it is read from a sample and written.

    Tracks with the same `scale` share their upper edge, so that they can be compared.
    """

    name: str
    read: Callable[[JobSample], Value]
    write: Callable[[Value], str]
    scale: str


@dataclass(frozen=True)
class TimeSpan:
    """The time the charts show, in seconds since the epoch, and the moments marked in it."""

    start: float
    end: float
    passes: tuple[float, ...] = ()
    """When each iteration began."""
    switched: float | None = None
    """When it went to post-copy."""

    def column(self, at: float, width: int) -> int | None:
        """In which of `width` columns a moment is; None: in none."""
        if not self.start <= at <= self.end or width <= 0:
            return None
        length = self.end - self.start
        return 0 if length <= 0 else min(width - 1, int((at - self.start) / length * width))


def tracks_of(row: Migration, samples: Sequence[JobSample]) -> list[Track]:
    """Remaining, throughput and dirty rate; the disks' share apart where disks are copied."""
    tracks = [
        Track("remaining", lambda sample: sample.memory_remaining, fmt.size, "remaining"),
        Track("sent", lambda sample: sample.memory_bps, fmt.rate, "rate"),
        Track("dirtied", lambda sample: _dirtied(row, sample), fmt.rate, "rate"),
    ]
    if row.copied_disks or any(sample.disk_total for sample in samples):
        disks = Track("disks left", lambda sample: sample.disk_remaining, fmt.size, "disks")
        tracks.insert(1, disks)
    return tracks


def _dirtied(row: Migration, sample: JobSample) -> Value:
    """In post-copy libvirt repeats the last rate of pre-copy, which says nothing any more."""
    after = row.switched is not None and sample.at >= row.switched
    return None if after else sample.rewritten


def span_of(row: Migration, samples: Sequence[JobSample]) -> TimeSpan | None:
    """From the start to the last sample (or the end); None while there is none."""
    if not samples:
        return None
    start = min(samples[0].at, row.started or samples[0].at)
    end = max(samples[-1].at, row.ended or samples[-1].at)
    return TimeSpan(start, end, row.iterations, row.switched)


def columns_of(
    samples: Sequence[JobSample], read: Callable[[JobSample], Value], span: TimeSpan, width: int
) -> list[Value]:
    """A value per column of time: the last one in it, else the one before it.

    Columns before the first value have none.
    """
    columns: list[Value] = [None] * width
    known = [False] * width
    for sample in samples:
        place = span.column(sample.at, width)
        if place is not None:
            columns[place], known[place] = read(sample), True
    last = max((place for place in range(width) if known[place]), default=-1)
    for place in range(1, last + 1):
        if not known[place]:
            columns[place] = columns[place - 1]
    return columns


def marks_line(span: TimeSpan, width: int, signs: Glyphs | None = None) -> str:
    """A line of `width` cells: the number of each iteration where it begins, `P` at the switch."""
    signs = signs or glyphs()
    cells = [" "] * width
    free_from = 0
    for number, at in enumerate(span.passes, 1):
        place = span.column(at, width)
        if place is None:
            continue
        label = str(number) if number <= _PASSES_SHOWN else ""
        if label and place >= free_from and place + len(label) <= width:
            cells[place : place + len(label)] = list(label)
            free_from = place + len(label) + 1
        elif cells[place] == " ":
            cells[place] = signs.rule
    if span.switched is not None and (place := span.column(span.switched, width)) is not None:
        cells[place] = "P"
    return "".join(cells)


def with_rules(rows: Sequence[str], span: TimeSpan, signs: Glyphs | None = None) -> list[str]:
    """The rows of a chart with a dotted line at every marked moment, where no block is."""
    signs = signs or glyphs()
    width = len(rows[0]) if rows else 0
    moments = [*span.passes, *([] if span.switched is None else [span.switched])]
    places = {place for at in moments if (place := span.column(at, width)) is not None}
    return [
        "".join(
            signs.rule if cell == " " and place in places else cell
            for place, cell in enumerate(row)
        )
        for row in rows
    ]


class MigrationCharts(LinePanel):
    """Every track over the same time: `height` lines of blocks each, the marks once below all.

    With a height of 1 the name, the value and the blocks share one line.
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._row: Migration | None = None
        self._samples: Sequence[JobSample] = ()
        self._height = 1
        self._stale = False

    def show(
        self, row: Migration, samples: Sequence[JobSample], height: int, *, stale: bool = False
    ) -> None:
        """Show these; `stale` ones are greyed."""
        self._row, self._samples, self._height, self._stale = row, samples, height, stale
        self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """The tracks under each other, then the marks and the time."""
        row = self._row
        if row is None:
            return []
        tracks = tracks_of(row, self._samples)
        span = span_of(row, self._samples)
        room = width - _LABEL - 1
        if span is None or room < 1:
            return [Cell(" Nothing was measured yet.", "muted")]
        drawn = [columns_of(self._samples, track.read, span, room) for track in tracks]
        tops = _tops(tracks, drawn)
        lines: list[CellValue] = []
        for track, values in zip(tracks, drawn, strict=True):
            lines += [""] if lines and self._height >= _APART else []
            lines += self._track(track, values, tops[track.scale], span)
        return [*lines, self._marks(span, room), self._times(span, room)]

    def _track(
        self, track: Track, values: list[Value], top: float, span: TimeSpan
    ) -> list[CellValue]:
        now = track.write(track.read(self._samples[-1]))
        rows = with_rules(chart_rows(values, len(values), self._height, top), span)
        role = "muted" if self._stale else "chart"
        value = Cell(f"{now:>{_LABEL - 3 - len(track.name)}}  ", "strong")
        labels: list[tuple[Cell, ...]] = [(Cell(f" {track.name}"), value)]
        labels += [(Cell(" " * _LABEL),)] * (self._height - 1)
        known = any(value is not None for value in values)
        if self._height > 1 and top > 0 and known:
            labels[1] = (Cell(f"{f'top {track.write(top)}':>{_LABEL - 2}}  ", "muted"),)
        return [(*label, Cell(blocks, role)) for label, blocks in zip(labels, rows, strict=True)]

    def _marks(self, span: TimeSpan, room: int) -> CellValue:
        return (
            Cell(f" {'iteration':<{_LABEL - 2}} ", "muted"),
            Cell(marks_line(span, room), "key"),
        )

    def _times(self, span: TimeSpan, room: int) -> CellValue:
        end = fmt.duration(span.end - span.start)
        note = "P post-copy" if span.switched is not None else ""
        gap = max(1, room - len(end) - 2 - len(note))
        return (
            Cell(" " * _LABEL + "0s" + " " * (gap // 2), "muted"),
            Cell(note, "muted"),
            Cell(" " * (gap - gap // 2) + end, "muted"),
        )


def _tops(tracks: Sequence[Track], drawn: Sequence[Sequence[Value]]) -> dict[str, float]:
    """The upper edge of every scale: the largest value of all tracks on it."""
    tops: dict[str, float] = {}
    for track, values in zip(tracks, drawn, strict=True):
        top = ceiling_of(values)
        tops[track.scale] = max(tops.get(track.scale, 0.0), top if math.isfinite(top) else 0.0)
    return tops

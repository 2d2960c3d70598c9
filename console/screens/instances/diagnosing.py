"""Why an instance is slow: figures that are read while somebody looks at its page. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from console.diagnosis_words import sections
from console.glyphs import glyphs
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import Instance, ObjectKey
from core.model.diagnostics import DiagnosticSample
from core.model.sizes import rate_words
from core.state.diagnosis import Diagnosis, diagnosis
from core.state.slowness import Slowness, judged

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

APART = 1.0
"""Seconds between two samples at least: a process is asked for each."""
GRAVE, NOTABLE = 0.8, 0.5
"""Weights of findings from which they are shown as errors and as warnings."""


class Diagnosing:
    """The samples of one instance, asked for one at a time; `draw` is called when there is news."""

    def __init__(self, console: VirtdeckApp, key: ObjectKey, draw: Callable[[], None]) -> None:
        self._console = console
        self._key = key
        self._draw = draw
        self._asking = False
        self._sample: DiagnosticSample | None = None
        self._found: Diagnosis | None = None
        self._problem = ""
        self._dirty_rate: str = ""
        """In words; empty: it was not measured."""

    @property
    def complete(self) -> bool:
        """Whether two samples were compared, or there is no second one to come."""
        return self._found is not None or bool(self._problem)

    def look(self) -> None:
        """Ask for a sample, unless one is under way or has just come."""
        if self._asking or (
            self._sample is not None and self._console.view.now() - self._sample.at < APART
        ):
            return
        self._asking = True
        key = self._key
        self._console.ask(lambda source: source.diagnostics.sample(key), self._take, self._failed)

    def measure(self, row: Instance) -> None:
        """Measure how fast it writes to its memory; nothing while that is under way."""
        if self._dirty_rate == _MEASURING:
            return
        self._dirty_rate = _MEASURING
        key, memory = self._key, row.memory

        def measured(rate: float | None) -> None:
            self._dirty_rate = "not to be measured now" if rate is None else rate_words(rate)
            self._draw()

        def failed(error: Exception) -> None:
            self._dirty_rate = str(error)
            self._draw()

        self._console.ask(
            lambda source: source.diagnostics.dirty_rate(key, memory), measured, failed
        )
        self._draw()

    def lines(self, view: View, row: Instance) -> list[CellValue]:
        """Why it may be slow, the gravest first, and all the figures."""
        problem: list[CellValue] = []
        if self._problem:
            problem = [Cell(f" ! {self._problem}", "warning"), ""]
        if self._found is None:
            return problem or [Cell(" Watching it for a moment.", "muted")]
        return [*problem, *diagnosis_lines(view, row, self._found, self._dirty_rate)]

    def _take(self, sample: DiagnosticSample) -> None:
        self._asking, self._problem = False, ""
        if self._sample is not None:
            self._found = diagnosis(self._sample, sample)
        self._sample = sample
        self._draw()

    def _failed(self, error: Exception) -> None:
        self._asking, self._problem = False, str(error)
        self._draw()


_MEASURING = "being measured"


def diagnosis_lines(
    view: View, row: Instance, found: Diagnosis, dirty_rate: str = ""
) -> list[CellValue]:
    """What makes it slow, and the figures, each kind as a table of its own."""
    lines = [heading("Why is it slow"), *_findings(judged(view.state, row, found))]
    for title, rows in sections(found):
        lines += ["", heading(title)]
        if title == "Memory":
            rate = dirty_rate or Cell("not measured: ^r measures it", "muted")
            lines += facts([*((cells[0], cells[1]) for cells in rows), ("writes", rate)])
        elif len(rows[0]) == 2:
            lines += facts([(cells[0], cells[1]) for cells in rows], _label_width(rows))
        else:
            lines += _table(rows)
    return lines


def _label_width(rows: list[tuple[str, ...]]) -> int:
    return min(32, max(14, *(len(cells[0]) for cells in rows)))


def _findings(slow: Slowness) -> Iterator[CellValue]:
    if not slow.findings:
        yield Cell(f"  {slow.verdict}", "ok")
    for one in slow.findings:
        role = "error" if one.weight >= GRAVE else "warning" if one.weight >= NOTABLE else ""
        yield Cell(f"  {glyphs().alert} {one.text}", role)
    for sentence in slow.unknown:
        yield Cell(f"  ? {sentence}", "muted")


def _table(rows: list[tuple[str, ...]]) -> list[CellValue]:
    """A table, with what is no row of it below."""
    titles, *others = rows
    whole = [cells for cells in others if len(cells) == len(titles)]
    below = [cells for cells in others if len(cells) != len(titles)]
    return [*table(titles, whole), *(Cell("  " + "  ".join(cells)) for cells in below)]

"""The checkpoints of one instance below its snapshots: read when somebody looks. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.checkpoint_words import (
    FILE_TITLES,
    TITLES,
    changed_words,
    disks_words,
    state_words,
)
from console.screens.table_text import heading, table
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import ObjectKey
from core.model.checkpoint import Checkpoint
from core.model.text import clean
from core.verbs.backup.chain import KEPT_VALID, faults

if TYPE_CHECKING:
    from console.screens.subjects import SubjectScreen


class CheckpointsWatch:
    """Reads them, and has the page of them: no event tells of one."""

    def __init__(self, screen: SubjectScreen, key: ObjectKey) -> None:
        self._screen = screen
        self._key = key
        self._looking = False
        self._problem = ""

    def look(self) -> None:
        """Read them, unless they are being read."""
        if self._looking:
            return
        self._looking = True
        key = self._key

        def read(_: tuple[Checkpoint, ...] | None) -> None:
            self._answered("")

        self._screen.console.ask(
            lambda source: source.links.checkpoints(key),
            read,
            lambda error: self._answered(str(error)),
        )

    def _answered(self, problem: str) -> None:
        self._looking = False
        self._problem = problem
        if self._screen.is_attached:
            self._screen.show_all()

    def lines(self, view: View) -> list[CellValue]:
        """Return the page: those that were read, what is wrong with them, what they need."""
        return checkpoint_lines(view, view.state.checkpoints.get(self._key), self._problem)


def checkpoint_lines(
    view: View, known: tuple[Checkpoint, ...] | None, problem: str
) -> list[CellValue]:
    """Return the checkpoints as lines; None: they were not read. Pure."""
    head: list[CellValue] = ["", heading("Checkpoints of backups")]
    if known is None:
        return [*head, Cell(f"  {clean(problem) or 'being read ...'}", "muted")]
    if not known:
        return [*head, Cell("  It has no checkpoint: a backup makes one.", "muted")]
    rows = [
        (
            clean(one.name),
            clean(one.parent),
            view.date(one.created),
            changed_words(one),
            disks_words(one),
            Cell(state_words(one), _role(one)),
        )
        for one in known
    ]
    wrong: list[CellValue] = [Cell(f"  ! {fault}", "warning") for fault in faults(known)]
    files = [
        (clean(one.name), clean(disk.target), clean(disk.file))
        for one in known
        for disk in one.disks
        if disk.file
    ]
    below = ["", *table(FILE_TITLES, files)] if files else []
    return [*head, *wrong, *table(TITLES, rows), *below, "", Cell(f"  {KEPT_VALID}", "muted")]


def _role(one: Checkpoint) -> str:
    if one.broken or one.unfinished:
        return "error"
    return "" if not one.judged else "ok"

"""The report of a migration, as text, as Markdown and as JSON: to read, to copy, to keep.

UI thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, tzinfo
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from console.actions.registry import bindings_for
from console.screens.base import ConsoleScreen
from console.screens.migrations import words
from console.screens.page import Page
from console.screens.parts import Part, PartsLine
from console.screens.table_text import facts, heading
from console.status_signs import status_sign
from console.widgets.columns import Cell, CellValue
from core.migration.report.report import Report, as_markdown, as_text, as_value, report
from core.model import Delta, JobSample, Migration, ObjectKey

FORMS = ("text", "markdown", "json")
"""In their order; the ends of the files they are saved in are in `ENDS`."""
ENDS = {"text": "txt", "markdown": "md", "json": "json"}
_LABEL = 16


class ReportScreen(ConsoleScreen, inherit_bindings=False):
    """A page to scroll; it follows the migration while that goes on."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS = bindings_for("report")
    registry_layer = "report"

    def __init__(self, migration_id: str) -> None:
        super().__init__()
        self._migration_id = migration_id
        self._form = FORMS[0]
        self._forms = PartsLine(id="pages")
        self._scroll = VerticalScroll()
        self._page = Page(id="report")

    def body(self) -> Iterable[Widget]:
        """The forms, the page."""
        yield self._forms
        with self._scroll:
            yield self._page

    @property
    def migration(self) -> Migration | None:
        """The migration as it is now; None when it was forgotten."""
        return self.console.view.state.migrations.get(self._migration_id)

    def crumbs(self) -> tuple[str, ...]:
        """Whose report it is."""
        row = self.migration
        return ("migrations", words.name_of(row) if row is not None else "gone", "report")

    def summary(self) -> list[Part]:
        """How it stands."""
        return words.standing(self.migration)

    def in_view(self) -> frozenset[ObjectKey]:
        """The migration."""
        row = self.migration
        return frozenset() if row is None else frozenset({row.key})

    def show_all(self) -> None:
        """Write it anew in the form chosen."""
        self._forms.show([(_form_part(form, self._form),) for form in FORMS])
        self._page.show(self._lines())

    def show_change(self, delta: Delta) -> None:
        """Write it anew when the migration moved on."""
        row = self.migration
        if row is None or row.key in delta.changed:
            self.show_all()

    # -- actions ---------------------------------------------------------------------------------

    def action_form(self, step: int) -> None:
        """The next or previous form."""
        self.action_show_form(FORMS[(FORMS.index(self._form) + step) % len(FORMS)])

    def action_show_form(self, form: str) -> None:
        """One of the forms, from its top."""
        self._form = form
        self._scroll.scroll_home(animate=False)
        self.show_all()

    def action_copy(self) -> None:
        """Copy it in the form shown."""
        if text := self.written():
            self.console.copy_to_clipboard(text)
            self.console.notify(f"Copied: the report as {self._form}.", timeout=3, markup=False)

    def action_save(self) -> None:
        """Write it to a new file in the present folder; never over another."""
        row, text = self.migration, self.written()
        if row is None or not text:
            return
        path = Path.cwd() / file_name(row, self._form, _moment(row.created, self.console.view.zone))
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            reason = error.strerror or str(error)
            self.console.notify(
                f"{path}: {reason}.", title="Not saved", severity="error", timeout=8, markup=False
            )
            return
        self.console.notify(f"Saved: {path}", timeout=6, markup=False)

    # -- content ---------------------------------------------------------------------------------

    def written(self) -> str:
        """The report in the form shown; empty when the migration was forgotten."""
        row = self.migration
        if row is None:
            return ""
        if self._form == "json":
            return json.dumps(as_value(row, self._samples()), indent=2, ensure_ascii=False) + "\n"
        made = self._report(row)
        return as_text(made) if self._form == "text" else as_markdown(made)

    def _report(self, row: Migration) -> Report:
        return report(row, self._samples(), self.console.view.zone)

    def _samples(self) -> tuple[JobSample, ...]:
        tracks = self.console.view.state.tracks
        return tuple(tracks.samples(self._migration_id)) if tracks is not None else ()

    def _lines(self) -> list[CellValue]:
        row = self.migration
        if row is None:
            return [Cell("  This migration is not remembered any more.", "muted")]
        if self._form != "text":
            return [f"  {line}" for line in self.written().splitlines()]
        made = self._report(row)
        sign = status_sign(row.status)
        lines: list[CellValue] = [heading(made.title), Cell(f"  {made.outcome}", sign.role)]
        for section in made.sections:
            if section.rows:
                lines += ["", heading(section.title), *facts(section.rows, _LABEL)]
        return lines


def file_name(row: Migration, form: str, when: datetime | None) -> str:
    """`migration-web-20261126-031500.md`: only what is safe in a name of a file."""
    name = "".join(sign if sign.isalnum() or sign in "-._" else "-" for sign in words.name_of(row))
    stamp = f"-{when:%Y%m%d-%H%M%S}" if when is not None else ""
    return f"migration-{name.lstrip('.')[:80]}{stamp}.{ENDS[form]}"


def _moment(when: float, zone: tzinfo | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(when, tz=zone)
    except (OverflowError, ValueError, OSError):  # no calendar has that year: a damaged tape
        return None


def _form_part(form: str, current: str) -> Part:
    role = "header-sorted" if form == current else ""
    return Part(f" {form} ", role, f"screen.show_form('{form}')")

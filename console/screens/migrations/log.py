"""What was done to a migration, what happened in it, what was verified: as lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console import format as fmt
from console.glyphs import glyphs
from console.screens.migrations import words
from console.screens.table_text import facts, heading
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import Answer, Migration, SteerKind, SteerRecord
from core.model.text import clean


def actions(
    view: View, row: Migration, most: int | None = None, *, virsh: bool = False
) -> list[CellValue]:
    """What the policy and the operators did, newest first: why, and what came of it.

    With `virsh` each has the equivalent command below it.
    """
    records = list(reversed(row.steering))[:most]
    over = row.status.final
    title = heading(f"{'What was done' if over else 'Done so far'}, policy {row.policy}")
    if not records:
        return [title, _nothing(row)]
    lines: list[CellValue] = [title]
    for record in records:
        lines.append(_record(view, record))
        if virsh and record.virsh:
            lines.append(Cell(f"            {clean(record.virsh)}", "muted"))
    return lines


def _nothing(row: Migration) -> Cell:
    return Cell("  nothing" if row.status.final else "  nothing yet", "muted")


_ANSWER_ROLES = {
    Answer.DONE: "ok",
    Answer.REFUSED: "error",
    Answer.NO_ANSWER: "warning",
    Answer.ADVISED: "muted",
    Answer.REQUESTED: "changing",
}


def _record(view: View, record: SteerRecord) -> CellValue:
    answer = "" if record.answer is Answer.ADVISED else f" {record.answer.value}"
    why = "; ".join(clean(text) for text in (record.steer.reason, record.detail) if text)
    return (
        Cell(f"  {view.clock(record.at)}  ", "muted"),
        Cell(steer_words(record), "strong"),
        Cell(answer, _ANSWER_ROLES[record.answer]),
        Cell(f" by {clean(record.by)}", "muted"),
        Cell(f": {why}" if why else ""),
    )


def steer_words(record: SteerRecord) -> str:
    """A command in words: `max downtime 800 ms`, `abort`.

    An advice has the forecast of its time for a text, which the screen has newer.
    """
    steer = record.steer
    if steer.kind is SteerKind.ADVISE:
        return "advice"
    value = ""
    if steer.value is not None:
        down = steer.kind is SteerKind.MAX_DOWNTIME
        value = fmt.milliseconds(steer.value) if down else fmt.bandwidth(steer.value)
    return " ".join(filter(None, (words.command_words(steer.kind), value, clean(steer.text))))


def timeline(view: View, row: Migration, most: int | None = None) -> list[CellValue]:
    """What happened, newest first."""
    steps = list(reversed(row.timeline))[:most]
    lines: list[CellValue] = [heading("Timeline")]
    if not steps:
        return [*lines, _nothing(row)]
    return lines + [
        (Cell(f"  {view.clock(step.at)}  ", "muted"), Cell(clean(step.text))) for step in steps
    ]


def checks(row: Migration) -> list[CellValue]:
    """What was verified after the end; nothing before."""
    if not row.checks:
        return []
    return [
        heading("Verified"),
        *(check_line(one.passed, one.name, one.text) for one in row.checks),
    ]


def check_line(passed: bool | None, name: str, text: str) -> CellValue:
    """A check as glyph, word, name and what was seen."""
    signs = glyphs()
    glyph, word, role = signs.unknown, "not seen", "warning"
    if passed is not None:
        glyph, word, role = (
            (signs.running, "ok", "ok") if passed else (signs.crashed, "no", "error")
        )
    return (Cell(f"  {glyph} {word:<8} ", role), Cell(clean(name), "strong"),
            Cell(f"  {clean(text)}"))  # fmt: skip


def command(row: Migration) -> Sequence[CellValue]:
    """The virsh command that does the same as the whole migration."""
    return facts([("as virsh", Cell(clean(row.virsh), "muted") if row.virsh else "")], 9)

"""What a Migrate dialog shows of its check, line by line. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.dialogs.question import danger_lines
from console.screens.migrations.migrate_check import MigrateCheck
from console.screens.migrations.migrate_findings import (
    command_lines,
    finding_lines,
    prospect_lines,
    sum_line,
)
from console.widgets.columns import Cell, CellValue
from core.verbs.caution import Danger


def found_lines(check: MigrateCheck, danger: Danger, instances: int) -> list[CellValue]:
    """What is wrong with the form, else what the hosts were found to say, the newest there is.

    `instances` is how many are to be moved.
    """
    if check.reading.wrong:
        return [Cell(text, "error") for text in check.reading.wrong]
    lines = [*_heading(check), *danger_lines(danger)]
    if check.reading.left_out:
        words = fmt.plural(check.reading.left_out, "instance")
        lines.append(Cell(f"{words} left out: there already", "muted"))
    if check.measuring:
        who = "it writes" if instances == 1 else "they write"
        lines.append(Cell(f"Measuring how fast {who}...", "changing"))
    else:
        lines += prospect_lines(check.assessments)  # before what may be long
    lines += finding_lines(check.assessments, check.overrides)
    if command := list(command_lines(check.assessments)):
        lines += ["", *command]
    return lines


def _heading(check: MigrateCheck) -> list[CellValue]:
    if check.known:
        return [sum_line(check.assessments, check.overrides)]
    looking = "Looking again..." if check.assessments else "Looking at both hosts..."
    lines: list[CellValue] = [Cell(looking, "changing")]
    if check.waits_for:
        lines.append(Cell(check.waits_for, "strong"))
    return lines

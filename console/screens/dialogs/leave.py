"""Asks before leaving while operations run, or something edited is not saved. UI thread."""

from __future__ import annotations

from collections.abc import Sequence

from console import format as fmt
from console.screens.dialogs.question import QuestionDialog
from console.widgets.columns import Cell, CellValue
from core.model import OperationRecord

_MOST = 6


class LeaveDialog(QuestionDialog, inherit_bindings=True):
    """Names what runs and what is not saved, and says what becomes of it."""

    def __init__(self, running: Sequence[OperationRecord], unsaved: Sequence[str]) -> None:
        lines: list[CellValue] = [
            f"  {record.verb} {record.name} on {record.host}: {record.status.value}"
            for record in running[:_MOST]
        ]
        if len(running) > _MOST:
            lines.append(f"  and {len(running) - _MOST:,} more")
        if running:
            kept = "They are in the journal: the next virtdeck takes them up again."
            lines += ["", Cell(kept, "muted")]
        if running and unsaved:
            lines.append("")
        lines += [Cell(f"  not saved, and lost: {words}", "warning") for words in unsaved]
        words = fmt.plural(len(running), "operation")
        title = f"{words} still running. Leave?" if running else "Leave, and lose what was edited?"
        super().__init__(title, lines, "Leave", "Stay")

"""Asks before leaving while operations run. UI thread."""

from __future__ import annotations

from collections.abc import Sequence

from console import format as fmt
from console.screens.dialogs.question import QuestionDialog
from console.widgets.columns import Cell, CellValue
from core.model import OperationRecord

_MOST = 6


class LeaveDialog(QuestionDialog, inherit_bindings=True):
    """Names what runs and says what becomes of it."""

    def __init__(self, running: Sequence[OperationRecord]) -> None:
        lines: list[CellValue] = [
            f"  {record.verb} {record.name} on {record.host}: {record.status.value}"
            for record in running[:_MOST]
        ]
        if len(running) > _MOST:
            lines.append(f"  and {len(running) - _MOST:,} more")
        lines += [
            "",
            Cell("They are in the journal: the next virtdeck takes them up again.", "muted"),
        ]
        words = fmt.plural(len(running), "operation")
        super().__init__(f"{words} still running. Leave?", lines, "Leave", "Stay")

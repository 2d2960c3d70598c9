"""What an operation has brought, as lines: figures, and outputs of a guest. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.screens.table_text import facts, heading
from console.widgets.columns import Cell, CellValue
from core.model.text import clean

MOST_LINES = 200
"""Lines of one output that are shown."""
_SHADOWED = ("_whole", "_base64")
"""What is told beside an output, for programs."""


def result_lines(result: Mapping[str, Any]) -> Iterator[CellValue]:
    """The figures of a result first, then each text that it has, a line of it a line."""
    shown = {key: one for key, one in result.items() if not key.endswith(_SHADOWED)}
    texts = {key: one for key, one in shown.items() if isinstance(one, str) and "\n" in one}
    figures = [
        (key.replace("_", " "), clean(str(one)))
        for key, one in shown.items()
        if key not in texts and one not in (None, "")
    ]
    if not shown:
        return
    yield ""
    yield heading("Result")
    yield from facts(figures)
    for name, text in texts.items():
        yield Cell(f"  {name}", "muted")
        lines = clean(text, multiline=True).expandtabs().splitlines()
        yield from (Cell(f"    {line}") for line in lines[:MOST_LINES])
        if len(lines) > MOST_LINES or result.get(f"{name}_whole") is False:
            yield Cell("    ... the rest is not kept", "muted")

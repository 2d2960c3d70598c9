"""Small fixed tables and label columns as lines of text, for panels. Pure, any thread."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from console.widgets.columns import Cell, CellValue

INDENT = 2


def heading(text: str) -> Cell:
    """The title of a part of a panel."""
    return Cell(f" {text}", "strong")


def facts(pairs: Sequence[tuple[str, CellValue]], label_width: int = 14) -> list[CellValue]:
    """Labels and values in two columns; a pair with an empty value is left out."""
    return [
        (Cell(f"{'':{INDENT}}{label:<{label_width}} ", "muted"), *as_cells(value))
        for label, value in pairs
        if value
    ]


def table(
    titles: Sequence[str], rows: Sequence[Sequence[CellValue]], empty: str = "none"
) -> list[CellValue]:
    """Rows under their titles, each column as wide as its widest cell."""
    if not rows:
        return [Cell(f"{'':{INDENT}}{empty}", "muted")]
    widths = [
        max(cell_len(title), *(_length(row[number]) for row in rows))
        for number, title in enumerate(titles)
    ]
    head = "  ".join(f"{title:<{width}}" for title, width in zip(titles, widths, strict=True))
    lines: list[CellValue] = [Cell(f"{'':{INDENT}}{head.rstrip()}", "muted")]
    for row in rows:
        cells: list[Cell] = [Cell(" " * INDENT)]
        for value, width in zip(row, widths, strict=True):
            cells += as_cells(value)
            cells.append(Cell(" " * (width - _length(value) + 2)))
        lines.append(tuple(cells[:-1]))
    return lines


def plain(value: CellValue) -> str:
    """A line without its roles."""
    return "".join(cell.text for cell in as_cells(value))


def as_cells(value: CellValue) -> tuple[Cell, ...]:
    """A value of any kind as cells side by side."""
    if isinstance(value, str):
        return (Cell(value),)
    return (value,) if isinstance(value, Cell) else value


def _length(value: CellValue) -> int:
    return cell_len(plain(value))

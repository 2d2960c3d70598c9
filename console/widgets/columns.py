"""Columns of a live table: what a cell may be and how columns share the width. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from rich.cells import cell_len, set_cell_size

from console.glyphs import glyphs

Row = TypeVar("Row")


class Cell(NamedTuple):
    """A piece of text and the theme role that styles it ("" = plain text)."""

    text: str
    role: str = ""


CellValue: TypeAlias = "str | Cell | tuple[Cell, ...]"
"""What `Column.render` returns: plain text, one styled piece, or several side by side."""

ROOMY = 60
"""From so many cells on a last column keeps to its own."""

Cut: TypeAlias = Literal["end", "middle"]
"""Where text that is too long loses something: names differ at their ends as often as not."""

Run: TypeAlias = tuple[str, str]
"""A padded piece of a painted cell: text and role. A painted cell is a tuple of runs."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: how to draw a row in it, how to sort by it and how it takes part in the width.

    `width` fixes the width in terminal cells; without it the column is at least `min_width`
    wide and takes `flex` shares of what is left, up to `max_width`. When the table is too
    narrow the column with the highest `priority` goes first (0 = never dropped).
    `sort_key` returns a comparable value, or None for unknown, which always sorts last; text
    is compared naturally (web2 before web10). No `sort_key`: the column cannot be sorted by.
    `draw` takes the place of `render` where what is shown depends on the width in cells.

    `stands_for` names columns that this one sums up: it is shown instead of them where there is
    no room for all. A last column that `spills` takes, in a row whose text is too long for it,
    the places of the columns left of it that it needs and that `yields`: whatever they say, or in
    the rows of which the test says that they have nothing to say. One that is `ROOMY` does not:
    text below the title of another column is read as that one's.
    """

    id: str
    title: str
    render: Callable[[Row], CellValue]
    sort_key: Callable[[Row], Any] | None = None
    width: int | None = None
    min_width: int = 4
    max_width: int | None = None
    flex: int = 1
    align: Literal["left", "right"] = "left"
    cut: Cut = "end"
    priority: int = 0
    default_descending: bool = False
    tooltip: str = ""
    draw: Callable[[Row, int], CellValue] | None = None
    stands_for: tuple[str, ...] = ()
    spills: bool = False
    yields: bool | Callable[[Row], bool] = False

    def gives_way(self, row: Row) -> bool:
        """Whether another cell of this row may take this one's place."""
        return self.yields if isinstance(self.yields, bool) else self.yields(row)

    def content(self, row: Row, width: int) -> CellValue:
        """What a row shows in this column when that is `width` cells wide."""
        return self.render(row) if self.draw is None else self.draw(row, width)

    @property
    def least_width(self) -> int:
        """The smallest width in cells the column is shown with."""
        return self.min_width if self.width is None else self.width


class PlacedColumn(NamedTuple):
    """A column that is shown: its number in the table's list, left edge and width in cells."""

    number: int
    x: int
    width: int

    @property
    def end(self) -> int:
        """The cell right of the column."""
        return self.x + self.width


def place_columns(
    columns: Sequence[Column[Any]], width: int, *, left: int = 0, gap: int = 1
) -> tuple[PlacedColumn, ...]:
    """Choose the columns that fit in `width` cells and give each its left edge and width.

    `left` cells stay free before the first column, `gap` cells between columns. Columns keep
    their order. The first column is always there, cut to the width if it must be.
    """
    kept = _kept_columns(columns, width - left, gap)
    if not kept:
        return ()
    widths = _share_width(columns, kept, width - left - gap * (len(kept) - 1))
    placed = []
    x = left
    for number, column_width in zip(kept, widths, strict=True):
        placed.append(PlacedColumn(number, x, column_width))
        x += column_width + gap
    return tuple(placed)


def _kept_columns(columns: Sequence[Column[Any]], width: int, gap: int) -> list[int]:
    def needed() -> int:
        return sum(columns[number].least_width + gap for number in kept) - gap

    kept = [number for number, column in enumerate(columns) if not column.stands_for]
    if needed() > width:
        summed = {name for column in columns for name in column.stands_for}
        kept = [number for number, column in enumerate(columns) if column.id not in summed]
    while len(kept) > 1 and needed() > width:
        droppable = [number for number in kept[1:] if columns[number].priority > 0] or kept[1:]
        kept.remove(max(droppable, key=lambda number: (columns[number].priority, number)))
    return kept


def _share_width(columns: Sequence[Column[Any]], kept: Sequence[int], width: int) -> list[int]:
    widths = [columns[number].least_width for number in kept]
    if len(kept) == 1:
        widths[0] = max(0, min(widths[0], width))
    free = width - sum(widths)
    while free > 0:
        growing = [
            place
            for place, number in enumerate(kept)
            if columns[number].width is None
            and columns[number].flex > 0
            and (limit := columns[number].max_width or width) > widths[place]
            and limit > 0
        ]
        if not growing:
            break
        shares = sum(columns[kept[place]].flex for place in growing)
        before = free
        for place in growing:
            column = columns[kept[place]]
            wanted = max(1, before * column.flex // shares)
            taken = min(wanted, free, (column.max_width or width) - widths[place])
            widths[place] += taken
            free -= taken
    return widths


def fit(value: CellValue, width: int, align: str = "left", cut: Cut = "end") -> tuple[Run, ...]:
    """Pad or cut a cell value to exactly `width` terminal cells; an ellipsis stands for the rest.

    Wide characters (CJK, emoji) count two cells, and one that would be cut in half becomes a
    blank. Padding is a plain run, so that underline or reverse never runs into the gap.
    """
    if width <= 0:
        return ()
    pieces = _pieces(value)
    total = sum(cell_len(text) for text, _ in pieces)
    if total > width:
        return _cut(pieces, width) if cut == "end" else _cut_middle(pieces, width)
    if total == width:
        return pieces
    padding = (" " * (width - total), "")
    return (padding, *pieces) if align == "right" else (*pieces, padding)


def _pieces(value: CellValue) -> tuple[Run, ...]:
    if isinstance(value, str):
        return ((value, ""),) if value else ()
    if isinstance(value, Cell):
        return ((value.text, value.role),)
    return tuple((piece.text, piece.role) for piece in value if piece.text)


def _cut(pieces: tuple[Run, ...], width: int) -> tuple[Run, ...]:
    room = width - 1
    cut: list[Run] = []
    for text, role in pieces:
        length = cell_len(text)
        if length <= room:
            cut.append((text, role))
            room -= length
            continue
        cut.append((set_cell_size(text, room) + glyphs().ellipsis, role))
        return tuple(cut)
    return tuple(cut)


def _cut_middle(pieces: tuple[Run, ...], width: int) -> tuple[Run, ...]:
    text = "".join(piece for piece, _ in pieces)
    start, room = len(text), (width - 1) // 2
    while start and cell_len(text[start - 1 :]) <= room:
        start -= 1
    head = width - 1 - cell_len(text[start:])
    return ((set_cell_size(text, head) + glyphs().ellipsis + text[start:], pieces[0][1]),)


def spill(
    columns: Sequence[Column[Row]],
    placed: tuple[PlacedColumn, ...],
    drawn: Sequence[CellValue],
    row: Row,
) -> tuple[tuple[PlacedColumn, ...], Sequence[CellValue]]:
    """Give a last cell that is too long for its column the places it may take from the others.

    Takes and returns places and cells side by side; both are the same when nothing spills.
    """
    if not placed or not columns[placed[-1].number].spills or placed[-1].width >= ROOMY:
        return placed, drawn
    last, end = placed[-1], placed[-1].end
    wanted = sum(cell_len(text) for text, _ in _pieces(drawn[-1]))
    first = len(placed) - 1
    while end - placed[first].x < wanted and first:
        if not columns[placed[first - 1].number].gives_way(row):
            break
        first -= 1
    if first == len(placed) - 1:
        return placed, drawn
    x = placed[first].x
    return (
        (*placed[:first], PlacedColumn(last.number, x, end - x)),
        (*drawn[:first], drawn[-1]),
    )


def sorted_columns(
    columns: Sequence[Column[Any]], placed: Sequence[PlacedColumn], sorted_by: str
) -> frozenset[str]:
    """The shown columns that stand for the order: the one sorted by, or what is shown for it."""
    shown = [columns[place.number] for place in placed]
    if any(column.id == sorted_by for column in shown):
        return frozenset({sorted_by})
    parts = {name for column in columns if column.id == sorted_by for name in column.stands_for}
    return frozenset(
        column.id for column in shown if column.id in parts or sorted_by in column.stands_for
    )


def changed_span(old: tuple[Run, ...], new: tuple[Run, ...], width: int) -> tuple[int, int]:
    """Where two fitted cells of `width` differ: offset and length in terminal cells.

    The whole cell when wide characters make offsets and cells two things.
    """
    before, after = _characters(old), _characters(new)
    if len(before) != width or len(after) != width:
        return 0, width
    start = 0
    while start < width and before[start] == after[start]:
        start += 1
    end = width
    while end > start and before[end - 1] == after[end - 1]:
        end -= 1
    return start, end - start


def _characters(runs: tuple[Run, ...]) -> list[Run]:
    characters = [(character, role) for text, role in runs for character in text]
    narrow = all(sign.isascii() or cell_len(sign) == 1 for sign, _ in characters)
    return characters if narrow else []

"""How large a picture is in cells. Pure."""

from __future__ import annotations


def fitted(
    picture: tuple[int, int], room: tuple[int, int], cell: tuple[int, int]
) -> tuple[int, int]:
    """Return columns and rows of a picture that keeps its shape and fills the room one way.

    `picture` and `cell` are width and height in pixels, `room` is columns and rows.
    """
    (width, height), (columns, rows), (cell_width, cell_height) = picture, room, cell
    factor = min(columns * cell_width / width, rows * cell_height / height)
    return (
        min(columns, max(1, round(width * factor / cell_width))),
        min(rows, max(1, round(height * factor / cell_height))),
    )

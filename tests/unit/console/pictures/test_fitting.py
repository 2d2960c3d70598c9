from __future__ import annotations

import pytest

from console.pictures.fitting import fitted


@pytest.mark.parametrize(
    ("picture", "room", "cell", "expected"),
    [
        ((720, 400), (80, 21), (10, 20), (76, 21)),
        ((720, 400), (200, 21), (10, 20), (76, 21)),
        ((720, 400), (40, 40), (10, 20), (40, 11)),
        ((1024, 768), (80, 21), (8, 16), (56, 21)),
        ((1, 4000), (80, 21), (10, 20), (1, 21)),
        ((4000, 1), (80, 21), (10, 20), (80, 1)),
    ],
)
def test_it_keeps_its_shape_and_fills_the_room_one_way(
    picture: tuple[int, int],
    room: tuple[int, int],
    cell: tuple[int, int],
    expected: tuple[int, int],
) -> None:
    assert fitted(picture, room, cell) == expected

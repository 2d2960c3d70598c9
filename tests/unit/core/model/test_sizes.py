"""Sizes and rates, in cells and in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.sizes import bandwidth, rate, rate_words, size, size_words


@pytest.mark.parametrize(
    ("count", "cell", "words"),
    [
        *((None, "-", "-"), (0, "0B", "0 B"), (512, "512B", "512 B"), (1536, "1.5K", "1.5 KiB")),
        *((96 << 20, "96M", "96 MiB"), (3 << 29, "1.5G", "1.5 GiB"), (3 << 40, "3.0T", "3.0 TiB")),
        *((1 << 51, "2.0P", "2.0 PiB"), (-2048, "-2.0K", "-2.0 KiB"), (float("inf"), "-", "-")),
    ],
)
def test_a_size_has_the_same_figures_in_a_cell_and_in_a_sentence(
    count: float | None, cell: str, words: str
) -> None:
    assert (size(count), size_words(count)) == (cell, words)
    assert rate(count) == (cell if cell == "-" else f"{cell}/s")
    assert rate_words(count) == (words if words == "-" else f"{words}/s")


@given(st.integers(0, 2**63))
def test_a_size_fits_five_cells(count: int) -> None:
    assert len(size(count)) <= 5


def test_a_limit_of_nothing_is_none() -> None:
    assert [bandwidth(mib) for mib in (None, 0, 64.0)] == ["-", "unlimited", "64 MiB/s"]

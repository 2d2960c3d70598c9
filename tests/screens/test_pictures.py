"""The documentation shows the screens as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.screens.pictures import FOLDER, PICTURES, picture

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_is_of_now(name: str) -> None:
    made = await picture(name)
    assert (FOLDER / f"{name}.svg").read_text() == made, (
        "make the pictures anew: python -m tests.screens.pictures"
    )


def test_the_readme_shows_every_picture_and_no_other() -> None:
    shown = re.findall(r"docs/screenshots/([\w-]+)\.svg", README.read_text())
    assert sorted(shown) == sorted(PICTURES)

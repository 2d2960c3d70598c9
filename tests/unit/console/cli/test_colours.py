"""How many colours the console uses, and that none means none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console.cli.colours import choose_colours, without_colours
from console.settings import COLOURLESS, DisplaySettings


@pytest.mark.parametrize(
    ("environment", "terminfo", "none"),
    [
        ({"TERM": "xterm-256color"}, 256, False),
        ({"TERM": "xterm"}, 8, False),
        ({"TERM": "vt100"}, -1, True),
        ({"TERM": "unheard-of"}, None, False),
        ({"TERM": "vt100", "COLORTERM": "truecolor"}, -1, False),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, 256, True),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 256, False),
    ],
)
def test_there_are_colours_unless_somebody_says_otherwise(
    environment: dict[str, str], terminfo: int | None, none: bool
) -> None:
    assert without_colours(environment, lambda _: terminfo) is none


@pytest.mark.parametrize(
    ("term", "none"), [("vt100", True), ("xterm-256color", False), ("nothing-like-it", False)]
)
def test_the_description_of_the_terminal_is_asked(term: str, none: bool) -> None:
    code = f"from console.cli.colours import *; print(without_colours({{'TERM': {term!r}}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == f"{none}\n"


@pytest.mark.parametrize(
    ("colours", "environment", "theme", "system"),
    [
        ("auto", {}, "light", None),
        ("auto", {"NO_COLOR": "1"}, COLOURLESS, None),
        ("none", {}, COLOURLESS, None),
        ("none", {"NO_COLOR": "1"}, COLOURLESS, None),
        ("256", {"NO_COLOR": "1"}, "light", "256"),
        ("16", {}, "light", "standard"),
    ],
)
def test_without_colours_the_theme_is_the_one_that_needs_none(
    colours: str, environment: dict[str, str], theme: str, system: str | None
) -> None:
    display = DisplaySettings(theme="light", colours=colours)  # type: ignore[arg-type]
    chosen = choose_colours(environment, display, lambda _: 256)
    assert (chosen.theme, environment.get("TEXTUAL_COLOR_SYSTEM")) == (theme, system)
    assert "NO_COLOR" not in environment

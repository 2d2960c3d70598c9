"""How many colours to use, by what the operator and the terminal say. Pure but for terminfo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

import msgspec

from console.settings import COLOURLESS, DisplaySettings

_SYSTEMS = {"truecolor": "truecolor", "256": "256", "16": "standard"}
"""`[display] colours` in Textual's words."""


def terminfo_colours(term: str) -> int | None:
    """How many colours a terminal has by its description, below 0 for none; None: no description.

    A process can ask about one terminal only: curses remembers the first.
    """
    import curses

    try:
        curses.setupterm(term or "dumb", 1)
    except curses.error:
        return None
    return curses.tigetnum("colors")


def without_colours(
    environment: Mapping[str, str], known: Callable[[str], int | None] = terminfo_colours
) -> bool:
    """Whether NO_COLOR asks for no colour, or the terminal has none."""
    if environment.get("NO_COLOR"):
        return True
    if environment.get("COLORTERM"):
        return False
    count = known(environment.get("TERM", ""))
    return count is not None and count < 8


def choose_colours(
    environment: MutableMapping[str, str],
    display: DisplaySettings,
    known: Callable[[str], int | None] = terminfo_colours,
) -> DisplaySettings:
    """Set the number of colours for Textual; return how to display with it.

    What the configuration says goes before NO_COLOR. Textual never sees that variable: its own
    filter makes grey of every colour, and black on black of the terminal's own two.
    """
    colourless = display.colours == "none"
    if display.colours == "auto":
        colourless = without_colours(environment, known)
    environment.pop("NO_COLOR", None)
    if display.colours in _SYSTEMS:
        environment["TEXTUAL_COLOR_SYSTEM"] = _SYSTEMS[display.colours]
    return msgspec.structs.replace(display, theme=COLOURLESS) if colourless else display

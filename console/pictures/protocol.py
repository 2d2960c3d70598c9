"""By which protocol a terminal can show a picture. Pure.

Terminals are known by what they set, not asked: the answer to a question would be taken for keys
once Textual reads them, and a terminal at the other end of a slow link holds the start up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Protocol: TypeAlias = Literal["kitty", "sixel", "blocks"]
"""Kitty's graphics protocol with placeholders; Sixel; two pixels in each cell, by its colours."""

_MULTIPLEXERS = ("tmux", "screen")
"""They pass on neither protocol as they are set up by default."""
_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_SIXEL_TERMS = ("foot", "mlterm", "contour", "xterm-contour")
_SIXEL_PROGRAMS = ("WezTerm", "iTerm.app", "iTerm2")


def protocol(environment: Mapping[str, str]) -> Protocol:
    """Return the best that the terminal of this environment is known to have."""
    term = environment.get("TERM", "")
    if environment.get("TMUX") or environment.get("STY") or term.startswith(_MULTIPLEXERS):
        return "blocks"
    if term in _KITTY_TERMS or environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    programs = {environment.get("TERM_PROGRAM"), environment.get("LC_TERMINAL")}
    if term.startswith(_SIXEL_TERMS) or programs & {*_SIXEL_PROGRAMS}:
        return "sixel"
    return "sixel" if environment.get("KONSOLE_VERSION", "") >= "220400" else "blocks"

"""The signs drawn on screen, for terminals that show UTF-8 and for those that do not."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from typing import NamedTuple


class Glyphs(NamedTuple):
    """One set of signs. All but `arm` are one cell wide."""

    running: str
    paused: str
    off: str
    crashed: str
    changing: str
    suspended: str
    unknown: str
    mark: str
    ascending: str
    descending: str
    alert: str
    blocks: str
    """Heights of a chart column, lowest first."""
    full: str
    parts: str
    """Parts of a bar's cell, smallest first: one less than the steps a cell has."""
    empty: str
    gap: str
    """A chart column without a value."""
    ellipsis: str
    """Where text was cut."""
    crumb: str
    """Between the names on the way to a screen."""
    arm: str
    """Before an image in the chain below another; three cells."""
    arrow: str
    """From one host to another."""
    rule: str
    """A moment that is marked in a chart."""


UNICODE = Glyphs("●", "◐", "○", "✗", "◌", "◔", "?", "*", "▲", "▼", "!", "▁▂▃▄▅▆▇█", "█",
                 "▏▎▍▌▋▊▉", "░", "·",
                 "…", "›", "└─ ", "→", "┊")  # fmt: skip
"""For terminals in a UTF-8 locale; every sign is in common monospace fonts and never wide."""

ASCII = Glyphs("+", "=", "o", "X", "~", "z", "?", "*", "^", "v", "!", "_.-=+*%#", "#",
               "-=", ".", " ", "~", ">", "`- ", ">", ":")  # fmt: skip
"""For every other terminal."""

_chosen = UNICODE


def glyphs() -> Glyphs:
    """The set in use. Any thread."""
    return _chosen


def use_glyphs(chosen: Glyphs) -> None:
    """Choose the set for this process; call once at start-up, before anything is drawn."""
    global _chosen
    _chosen = chosen


def glyphs_for(environment: Mapping[str, str] = os.environ, encoding: str = "") -> Glyphs:
    """The set a terminal can show: ASCII on the Linux console's 512 glyphs and outside UTF-8.

    A locale that says C or POSIX counts as outside, although Python itself then takes UTF-8.
    """
    encoding = encoding or locale.getpreferredencoding(False)
    if environment.get("TERM") in ("linux", "dumb", "vt100", "vt220"):
        return ASCII
    said = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    if said in ("C", "POSIX"):
        return ASCII
    return UNICODE if encoding.replace("-", "").lower() == "utf8" else ASCII

"""The names of an instance's tabs, on one line of any width. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.parts import Part


def tab_parts(tabs: Sequence[str], current: str, width: int) -> list[tuple[Part, ...]]:
    """Return the tabs as groups of a line; where there is no room for all, those about the one
    shown, with a mark where there are more.
    """
    for padding in (" ", ""):
        parts = [_part(name, current, padding) for name in tabs]
        if not width or sum(len(part.text) for part in parts) <= width:
            return [(part,) for part in parts]
    return _window(parts, tabs.index(current), width)


def _part(name: str, current: str, padding: str) -> Part:
    role = "header-sorted" if name == current else ""
    return Part(f" {name}{padding}", role, f"screen.show_tab('{name}')")


def _window(parts: Sequence[Part], here: int, width: int) -> list[tuple[Part, ...]]:
    first, last = here, here
    room = width - len(parts[here].text) - len(_MORE) - len(_BEFORE)
    while True:
        grown = False
        for place in (last + 1, first - 1):
            if 0 <= place < len(parts) and len(parts[place].text) <= room:
                room -= len(parts[place].text)
                first, last, grown = min(first, place), max(last, place), True
        if not grown:
            break
    shown = [(part,) for part in parts[first : last + 1]]
    before = [(Part(_BEFORE, "muted"),)] if first else []
    after = [(Part(_MORE, "muted"),)] if last + 1 < len(parts) else []
    return [*before, *shown, *after]


_BEFORE, _MORE = " <", " >"

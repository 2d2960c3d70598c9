"""The keys of a keyboard by name, as Linux numbers them (linux/input-event-codes.h)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_ROWS = (
    (2, "1 2 3 4 5 6 7 8 9 0 minus equal backspace tab"),
    (16, "q w e r t y u i o p leftbrace rightbrace enter ctrl a s d f g h j k l semicolon"),
    (40, "apostrophe grave shift backslash z x c v b n m comma dot slash rightshift"),
    (56, "alt space capslock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 numlock scrolllock"),
    (87, "f11 f12"),
    (97, "rightctrl"),
    (99, "sysrq altgr"),
    (102, "home up pageup left right end down pagedown insert delete"),
    (119, "pause"),
    (125, "meta rightmeta menu"),
)
"""The number of the first key of a row, and the names of its keys, which follow one another."""
_ALSO = {"esc": 1, "escape": 1, "control": 29, "del": 111, "super": 125, "win": 125, "print": 99}


def _named() -> Iterator[tuple[str, int]]:
    for first, names in _ROWS:
        yield from ((name, first + offset) for offset, name in enumerate(names.split()))
    yield from _ALSO.items()


KEYCODES: Mapping[str, int] = dict(_named())


def codes_of(keys: str) -> tuple[int, ...]:
    """Return the codes of keys joined by +; KeyError for one there is not."""
    return tuple(KEYCODES[name.strip().lower()] for name in keys.split("+"))

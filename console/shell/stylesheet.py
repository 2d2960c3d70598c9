"""A style sheet that parses each of its sources once. UI thread.

Textual 8.2 parses every source anew, those of all widgets too, twice when a screen is shown for the
first time and once when a dialog is: `reparse` does so in a sheet of its own, which knows nothing
of what the one in use has parsed. That took 40 to 100 ms in which no key was answered.
"""

from __future__ import annotations

from typing import Any

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

SOURCES = 512
"""How many sources are remembered; by default 64, which are fewer than there are."""


class ParsedOnce(Stylesheet):
    """Remembers what it parsed until a variable of the theme is another."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache: LRUCache[tuple[Any, ...], Any] = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Forget what was parsed, where that is not what they are already."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is new. One that is wrong raises, and leaves the rules as they were."""
        self.parse()

"""An operator at a console: reads the lines the terminal would show, presses keys, waits to see.

Only what is drawn counts here. The picture behind it is looked at where the screen shows no more
than a part, such as the moment of a sample.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.strip import Strip

from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from tests.patience import PATIENCE

OPTIONS = LinkOptions(
    keepalive_interval=2,
    keepalive_count=2,
    connect_timeout=20,
    statistics_interval=0.5,
    sweep_interval=0,
    backoff_first=0.1,
    backoff_limit=0.5,
)
"""Quick to notice; no sweep, so that what is seen was told by an event."""
SETTINGS = Settings(display=DisplaySettings(glyphs="unicode", refresh_rate=20))
SECONDS = 60.0
"""For anything a guest under emulation does."""


class Operator:
    """One console under somebody's eyes and fingers."""

    def __init__(self, app: VirtdeckApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def strips(self) -> list[Strip]:
        """The lines of the screen in view, with their colours."""
        return self.app.screen._compositor.render_strips()

    def lines(self) -> list[str]:
        """The same, as text."""
        return [strip.text for strip in self.strips()]

    def strip(self, name: str) -> Strip:
        """The line of a table whose first column is `name`; an empty one when there is none."""
        for strip in self.strips()[2:]:
            words = strip.text.split()
            if name in words[:2]:  # a mark may stand before it
                return strip
        return Strip([])

    def row(self, name: str) -> str:
        """The text of that line."""
        return self.strip(name).text

    def count(self, *words: str) -> int:
        """How many lines have all of the words."""
        return sum(all(word in line for word in words) for line in self.lines())

    async def until(
        self, condition: Callable[[], bool], what: str, seconds: float = SECONDS
    ) -> None:
        """Wait for a condition; a failure shows the screen."""
        end = time.monotonic() + seconds * PATIENCE
        while not condition():
            assert time.monotonic() < end, "\n".join(
                [f"not seen within {seconds * PATIENCE} s: {what}", *self.lines()]
            )
            await self.pilot.pause(0.05)

    async def sees(self, *words: str, seconds: float = SECONDS) -> None:
        """Wait until one line has all of the words."""
        await self.until(lambda: self.count(*words) > 0, " ".join(words), seconds)

    async def sees_row(self, name: str, *words: str, without: str = "\n") -> None:
        """Wait until the row of an instance has all of the words, and not that one."""

        def there() -> bool:
            row = self.row(name)
            return bool(row) and all(word in row for word in words) and without not in row

        await self.until(there, f"{name}: {words} without {without!r}")

    async def sees_no_row(self, name: str) -> None:
        """Wait until an instance is gone from the table."""
        await self.until(lambda: not self.row(name), f"no {name}")

    async def sees_header(self, *words: str, without: str = "\n") -> None:
        """Wait until the first line has all of the words, and not that one."""

        def there() -> bool:
            header = self.lines()[0]
            return all(word in header for word in words) and without not in header

        await self.until(there, f"header: {words} without {without!r}")

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def click_header(self, text: str) -> None:
        """Click on a text in the first line."""
        await self.pilot.click(offset=(self.lines()[0].index(text), 0))

    async def show_only(self, text: str) -> None:
        """Filter the table in view."""
        await self.press("slash", "ctrl+u", *text, "enter")

    async def confirm(self, question: str, *answer: str) -> None:
        """Wait for a question and answer it."""
        await self.sees(question)
        await self.press(*answer)
        await self.until(lambda: self.count(question) == 0, "the question gone")


@asynccontextmanager
async def at_console(
    uris: dict[str, str], journal: Path, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Operator]:
    """Open the console on the lab and wait until every host is up and listed."""
    hosts = [f"{name}={uri}" for name, uri in uris.items()]
    app = VirtdeckApp(lambda: Fleet.open(hosts, options=OPTIONS, journal=journal), SETTINGS)
    async with app.run_test(size=size, notifications=True) as pilot:
        operator = Operator(app, pilot)
        for name in uris:
            await operator.sees_header(f"{name} up")
        # What is not described yet shows less than it will.
        await operator.until(
            lambda: all(one.described for one in app.view.state.instances.values()), "described"
        )
        yield operator

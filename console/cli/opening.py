"""Opening the console from the command line: the terminal is made ready before Textual loads."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from console.cli import targets
from console.cli.colours import choose_colours
from console.cli.invocation import Invocation
from core.errors import UsageError

if TYPE_CHECKING:
    from console.settings import Settings
    from console.shell.bridge import SourceFactory
    from core.source import Source


def open_console(invocation: Invocation, source_factory: SourceFactory | None = None) -> int:
    """Run the console on the configured hosts, or on another source; returns its exit status.

    Raises UsageError where there is no terminal, SettingsError for a broken configuration.
    """
    require_terminal()
    prepare(os.environ)
    from console.settings import Settings

    settings = Settings.load(invocation.config)
    settings = replace(settings, display=choose_colours(os.environ, settings.display))
    factory = source_factory or fleet_factory(invocation, settings)
    return _run(factory, settings)


def require_terminal() -> None:
    """Raise UsageError where the console cannot be shown."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError(
            "The console needs a terminal.", "In a pipe or a script use a command: virtdeck --help."
        )


def prepare(environment: MutableMapping[str, str]) -> None:
    """Set what Textual reads when it is imported, where the operator has not.

    Over SSH every byte crosses the network: few frames, no animations, no smooth scrolling.
    """
    environment.setdefault("TEXTUAL_ANIMATIONS", "none")
    if "SSH_CONNECTION" in environment:
        environment.setdefault("TEXTUAL_FPS", "10")
        environment.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")


def fleet_factory(invocation: Invocation, settings: Settings) -> SourceFactory:
    """Return what opens the fleet on the core's loop; the URIs are checked at once.

    Whoever only wants to see their hosts is not kept from it by a journal that cannot be used.
    """
    from console.cli.live import link_options
    from core.fleet import Fleet

    fleet = Fleet.open(
        targets.hosts(invocation, settings),
        groups=settings.groups,
        connecting=settings.connecting,
        read_only=targets.read_only(invocation, settings),
        options=link_options(settings),
        journal=settings.journal_path,
        tolerant=True,
    )
    return lambda: fleet


@asynccontextmanager
async def _collecting(factory: SourceFactory) -> AsyncIterator[Source]:
    """Open a source, and from then on collect garbage, which `_run` had stopped.

    What is loaded until then are hundreds of modules, which stay: to look through them for garbage
    again and again takes a sixth of the time of loading them.
    """
    async with factory() as source:
        gc.freeze()
        gc.enable()
        yield source


def _run(factory: SourceFactory, settings: Settings) -> int:
    """Run the console until the operator leaves; blocks the thread, which must be the main one.

    Raises BrokenScreenError from the defect that ended it: it must not vanish without a word.
    """
    from console.shell.stderr import drawing

    gc.disable()
    try:
        with drawing():
            from console.shell.app import VirtdeckApp

            app = VirtdeckApp(lambda: _collecting(factory), settings)
            app.run(mouse=settings.display.mouse)
    finally:
        gc.enable()
    if app.defect is not None:
        from console.shell.crash import BrokenScreenError

        raise BrokenScreenError(app.bridge.state.events) from app.defect
    return app.return_code or 0

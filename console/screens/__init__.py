"""The screens, one per module, its stylesheet beside it; loaded when first opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from textual.app import App

    from console.screens.base import ConsoleScreen

MODES = {
    "instances": "InstancesScreen",
    "hosts": "HostsScreen",
    "volumes": "VolumesScreen",
    "operations": "OperationsScreen",
    "events": "EventsScreen",
    "migrations": "MigrationsScreen",
}
"""Module and class of each screen that a number key opens."""


def open_screen(name: str) -> ConsoleScreen:
    """Make one of the screens of the number keys. Raises KeyError for another name."""
    module = import_module(f"console.screens.{name}")
    return cast("ConsoleScreen", getattr(module, MODES[name])())


PAGES = {"help": "HelpScreen", "calls": "CallsScreen"}
"""Module and class of each page that opens over a screen, about it."""


def open_page(app: App[None], screen: ConsoleScreen, name: str) -> None:
    """Open a page over a screen, unless it is that page already. Raises KeyError."""
    page = getattr(import_module(f"console.screens.{name}"), PAGES[name])
    if not isinstance(screen, page):
        app.push_screen(page(screen.registry_layer))

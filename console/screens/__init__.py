"""The screens, a folder per subject, a stylesheet beside its screen; loaded when first opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual.app import App

    from console.screens.base import ConsoleScreen

MODES = {
    "instances": "instances.instances.InstancesScreen",
    "hosts": "hosts.hosts.HostsScreen",
    "volumes": "storage.volumes.VolumesScreen",
    "operations": "operations.operations.OperationsScreen",
    "events": "events.events.EventsScreen",
    "migrations": "migrations.migrations.MigrationsScreen",
    "networks": "networks.networks.NetworksScreen",
}
"""Where the class of each screen is that a number key opens."""
PAGES = {"help": "help.HelpScreen", "calls": "operations.calls.CallsScreen"}
"""Where the class of each page is that opens over a screen, about it."""


def open_screen(name: str) -> ConsoleScreen:
    """Make one of the screens of the number keys. Raises KeyError for another name."""
    return cast("ConsoleScreen", _class_at(MODES[name])())


def open_page(app: App[None], screen: ConsoleScreen, name: str) -> None:
    """Open a page over a screen, unless it is that page already. Raises KeyError."""
    page = _class_at(PAGES[name])
    if not isinstance(screen, page):
        app.push_screen(page(screen.registry_layer))


def _class_at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"console.screens.{module}"), name)

"""The screens, one per module, its stylesheet beside it; loaded when first opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
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

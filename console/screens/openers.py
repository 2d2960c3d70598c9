"""The verbs that have a dialog of their own, in place of the generated form. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.screens.migrations import draining, migrating
from console.screens.subjects import SubjectScreen
from core.model import ObjectKey

Opener = Callable[[SubjectScreen, Sequence[ObjectKey]], None]
"""Asks for a verb for objects that are there."""


def _migrate(screen: SubjectScreen, keys: Sequence[ObjectKey]) -> None:
    instances = screen.console.view.state.instances
    migrating.propose(screen, [instances[key] for key in keys])


def _drain(screen: SubjectScreen, keys: Sequence[ObjectKey]) -> None:
    """One after another: the plan of each counts on the others' hosts."""
    draining.propose(screen, keys[0].host)


def _evacuate(screen: SubjectScreen, keys: Sequence[ObjectKey]) -> None:
    """One after another: each is stated to be fenced."""
    from console.screens.hosts import evacuating

    evacuating.propose(screen, keys[0].host)


def _edit(screen: SubjectScreen, keys: Sequence[ObjectKey]) -> None:
    from console.screens.editor.editor import EditorScreen  # tree-sitter is loaded with it

    screen.console.push_screen(EditorScreen(keys[0]))


OPENERS: Mapping[str, Opener] = {
    "migrate": _migrate,
    "drain": _drain,
    "evacuate": _evacuate,
    "edit": _edit,
    "network-edit": _edit,
    "pool-edit": _edit,
}
"""Verb -> what opens its dialog."""

"""From the chosen instances to their migrations: the dialog, the way to them. UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from console.screens.submitting import submit as hand_over
from core.model import Instance
from core.source import Operation
from core.verbs.migration.requests import Migrate

if TYPE_CHECKING:
    from console.screens.subjects import SubjectScreen
    from console.shell.app import VirtdeckApp

AGAIN, TRIES = 0.1, 30
"""Seconds between two looks for a migration that was asked for, and how many."""


def propose(screen: SubjectScreen, chosen: Sequence[Instance]) -> None:
    """Open the Migrate dialog on instances, and submit what it says."""
    from console.screens.dialogs.migrate import MigrateDialog

    console = screen.console

    def answered(requests: tuple[Migrate, ...] | None) -> None:
        submit(console, requests or (), under=screen)

    console.push_screen(MigrateDialog(chosen, hidden=screen.hidden_chosen()), answered)


def submit(console: VirtdeckApp, requests: Sequence[Migrate], *, under: SubjectScreen) -> None:
    """Hand requests to the core and show what becomes of them, as long as `under` is in view."""
    alone = len(requests) == 1

    def submitted(operation: Operation) -> None:
        if alone:
            show_when_known(console, operation.id, under)

    hand_over(console, requests, submitted)
    if len(requests) > 1:
        console.call_later(console.navigation.show, "migrations")


def show_when_known(
    console: VirtdeckApp, migration_id: str, under: SubjectScreen, tries: int = TRIES
) -> None:
    """Open the cockpit of a migration once the picture has it; `under` must still be in view."""
    from console.screens.migrations.migration import MigrationScreen

    if not console.has_screen or console.screen is not under:
        return
    if migration_id in console.view.state.migrations:
        console.push_screen(MigrationScreen(migration_id))
    elif tries:
        console.set_timer(AGAIN, partial(show_when_known, console, migration_id, under, tries - 1))

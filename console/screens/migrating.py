"""From the chosen instances to their migrations: the dialog, the submission. UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from core.model import Migrate
from core.source import Operation, Source

if TYPE_CHECKING:
    from console.app import VirtdeckApp
    from console.screens.power import PowerScreen


def propose(screen: PowerScreen) -> None:
    """Open the Migrate dialog on the chosen instances, and submit what it says."""
    from console.screens.dialogs.migrate import MigrateDialog

    console = screen.console
    instances = console.view.state.instances
    chosen = [instances[key] for key in screen.chosen_instances() if key in instances]
    if console.read_only:
        console.notify(
            "This console is read-only: it changes nothing.", severity="warning", timeout=4
        )
        return
    if not chosen:
        console.notify("Choose an instance first.", severity="warning", timeout=4)
        return

    def answered(requests: tuple[Migrate, ...] | None) -> None:
        submit(console, requests or ())

    console.push_screen(MigrateDialog(chosen, hidden=screen.hidden_chosen()), answered)


def submit(console: VirtdeckApp, requests: Sequence[Migrate]) -> None:
    """Hand requests to the core; each end is told as that of any operation."""

    def submitted(operation: Operation) -> None:
        console.watch_list.add(operation.id)
        console.tell_ended()

    for request in requests:
        console.ask(partial(_submission, request), submitted)


async def _submission(request: Migrate, source: Source) -> Operation:
    return await source.submit(request)

"""What the page of an instance's jobs needs beside its text: looks, keys that steer. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions.registry import action, key_label
from console.screens.instances.jobs import Speeds, jobs
from console.screens.submitting import propose
from console.screens.view import View
from console.widgets.columns import CellValue
from core.model import BlockJob, Instance, ObjectKey
from core.verbs.block.steering import BlockJobAbort, BlockJobPivot
from core.verbs.verb import Verb

if TYPE_CHECKING:
    from console.screens.subjects import SubjectScreen

EVERY = 2.0
"""Seconds between two looks at block jobs while they are in view."""
STEERING = {
    "sets its speed": "instance.job_speed",
    "pivots": "instance.job_pivot",
    "ends it": "instance.job_abort",
}
"""What the keys of the page do, by their actions."""
BY_DISK = {"block-job-pivot": BlockJobPivot, "block-job-abort": BlockJobAbort}
"""The requests that need no more than a disk."""


class JobsWatch:
    """The block jobs of one instance, while somebody looks at them."""

    def __init__(self, screen: SubjectScreen, key: ObjectKey) -> None:
        self._screen = screen
        self._key = key
        self._speeds = Speeds()
        self._looking = False

    def look(self) -> None:
        """Read them, unless they are being read."""
        if self._looking:
            return
        self._looking = True
        key = self._key

        def read(_: Instance | None) -> None:
            self._looking = False
            if self._screen.is_attached:
                self._screen.show_all()

        def failed(_: Exception) -> None:
            self._looking = False  # the link says what is wrong

        self._screen.console.ask(lambda source: source.read(key, jobs=True), read, failed)

    def lines(self, view: View, row: Instance) -> list[CellValue]:
        """Return the page."""
        self._speeds.see(self._running)
        letters = {what: key_label(action(one).keys[0]) for what, one in STEERING.items()}
        return jobs(view, row, self._speeds, letters)

    def steer(self, verb: Verb) -> None:
        """Ask for a verb about a job; where there is one alone, it is that."""
        screen, running = self._screen, self._running
        if not screen.chosen_to_change():
            return
        if not running:
            text = "No block job of its disks runs, as far as was read."
            screen.console.notify(text, severity="warning", timeout=4)
        elif len(running) == 1 and verb.name in BY_DISK:
            propose(screen, [BY_DISK[verb.name](self._key, running[0].disk)])
        else:
            screen.action_verb(verb.name)

    @property
    def _running(self) -> tuple[BlockJob, ...]:
        run = self._screen.console.view.state.runs.get(self._key)
        return () if run is None else run.running_block_jobs

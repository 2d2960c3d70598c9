"""The jobs of an instance: what its disks and libvirt are busy with, how far, and whose it is.

Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from console import format as fmt
from console.screens.instances.run import block_job_words
from console.screens.table_text import facts, heading
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import BlockJob, BlockJobState, Instance, OperationRecord, State
from core.model.text import clean

SPAN = 10.0
"""Seconds over which a speed is taken."""
SAMPLES = 16
FOLLOWING = frozenset({"block-copy", "block-pull", "block-commit", "image", "volume-swap"})
"""The verbs that follow a block job of a disk."""

Key = tuple[str, str, float]
"""A job: its disk, type and when it was first seen."""


class Speeds:
    """How fast block jobs go, from what was read of them one after the other."""

    def __init__(self) -> None:
        self._read: dict[Key, deque[tuple[float, int]]] = {}

    def see(self, jobs: tuple[BlockJob, ...]) -> None:
        """Take what was read of an instance's jobs."""
        keys = {_key(job) for job in jobs}
        self._read = {key: read for key, read in self._read.items() if key in keys}
        for job in jobs:
            read = self._read.setdefault(_key(job), deque(maxlen=SAMPLES))
            if job.current is not None and (not read or read[-1][0] < job.at):
                read.append((job.at, job.current))

    def of(self, job: BlockJob) -> float | None:
        """Return the bytes a second of a job; None: it was not read twice."""
        read = self._read.get(_key(job))
        if not read or len(read) < 2:
            return None
        last_at, last = read[-1]
        first_at, first = next(one for one in read if one[0] >= last_at - SPAN or one is read[-2])
        return max(0.0, (last - first) / (last_at - first_at))


def _key(job: BlockJob) -> Key:
    return (job.disk, job.type, job.since)


def jobs(view: View, row: Instance, speeds: Speeds, letters: Mapping[str, str]) -> list[CellValue]:
    """Return the page; `letters` are the keys that steer, by what they do."""
    run = view.state.runs.get(row.key)
    known = () if run is None else run.block_jobs
    running = [job for job in known if not job.state.over]
    lines: list[CellValue] = [heading("Block jobs of its disks")]
    for job in running:
        lines += ["", *_block_job(view, row, job, speeds.of(job))]
    if not running:
        lines += [Cell("  none runs", "muted")]
    else:
        keys = "   ".join(f"{key} {what}" for what, key in letters.items())
        lines += ["", Cell(f"  {keys}", "muted")]
    lines += ["", heading("libvirt's job"), *_job(view, row)]
    over = [job for job in known if job.state.over]
    if over:
        ended = [(job.disk, block_job_words(view, job)) for job in over]
        lines += ["", heading("Ended in this run"), *facts(ended)]
    return lines


def _block_job(view: View, row: Instance, job: BlockJob, speed: float | None) -> list[CellValue]:
    ready = job.state is BlockJobState.READY
    return facts(
        [
            (job.disk, block_job_words(view, job)),
            ("to", clean(job.target)),
            ("left", "" if ready else _left(job, speed)),
            ("speed", "" if ready or speed is None else fmt.rate(speed)),
            ("limit", _limit(job)),
            ("waits for", Cell("a pivot or an abort", "changing") if ready else ""),
            ("whose", _whose(view.state, row, job)),
        ]
    )


def _left(job: BlockJob, speed: float | None) -> CellValue:
    if job.left is None or job.end is None:
        return ""
    words = f"{fmt.size(job.left)} of {fmt.size(job.end)}"
    if speed:
        words = f"{words}, {fmt.duration(job.left / speed)} at this speed"
    return words


def _limit(job: BlockJob) -> str:
    if job.bandwidth is None:
        return ""
    return fmt.rate(job.bandwidth) if job.bandwidth else "none"


def _whose(state: State, row: Instance, job: BlockJob) -> CellValue:
    found = _operation(state, row, job)
    if found is None:
        return Cell("somebody else's: no operation that goes on began it", "muted")
    asks = ", which asks: answer on screen 4" if found.question is not None else ""
    return f"{found.verb} of {clean(found.author)}{asks}"


def _operation(state: State, row: Instance, job: BlockJob) -> OperationRecord | None:
    """Return the operation that follows a job; None: none does."""
    return next(
        (
            one
            for one in state.operations.values()
            if one.subject == row.key
            and not one.status.final
            and one.verb in FOLLOWING
            and one.options.get("disk", job.disk) in (job.disk, None)
        ),
        None,
    )


def _job(view: View, row: Instance) -> list[CellValue]:
    job = view.state.jobs.get(row.key)
    if job is None:
        return [Cell("  none runs", "muted")]
    mine = next(
        (
            one
            for one in view.state.operations.values()
            if one.subject == row.key and not one.status.final and one.verb not in FOLLOWING
        ),
        None,
    )
    far = None if mine is None else mine.progress
    whose = "" if mine is None else f"{mine.verb} of {clean(mine.author)}"
    return facts(
        [
            (job.kind, Cell(f"since {view.date(job.since)}", "changing")),
            ("stage", clean(job.detail)),
            ("done", "" if far is None else fmt.percent(far)),
            ("whose", whose or Cell("not told: no operation that goes on began it", "muted")),
        ]
    )

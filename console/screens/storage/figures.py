"""What a line of the volumes table tells beside its own sizes: users, growth, I/O, work. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.view import View
from core.model import DiskRates, Pool, Volume
from core.state.growth import Growth, growth_of
from core.state.operations import activity
from core.state.storage_rows import DiskUse, uses_of
from core.state.usage import below, needed_by, users_elsewhere

StorageRow = Pool | Volume


def user_names(view: View, row: StorageRow) -> list[str]:
    """Who has it as a disk, or below one, by name; empty for a pool.

    `db@alpha?` has a disk at the same path in what looks like the same pool, on another host.
    """
    if isinstance(row, Pool):
        return []
    here = [instance.name for instance in needed_by(view.state, row)]
    elsewhere = users_elsewhere(view.state, row)
    return here + [f"{instance.name}@{instance.host}?" for instance in elsewhere]


def use_words(view: View, row: Volume) -> list[str]:
    """Who needs it, by the disk where that is known: `web:vda`, `db:vda shared`, `ci:sda ro`."""
    uses = uses_of(view.state, row)
    told = dict.fromkeys(f"{use.name}:{use.target}{_how(use)}" for use in uses)
    seen = {use.name for use in uses}
    return [*told, *(name for name in user_names(view, row) if name not in seen)]


def _how(use: DiskUse) -> str:
    return " ro" if use.read_only else " shared" if use.shared else ""


def disks_of(view: View, row: StorageRow) -> list[tuple[DiskUse, DiskRates]]:
    """Return the disks that are it now, with what each does; no call is made for that."""
    if isinstance(row, Pool):
        return []
    rates = view.state.rates
    return [
        (use, disk)
        for use in uses_of(view.state, row)
        if use.active and not use.depth and (known := rates.get(use.instance)) is not None
        for disk in known.disks
        if disk.target == use.target
    ]


def io_of(view: View, row: StorageRow) -> float | None:
    """Bytes a second that are read and written by the disks that are it; None: by none, or not
    known."""
    found = [
        (disk.read or 0.0) + (disk.write or 0.0)
        for _, disk in disks_of(view, row)
        if (disk.read, disk.write) != (None, None)
    ]
    return sum(found) if found else None


def latency_of(view: View, row: StorageRow) -> float | None:
    """Milliseconds that a request of the slowest of its disks took; None: there was none."""
    took = [
        each
        for _, disk in disks_of(view, row)
        for each in (disk.read_latency, disk.write_latency)
        if each is not None
    ]
    return max(took, default=None)


def doing_of(view: View, row: StorageRow) -> str:
    """What is done to it, and the block jobs of disks that are it."""
    if doing := activity(view.state, row.key):
        return doing
    if isinstance(row, Pool):
        return ""
    jobs = (
        job
        for use in uses_of(view.state, row)
        if use.active and (run := view.state.runs.get(use.instance)) is not None
        for job in run.running_block_jobs
        if job.disk == use.target
    )
    return ", ".join(f"{job.type} {fmt.percent(job.progress)}" for job in jobs)


def growth_in(view: View, row: StorageRow) -> Growth | None:
    """How fast it grows, as of now."""
    return growth_of(view.state, row, view.now())


def depth_of(view: View, row: StorageRow) -> int:
    """How many images it lies over."""
    return 0 if isinstance(row, Pool) else len(below(view.state, row))

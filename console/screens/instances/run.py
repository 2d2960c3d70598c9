"""What is told of an instance's present run: its agent, block jobs, devices and snapshots. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import BlockJob, BlockJobState, Instance, InstanceRun

_BROKEN = (BlockJobState.FAILED, BlockJobState.VANISHED)


def agent_words(view: View, row: Instance) -> CellValue:
    """How its agent is, and since when, where that was told of this run."""
    run = view.state.runs.get(row.key)
    told = None if run is None else run.agent
    if told is None or told.state != row.agent.value:
        return row.agent.value
    return (Cell(row.agent.value), Cell(f" since {view.date(told.at)}", "muted"))


def snapshot_count(view: View, row: Instance) -> str:
    """`3, current NAME`; empty where nobody has read them yet."""
    known = view.state.snapshots.get(row.key)
    if known is None:
        return ""
    current = next((one.name for one in known if one.current), "")
    number = str(len(known)) if known else "none"
    return f"{number}, current {current}" if current else number


def device_outcomes(view: View, row: Instance) -> list[CellValue]:
    """What became of the devices that were plugged and unplugged in this run, the newest first."""
    run = view.state.runs.get(row.key)
    if run is None or not run.devices:
        return []
    told = {
        "added": Cell("added", "ok"),
        "removed": Cell("given up by the guest"),
        "removal-failed": Cell("not given up by the guest", "warning"),
    }
    rows = [
        (one.alias, told.get(one.outcome, one.outcome), view.date(one.at))
        for one in reversed(run.devices)
    ]
    return ["", heading("Plugged and unplugged"), *table(("alias", "what", "when"), rows)]


def block_job_words(view: View, job: BlockJob) -> CellValue:
    """What its block job does, or how the last one ended."""
    far = "" if job.state.over or job.progress is None else f" {fmt.percent(job.progress)}"
    why = f": {job.error}" if job.error else ""
    mirror = job.state is BlockJobState.CANCELED and job.whole
    how = "ended, equal to the disk then" if mirror else job.state.value
    words = f"{job.type} {how}{far}{why}"
    role = "error" if job.state in _BROKEN else "" if job.state.over else "changing"
    since = f" {'at' if job.state.over else 'since'} "
    return (
        Cell(words, role),
        Cell(f"{since}{view.date(job.at if job.state.over else job.since)}", "muted"),
    )


def thresholds(view: View, run: InstanceRun | None, target: str) -> list[CellValue]:
    """Its write thresholds that were crossed: libvirt tells each once."""
    told = () if run is None else run.thresholds
    return facts(
        [
            (
                "threshold",
                Cell(f"{fmt.size(one.threshold)} crossed at {view.date(one.at)}", "warning"),
            )
            for one in told
            if one.disk == target
        ]
    )

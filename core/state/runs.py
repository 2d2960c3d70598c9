"""The present run of each instance: block jobs by disk, devices by alias, agent, ended jobs. Pure.

An event says how a block job ended, a reading (`BlockJobsRead`) that one runs: libvirt tells of no
beginning. What is read is as old as the beginning of the reading, so an event of later has the
last word, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from core.model import (
    AgentNews,
    BlockJob,
    BlockJobState,
    DeviceOutcome,
    InstanceRun,
    JobOutcome,
    ObjectKey,
    ThresholdCrossed,
)
from core.model.event import (
    AgentChanged,
    BlockJobChanged,
    BlockThreshold,
    DeviceAdded,
    DeviceRemovalFailed,
    DeviceRemoved,
    JobCompleted,
)
from core.model.job import JOB_OPERATION, JOB_TYPE
from core.model.observation import BlockJobsRead
from core.state.tables import Tables

NONE = InstanceRun()
NOTICED = 64 << 10
"""Bytes by which what is left of a block job must fall to have fallen: QEMU copies no less."""
DEVICES = 64
"""Devices of a run whose last outcome is remembered, the newest."""


def begin(tables: Tables, key: ObjectKey) -> None:
    """Forget the run before. libvirt tells of the new one's agent before it tells of its start."""
    run = tables.runs.get(key)
    if run is not None:
        _put(tables, key, InstanceRun(agent=run.agent))


def end(tables: Tables, key: ObjectKey, at: float) -> None:
    """Keep of a run that ended what its jobs have come to: one that ran has vanished with it."""
    run = tables.runs.get(key)
    if run is not None:
        jobs = tuple(job if job.state.over else _vanished(job, at) for job in run.block_jobs)
        _put(tables, key, InstanceRun(block_jobs=jobs, last_job=run.last_job))


def drop(tables: Tables, key: ObjectKey) -> None:
    """Forget everything of an instance that is gone."""
    _put(tables, key, NONE)


def lose_sight(tables: Tables, host: str) -> None:
    """Forget which block jobs run on a host that cannot be seen: their ends will not be told."""
    for key in [key for key in tables.runs if key.host == host]:
        run = tables.runs.get(key) or NONE
        over = tuple(job for job in run.block_jobs if job.state.over)
        _put(tables, key, replace(run, block_jobs=over))


def on_block_job(tables: Tables, event: BlockJobChanged) -> None:
    """Take over that a block job is ready, or how it ended."""
    key, run = event.subject, _run(tables, event.subject)
    state = _states.get(event.status)
    if state is None:
        return
    old = run.block_job(event.disk)
    goes_on = old is not None and old.type == event.type
    known = (
        old
        if old is not None and goes_on
        else BlockJob(event.disk, event.type, state, event.at, event.at)
    )
    error = _io_error(tables, key, known) if state is BlockJobState.FAILED else ""
    whole = known.whole or state is BlockJobState.READY
    job = replace(known, state=state, at=event.at, error=error, whole=whole)
    _put(tables, key, replace(run, block_jobs=_with_job(run.block_jobs, job)))


_states = {
    "completed": BlockJobState.COMPLETED,
    "failed": BlockJobState.FAILED,
    "canceled": BlockJobState.CANCELED,
    "ready": BlockJobState.READY,
}


def on_block_jobs_read(tables: Tables, read: BlockJobsRead) -> None:
    """Take over which block jobs run, and which do not any more."""
    key = ObjectKey("instance", read.host, read.uuid)
    run = _run(tables, key)
    there = {job.disk: job for job in read.jobs}
    jobs = run.block_jobs
    for old in run.block_jobs:
        if old.at <= read.at and not old.state.over and old.disk not in there:
            jobs = _with_job(jobs, _vanished(old, read.at))
    for job in read.jobs:
        before = run.block_job(job.disk)
        if before is None or before.at <= read.at:
            jobs = _with_job(jobs, _seen(before, job))
    _put(tables, key, replace(run, block_jobs=jobs))


def _seen(before: BlockJob | None, read: BlockJob) -> BlockJob:
    """Return a job as it was read, with what is known of the same one."""
    if before is None or before.state.over or before.type != read.type:
        return replace(read, least=read.left, least_at=read.at)
    state = before.state if before.state is BlockJobState.READY else read.state
    least, at = before.least, before.least_at
    if least is None or (read.left is not None and read.left <= least - NOTICED):
        least, at = read.left, read.at
    known = replace(read, since=before.since, whole=before.whole)
    return replace(known, state=state, least=least, least_at=at)


def _vanished(job: BlockJob, at: float) -> BlockJob:
    return replace(job, state=BlockJobState.VANISHED, at=at)


def _with_job(jobs: Iterable[BlockJob], job: BlockJob) -> tuple[BlockJob, ...]:
    others = [other for other in jobs if other.disk != job.disk]
    return tuple(sorted((*others, job), key=lambda one: one.disk))


def _io_error(tables: Tables, key: ObjectKey, job: BlockJob) -> str:
    """Return the I/O error that a disk had while its job ran; empty where none was told."""
    told, instance = tables.io_errors.get(key), tables.instances.get(key)
    if told is None or instance is None or told.at < job.since:
        return ""
    disk = next((disk for disk in instance.disks if disk.target == job.disk), None)
    paths = [] if disk is None else [layer.path for layer in disk.layers]
    if told.path not in paths and (disk is None or told.alias != disk.alias):
        return ""
    return "no space left" if told.reason == "enospc" else "I/O error"


def on_device_added(tables: Tables, event: DeviceAdded) -> None:
    """Remember that a device is there."""
    _device(tables, event.subject, DeviceOutcome(event.alias, "added", event.at))


def on_device_removed(tables: Tables, event: DeviceRemoved) -> None:
    """Remember that the guest gave a device up."""
    _device(tables, event.subject, DeviceOutcome(event.alias, "removed", event.at))


def on_device_removal_failed(tables: Tables, event: DeviceRemovalFailed) -> None:
    """Remember that the guest did not give a device up."""
    _device(tables, event.subject, DeviceOutcome(event.alias, "removal-failed", event.at))


def _device(tables: Tables, key: ObjectKey, outcome: DeviceOutcome) -> None:
    run = _run(tables, key)
    others = [other for other in run.devices if other.alias != outcome.alias]
    _put(tables, key, replace(run, devices=(*others, outcome)[-DEVICES:]))


def on_agent(tables: Tables, event: AgentChanged) -> None:
    """Remember the last that was told of the agent."""
    run = _run(tables, event.subject)
    agent = AgentNews(event.state, event.reason, event.at)
    _put(tables, event.subject, replace(run, agent=agent))


def on_threshold(tables: Tables, event: BlockThreshold) -> None:
    """Remember that a disk was written past its threshold."""
    run = _run(tables, event.subject)
    crossed = ThresholdCrossed(event.disk, event.path, event.threshold, event.excess, event.at)
    others = [other for other in run.thresholds if other.disk != event.disk]
    _put(tables, event.subject, replace(run, thresholds=(*others, crossed)))


def on_job_completed(tables: Tables, event: JobCompleted) -> None:
    """Remember how libvirt's job ended."""
    run = _run(tables, event.subject)
    result = _word(JOB_TYPE, event.values.get("type"))
    if event.values.get("success") in (False, 0):
        result = "failed"
    outcome = JobOutcome(
        operation=_word(JOB_OPERATION, event.values.get("operation")) or "unknown",
        # JOB_COMPLETED says by itself that it is over
        result=result if result in ("failed", "cancelled") else "completed",
        at=event.at,
        error=str(event.values.get("errmsg") or ""),
    )
    _put(tables, event.subject, replace(run, last_job=outcome))


def _word(words: tuple[str, ...], number: object) -> str:
    return words[number] if isinstance(number, int) and 0 <= number < len(words) else ""


def _run(tables: Tables, key: ObjectKey) -> InstanceRun:
    return tables.runs.get(key) or NONE


def _put(tables: Tables, key: ObjectKey, run: InstanceRun) -> None:
    """Set the run of an instance that is known; one of which nothing is known is not kept."""
    keep = run != NONE and key in tables.instances
    if tables.runs.put(key, run) if keep else tables.runs.drop(key):
        tables.mark(key)

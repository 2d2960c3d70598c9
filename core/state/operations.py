"""Operations in the state, and what an instance is doing now."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import (
    BlockJob,
    BlockJobState,
    Job,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.observation import OperationChanged, OperationForgotten
from core.model.sizes import percent, rate_words, size_words
from core.state import agents, jobs
from core.state.memo import Memo
from core.state.migrations import migrating
from core.state.tables import Tables


def on_operation(tables: Tables, changed: OperationChanged) -> None:
    """Take over an operation; one that has ended stays as it ended."""
    record = changed.operation
    old = tables.operations.get(record.id)
    if old is not None and old.status.final and not record.status.final:
        return  # news from another console's journal, older than ours
    if tables.operations.put(record.id, record):
        if old is not None and old.key != record.key:  # its host was found out, or is another
            tables.mark_gone(old.key)
        tables.mark(record.key)
        _mark_subject(tables, record)
    if old is None:
        tables.operations.arrange(lambda _: True, sorted(tables.operations))
        _forget_oldest(tables)
    jobs.on_operation(tables, changed)
    agents.on_operation(tables, changed)


def on_forgotten(tables: Tables, forgotten: OperationForgotten) -> None:
    """Drop an operation that is over; one that goes on is not forgotten."""
    record = tables.operations.get(forgotten.id)
    if record is not None and record.status.final:
        tables.operations.drop(record.id)
        tables.mark_gone(record.key)


def _mark_subject(tables: Tables, record: OperationRecord) -> None:
    """Have the row of the instance drawn anew: of one that is off nothing else may change."""
    if tables.instances.get(record.subject) is not None:
        tables.mark(record.subject)


def _forget_oldest(tables: Tables) -> None:
    surplus = len(tables.operations) - tables.limits.operations
    if surplus > 0:
        rows = tables.operations.picture().values()
        for record in [record for record in rows if record.status.final][:surplus]:
            tables.operations.drop(record.id)
            tables.mark_gone(record.key)


def _by_subject(
    operations: Mapping[str, OperationRecord],
) -> dict[ObjectKey, OperationRecord]:
    """Return the newest unfinished operation of each object, a running one before a queued one."""
    found: dict[ObjectKey, OperationRecord] = {}
    for record in operations.values():
        if record.status.final:
            continue
        other = found.get(record.subject)
        waits = record.status is OperationStatus.QUEUED
        if other is None or not waits or other.status is OperationStatus.QUEUED:
            found[record.subject] = record
    return found


_unfinished = Memo(_by_subject)


def activity(state: State, key: ObjectKey) -> str:
    """Return what an object is doing now, in a few words: `stopping`, `migration, iteration 3`.

    A migration comes first, then an operation of ours, then a job of libvirt's, then those of its
    disks; empty when nothing goes on. Cheap: all of them are indexed once per change. Any thread.
    """
    if words := migrating(state.migrations, key, state.at):
        return words
    record = _unfinished(state.operations).get(key)
    job = state.jobs.get(key)
    if record is None:
        return _job_words(job) if job is not None else block_jobs_in_words(state, key)
    words = record.doing or record.verb
    if record.status is OperationStatus.QUEUED:
        return f"{record.verb} queued"
    if record.progress is not None:
        return f"{words} {percent(record.progress)}{moved_in_words(record)}"
    return f"{words}, {job.detail}" if job is not None and job.detail else words


def moved_in_words(record: OperationRecord) -> str:
    """Return what of a transfer went over, and how fast, to follow how far it is; or nothing."""
    moved = record.moved
    if moved is None:
        return ""
    of = "" if moved.of is None else f" of {size_words(moved.of)}"
    speed = "" if moved.rate is None else f", {rate_words(moved.rate)}"
    return f", {size_words(moved.bytes)}{of}{speed}"


def _job_words(job: Job) -> str:
    return f"{job.kind}, {job.detail}" if job.detail else job.kind


def block_jobs_in_words(state: State, key: ObjectKey) -> str:
    """Return which block jobs run on an instance: `copy of vda ready, pull of vdb 40%`."""
    run = state.runs.get(key)
    return "" if run is None else ", ".join(map(_block_job_words, run.running_block_jobs))


def _block_job_words(job: BlockJob) -> str:
    words = f"{job.type} of {job.disk}"
    if job.state is BlockJobState.READY:
        return f"{words} ready"
    return words if job.progress is None else f"{words} {percent(job.progress)}"

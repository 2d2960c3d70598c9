"""Jobs as events show them: libvirt tells of iterations and of ends, never of a beginning.

Those of disks are in `core.state.runs`.
"""

from __future__ import annotations

from core.model import Job, ObjectKey
from core.model.event import InstanceLifecycle, JobCompleted, MigrationIteration
from core.model.observation import BackupRead, OperationChanged
from core.state import runs
from core.state.tables import Tables

SILENCE = 600.0
"""Seconds without an iteration after which a job is no longer believed in: an aborted migration
ends without any event."""

UNKNOWN_KIND = "job"
_MIGRATION = {
    ("suspended", "migrated"): "switching over",
    ("suspended", "postcopy"): "post-copy",
    ("suspended", "postcopy-failed"): "post-copy failed",
    ("resumed", "postcopy"): "post-copy",
    ("resumed", "postcopy-failed"): "post-copy failed",
    ("started", "migrated"): "incoming",
}
_VERB_KINDS = {
    "migrate": "migration",
    "save": "save",
    "dump": "dump",
    "backup": "backup",
    "backup-pull": "backup",
    "snapshot": "snapshot",
}


def on_iteration(tables: Tables, event: MigrationIteration) -> None:
    """Show that memory is being copied, and by what if one of our operations does it."""
    key = event.subject
    job = tables.jobs.get(key)
    kind = _kind_of_operation(tables, key)
    if not kind:
        kind = job.kind if job is not None else UNKNOWN_KIND
    since = event.at if job is None or event.iteration <= 1 else job.since
    detail = f"iteration {event.iteration}"
    _put(tables, key, kind, since, detail, event.at)


def on_completed(tables: Tables, event: JobCompleted) -> None:
    """End the job: libvirt runs one at a time on an instance, besides those of its disks."""
    runs.on_job_completed(tables, event)
    tables.put_job(event.subject, None, event.at)


def on_lifecycle(tables: Tables, event: InstanceLifecycle) -> None:
    """Show the stages of a migration; a stopped or resumed instance has no job left."""
    key = event.subject
    stage = _MIGRATION.get((event.change, event.detail))
    job = tables.jobs.get(key)
    if stage is not None:
        since = event.at if job is None else job.since
        _put(tables, key, "migration", since, stage, event.at)
    elif event.change == "resumed":
        tables.put_job(key, None, event.at)


def on_backup_read(tables: Tables, read: BackupRead) -> None:
    """Show that a backup is under way, or is no more: nothing tells that one begins."""
    key = ObjectKey("instance", read.host, read.uuid)
    job = tables.jobs.get(key)
    mine = job is not None and job.kind == "backup"
    ended = tables.runs.get(key)
    if ended is not None and ended.last_job is not None and ended.last_job.at >= read.at:
        return  # an event of later has the last word
    if read.runs:
        since = job.since if mine and job is not None else read.at
        _put(tables, key, "backup", since, "", read.at)
    elif mine:
        tables.put_job(key, None, read.at)


def on_operation(tables: Tables, changed: OperationChanged) -> None:
    """End the job of an operation that has ended."""
    record = changed.operation
    job = tables.jobs.get(record.subject)
    if job is not None and record.status.final and job.kind == _VERB_KINDS.get(record.verb):
        tables.put_job(record.subject, None, changed.at)


def expire(tables: Tables, host: str, at: float) -> None:
    """Drop the jobs of a host that have been silent for too long."""
    stale = [
        key for key, seen in tables.job_seen.items() if key.host == host and at - seen > SILENCE
    ]
    for key in stale:
        tables.put_job(key, None, at)


def _put(tables: Tables, key: ObjectKey, kind: str, since: float, detail: str, at: float) -> None:
    if key in tables.instances:
        tables.put_job(key, Job(key.host, key.id, kind, since, detail=detail), at)


def _kind_of_operation(tables: Tables, key: ObjectKey) -> str:
    """Return the kind of job that an operation of ours on that instance means."""
    for record in reversed(list(tables.operations.picture().values())):
        if record.subject == key and not record.status.final:
            return _VERB_KINDS.get(record.verb, "")
    return ""

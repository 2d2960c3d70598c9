"""A post-copy that failed: what is left of it, and whether it can go on. Pure."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec.structs import replace

from core.errors import RefusedError
from core.migration.judgement.discovery import destination
from core.model import (
    Instance,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStep,
    Resumption,
    State,
)
from core.verbs.migration.requests import Migrate

OLDEST = (8, 5)
"""libvirt from which VIR_MIGRATE_POSTCOPY_RESUME exists."""
FAILED = "post-copy failed"


def failed(state: State, subject: ObjectKey) -> Migration:
    """Return the failed post-copy of an instance; raises RefusedError where nothing can go on.

    `subject` is the instance at its source. Where no migration is remembered (another console's,
    long ago) the states of both sides tell.
    """
    source = state.instances.get(subject)
    if source is None or source.reason != FAILED:
        raise RefusedError("It has no post-copy migration that failed: there is nothing to resume.")
    old = next(
        (
            migration
            for migration in reversed(list(state.migrations.values()))
            if migration.source_key == subject
            and migration.status is MigrationStatus.POST_COPY_FAILED
        ),
        Migration(id="", host=subject.host, uuid=subject.id, name=source.name, post_copy="allow"),
    )
    to = old.to or destination(state, old)
    _require(state, source, to)
    return replace(old, to=to)


def _require(state: State, source: Instance, to: str) -> None:
    there = state.instances.get(ObjectKey("instance", to, source.uuid))
    if there is None or not there.state.active:
        raise RefusedError(
            f"{source.name} is lost: its process on {to or 'the destination'} is gone, and "
            f"{source.host} has only a part of its memory.",
            f"Stop what is left of it on {source.host}, then start it from its disks.",
        )
    for name in (source.host, to):
        host = state.hosts.get(name)
        version = "" if host is None or host.facts is None else host.facts.libvirt_version
        if version and _numbers(version) < OLDEST:
            raise RefusedError(
                f"libvirt {version} on {name} cannot resume a post-copy migration.",
                "That came with libvirt 8.5.",
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def request_of(migration: Migration, state: State) -> Migrate:
    """Return what a migration was asked with; for somebody else's, what can be told of it.

    Recovery repeats the same call, so its options count.
    """
    for record in reversed(list(state.operations.values())):
        if record.verb == Migrate.verb and record.subject == migration.source_key:
            with suppress(msgspec.ValidationError):  # another version wrote it
                options = {**record.options, "subject": record.subject}
                return msgspec.convert(options, Migrate, strict=False)
    return Migrate(migration.source_key, to=migration.to, post_copy="allow")


def again(old: Migration, record: OperationRecord, now: float) -> Migration:
    """Return the migration that resumes an old one: still the one that was asked for then."""
    return replace(
        old,
        id=record.id,
        status=MigrationStatus.POST_COPY,
        author=old.author or record.author,
        foreign=False,
        created=old.created or record.created,
        started=old.started or now,
        switched=old.switched or now,
        resumed=(*old.resumed, Resumption(now, record.author)),
        ended=None,
        resumable=False,
        followed=False,
        outcome="",
        hint="",
        result=None,
        checks=(),
        timeline=(*old.timeline, OperationStep(now, "asked to go on")),
    )


def unfinished(state: State, source: ObjectKey) -> Migration | None:
    """Return the migration of an instance that another console runs, where one is known."""
    for migration in reversed(list(state.migrations.values())):
        if migration.source_key == source and not migration.status.final:
            return migration
    return None

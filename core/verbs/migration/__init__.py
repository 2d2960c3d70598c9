"""The verbs that move instances to other hosts: a workflow carries each out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from core.model import Migration, Request, State
from core.model.drain import DrainProgress
from core.model.observation import MigrationChanged
from core.state import resume_crash
from core.verbs.caution import Caution
from core.verbs.migration import checks, danger
from core.verbs.migration.requests import Drain, Migrate, ResumeMigration
from core.verbs.verb import Rename, Risk, Subjects, Verb, Workflow


def _migration_here(migration: Migration, named: Rename, not_open: str) -> Migration:
    return replace(
        migration,
        host=named(migration.host),
        to=named(migration.to),
        not_open=not_open,
        resumable=migration.resumable and not not_open,
    )


def _drain_here(progress: DrainProgress, named: Rename, _: str) -> DrainProgress:
    items = tuple(replace(item, to=named(item.to)) for item in progress.items)
    return replace(progress, items=items)


MIGRATION = Workflow(
    Migration,
    kept_as="migration",
    amendable=lambda migration: migration.amendable,
    renamed=_migration_here,
    told=lambda migration, now: MigrationChanged(migration.host, now, migration),
)
DRAINING = Workflow(DrainProgress, kept_as="drain", renamed=_drain_here)


def _of_migrate(state: State, requests: Sequence[Request]) -> Sequence[str]:
    return danger.of_migrate(state, [item for item in requests if isinstance(item, Migrate)])


def _migrate_caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _of_migrate(state, [request]) else Caution.NONE


def _resume(_: Request, subjects: Subjects) -> str:
    return f"Connects both hosts of {subjects.whom} again and fetches the rest of its memory."


def _resume_caution(state: State, request: Request) -> Caution:
    crashes = any(resume_crash.crash_of(state, request.subject))
    return Caution.TYPE if crashes else Caution.NONE


def _crash(state: State, requests: Sequence[Request]) -> Sequence[str]:
    return [text for text in resume_crash.crash_of(state, requests[0].subject) if text]


def _drain(_: Request, subjects: Subjects) -> str:
    return f"Moves every active instance away from {subjects.whom}."


def _destination(request: Request, _: Iterable[str]) -> Iterable[str]:
    assert isinstance(request, Migrate)
    return (request.to,)


def _destinations(request: Request, hosts: Iterable[str]) -> Iterable[str]:
    assert isinstance(request, Drain)
    return request.to or hosts


MIGRATE = Verb(
    Migrate,
    title="Migrate",
    help="Move it to another host while it runs.",
    doing="migrating",
    group="move",
    key="m",
    workflow=MIGRATION,
    states=checks.TO_MIGRATE,
    during_move=False,
    refusals=checks.against_migrate,
    risk=Risk(raised=_migrate_caution, after=_of_migrate),
    cancelled=("It is aborted, and runs on where it is; not possible once it is in post-copy."),
    hosts=_destination,
)
RESUME_MIGRATION = Verb(
    ResumeMigration,
    title="Resume the migration",
    help="Connect both hosts of a post-copy migration that failed again.",
    doing="resuming its migration",
    group="move",
    workflow=MIGRATION,
    during_jobs=True,
    during_backups=False,
    refusals=checks.against_resume,
    risk=Risk(Caution.KEY, _resume, raised=_resume_caution, before=_crash),
)
DRAIN = Verb(
    Drain,
    title="Drain",
    help="Move every active instance of the host away.",
    doing="draining",
    group="move",
    subject="host",
    single=True,  # the plan of each counts on the hosts that another would empty
    workflow=DRAINING,
    refusals=checks.against_drain,
    risk=Risk(Caution.TYPE, _drain),
    cancelled="No further instance is begun; what is under way goes on to its end.",
    hosts=_destinations,
)

VERBS = (MIGRATE, RESUME_MIGRATION, DRAIN)

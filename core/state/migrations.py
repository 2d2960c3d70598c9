"""Migrations in the state: what they are, their samples for the charts, and what an instance that
migrates is said to do."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from core.model import Migration, MigrationStatus, ObjectKey, Verdict
from core.model.observation import MigrationChanged, MigrationSampled
from core.model.sizes import percent
from core.model.times import seconds
from core.state.memo import Memo
from core.state.tables import Tables


def on_changed(tables: Tables, changed: MigrationChanged) -> None:
    """Take over a migration; its newest sample and forecast stay, for they come apart."""
    new = changed.migration
    old = tables.migrations.get(new.id)
    if old is not None:
        stale = old.settled or len(new.timeline) < len(old.timeline)
        if old.status.final and not new.status.final and stale:
            return  # news from another console's journal, older than ours
        new = replace(
            new,
            sample=new.sample or old.sample,
            forecast=new.forecast or old.forecast,
            progress=_furthest(old.progress, new.progress),
        )
    if new.status is MigrationStatus.COMPLETED:
        new = replace(new, progress=1.0)
    if old is not None and old.key != new.key:  # its host was found out, or is another
        tables.mark_gone(old.key)
        _mark_instances(tables, old)
    _put(tables, new)
    if old is None:
        tables.migrations.arrange(lambda _: True, _in_order(tables))
        _forget_oldest(tables)


def on_sampled(tables: Tables, sampled: MigrationSampled) -> None:
    """Take over a reading of the job, whatever was known of it before."""
    old = tables.migrations.get(sampled.id)
    if old is None:
        return
    tables.tracks.add(sampled.id, sampled.sample)
    new = replace(
        old,
        sample=sampled.sample,
        forecast=sampled.forecast or old.forecast,
        progress=_furthest(old.progress, sampled.progress),
    )
    _put(tables, new)


def _put(tables: Tables, migration: Migration) -> None:
    if tables.migrations.put(migration.id, migration):
        tables.mark(migration.key)
        _mark_instances(tables, migration)


def _mark_instances(tables: Tables, migration: Migration) -> None:
    for key in (migration.source_key, migration.destination_key):
        if key in tables.instances:
            tables.mark(key)


def _furthest(old: float | None, new: float | None) -> float | None:
    """Progress never runs backwards, however much the guest writes anew."""
    known = [value for value in (old, new) if value is not None]
    return max(known) if known else None


def _in_order(tables: Tables) -> list[str]:
    rows = tables.migrations.picture()
    return sorted(rows, key=lambda number: (_begun(rows[number]), number))


def _begun(row: Migration) -> float:
    """When it was asked for, or last asked to go on."""
    return row.resumed[-1].at if row.resumed else row.created


def _forget_oldest(tables: Tables) -> None:
    surplus = len(tables.migrations) - tables.limits.migrations
    if surplus > 0:
        rows = tables.migrations.picture().values()
        for migration in [row for row in rows if row.status.final][:surplus]:
            tables.migrations.drop(migration.id)
            tables.tracks.drop(migration.id)
            tables.mark_gone(migration.key)


def _by_instance(migrations: Mapping[str, Migration]) -> dict[ObjectKey, Migration]:
    found: dict[ObjectKey, Migration] = {}
    for migration in migrations.values():
        if not migration.status.final:
            found[migration.source_key] = migration
            found[migration.destination_key] = migration
    return found


_unfinished = Memo(_by_instance)


def migration_of(migrations: Mapping[str, Migration], instance: ObjectKey) -> Migration | None:
    """Return the migration that moves an instance now, by its key at either side. Any thread.

    `migrations` is `State.migrations`; cheap: they are indexed once per change.
    """
    return _unfinished(migrations).get(instance)


def latest_of(migrations: Mapping[str, Migration], instance: ObjectKey) -> Migration | None:
    """Return the migration of an instance that goes on, else the last one it had at that key."""
    if now := migration_of(migrations, instance):
        return now
    for migration in reversed(list(migrations.values())):
        if instance in (migration.source_key, migration.destination_key):
            return migration
    return None


def migrating(migrations: Mapping[str, Migration], instance: ObjectKey, now: float) -> str:
    """Return what an instance's migration does: `migrating to beta 43%, 12 s left, converges`.

    From the destination's side it is `migrating from alpha`. Empty when it is not migrating.
    """
    migration = migration_of(migrations, instance)
    if migration is None:
        return ""
    return ", ".join((_where(migration, instance), *_how(migration, now)))


def _where(migration: Migration, instance: ObjectKey) -> str:
    there = migration.to or migration.uri
    way = f"to {there}" if instance == migration.source_key and there else ""
    if instance != migration.source_key:
        way = f"from {migration.host}"
    if migration.status is MigrationStatus.QUEUED:
        return f"migration {way} queued".replace("  ", " ")
    done = migration.part_done
    share = "" if done is None else percent(done)
    return " ".join(filter(None, ("migrating", way, share)))


def _how(migration: Migration, now: float) -> list[str]:
    status, forecast = migration.status, migration.forecast
    if status is not MigrationStatus.RUNNING:
        return [] if status is MigrationStatus.QUEUED else [status.value]
    if forecast is None:
        return []
    if (age := forecast.age(now)) is not None:
        return [f"as of {seconds(age)} ago"]
    left = [] if forecast.eta is None else [f"{seconds(forecast.eta)} left"]
    return left + ([] if forecast.verdict is Verdict.UNKNOWN else [forecast.verdict.value])

"""Where else an instance may run: looked at before it is let run here. Pure.

Two copies of one instance write to the same disks and destroy what is on them. An instance is known
by its UUID on every host: one that is shut off may be defined on several, as a migration leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.model import (
    Host,
    Instance,
    InstanceState,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.state.memo import Memo

LETS_RUN = frozenset({"start", "resume", "reset", "hard-reboot", "evacuate"})
"""The verbs that may let an instance run which did not."""
MOVES = frozenset({"cold-migrate", "confirm-cold-migration", "revert-cold-migration"})
"""The verbs that change on which of two hosts an instance is to run."""
_RAN = LETS_RUN | {"reboot", "pause"}
_OFF = frozenset({"stop", "shutdown"})
_STAYED = (MigrationStatus.FAILED, MigrationStatus.ABORTED)
_ENDED_APART = MigrationStatus.POST_COPY_FAILED
"""Final, and yet the instance may have gone on at the destination."""


def copies(state: State, key: ObjectKey, but: str = "", *, fenced: str = "") -> tuple[str, ...]:
    """Return why the instance of `key` may run elsewhere, a clause about it each; empty: no sign.

    Reads at every open host, at what a host now out of reach was last seen to run, and at the
    migrations and operations of the journal. `but` is the id of the operation that asks: of two
    that ask for the same at the same time the one that was asked for first goes on. What `fenced`
    says counts for nothing: an operator has stated that this host is off.
    """
    seen = list(_seen(state, key, fenced))
    under_way = [] if _arrived(state, key) else list(_under_way(state, key, fenced))
    known = seen or under_way
    return (
        *_held(state, key),
        *_left_paused(state, key),
        *seen,
        *_being_started(state, key, but, fenced),
        *under_way,
        *([] if known else _last_known(state, key, fenced)),
    )


def last_migration(state: State, uuid: str) -> Migration | None:
    """Return the newest migration of an instance that is known; None: none is."""
    return _last_migrations(state.migrations).get(uuid)


def _held(state: State, key: ObjectKey) -> Iterator[str]:
    """What a cold migration has left at its source, until that is confirmed or reverted."""
    instance = state.instances.get(key)
    if instance is not None and instance.cold is not None and instance.cold.role == "source":
        yield (
            f"it was cold-migrated to {instance.cold.other}, and that is neither confirmed nor "
            "reverted"
        )


def evacuated_to(state: State, key: ObjectKey) -> str:
    """Return where an instance was evacuated to from the host of `key`; empty: it was not.

    What that host still has of it is only what was left behind.
    """
    found = [
        record
        for record in _evacuations(state.operations).get(key.id, ())
        if record.options.get("source") == key.host
    ]
    return max(found, key=lambda one: one.ended or 0.0).host if found else ""


def _left_paused(state: State, key: ObjectKey) -> Iterator[str]:
    """What a migration that ended in between has left: the other side may be the one that runs."""
    instance = state.instances.get(key)
    if instance is not None and _incoming(instance):
        yield "a migration has paused it here, and nothing has let it go on since"


def _arrived(state: State, key: ObjectKey) -> bool:
    """Whether `key` is where its last migration went, and has been let go on there: libvirt does
    that once the source has stopped."""
    last, here = last_migration(state, key.id), state.instances.get(key)
    there = last is not None and last.to == key.host
    return there and here is not None and _has_process(here) and not _incoming(here)


def _seen(state: State, key: ObjectKey, fenced: str) -> Iterator[str]:
    """What the rows of the other hosts show, or showed when their link was lost."""
    for host in state.hosts.values():
        instance = state.instances.get(ObjectKey("instance", host.name, key.id))
        if host.name in (key.host, fenced) or instance is None or not _has_process(instance):
            continue
        if _let_go(state, key, host, instance):
            continue
        if _up(host):
            yield f"it {_does(instance)} on {host.name}"
        elif not (_incoming(instance) and _stayed(state, key.id)):
            yield (
                f"it was last seen {_seen_as(instance)} on {host.name}, which is out of reach now"
            )


def _let_go(state: State, key: ObjectKey, host: Host, instance: Instance) -> bool:
    """Whether a row is only what its migration to `key` has left behind at the source."""
    if not _arrived(state, key) or _moved(state, key.id) != host.name:
        return False
    return instance.state is InstanceState.PAUSED or not _up(host)


def _moved(state: State, uuid: str) -> str:
    """Return the source of its last migration; empty: none is known."""
    last = last_migration(state, uuid)
    return "" if last is None else last.host


def _has_process(instance: Instance) -> bool:
    return instance.state.active or instance.id is not None


def _up(host: Host | None) -> bool:
    return host is not None and host.link.status is LinkStatus.UP


def _incoming(instance: Instance) -> bool:
    return instance.state is InstanceState.PAUSED and instance.reason == "migrating"


def _does(instance: Instance) -> str:
    if _incoming(instance):
        return "waits for its memory"
    return "runs" if instance.state is InstanceState.RUNNING else f"is {instance.state.value}"


def _seen_as(instance: Instance) -> str:
    return "waiting for its memory" if _incoming(instance) else instance.state.value


def _stayed(state: State, uuid: str) -> bool:
    """Whether its last migration left it at the source: what came in elsewhere cannot run."""
    last = last_migration(state, uuid)
    return last is not None and last.status in _STAYED and not last.followed


def _being_started(state: State, key: ObjectKey, but: str, fenced: str) -> Iterator[str]:
    for record in _unfinished(state.operations).get(key.id, ()):
        sent = record.status is not OperationStatus.QUEUED
        if record.host not in (key.host, fenced) and (sent or not but or record.id < but):
            yield f"{record.verb} is {record.status.value} for it on {record.host}"


def _under_way(state: State, key: ObjectKey, fenced: str) -> Iterator[str]:
    """Its last migration, where that does not tell for sure which side it runs on."""
    last = last_migration(state, key.id)
    if last is None or _tells_where(last):
        return
    here = fenced or key.host
    there = last.to if here == last.host else last.host
    if last.status.final and _runs_not(state, ObjectKey("instance", there, key.id)):
        return  # what it had at the other side is gone: only its disks are left
    to = last.to or last.uri or "a host that is not known"
    how = f"ended as {last.status.value}" if last.status.final else f"is {last.status.value}"
    yield f"its migration from {last.host} to {to} {how}"


def _tells_where(migration: Migration) -> bool:
    """Whether what a migration has come to says for sure on which side the instance is."""
    over = migration.status.final and not migration.followed
    return over and migration.status is not _ENDED_APART


def _runs_not(state: State, key: ObjectKey) -> bool:
    """Whether a host says now that it does not run an instance."""
    instance = state.instances.get(key)
    return _up(state.hosts.get(key.host)) and (instance is None or not _has_process(instance))


def _last_known(state: State, key: ObjectKey, fenced: str) -> Iterator[str]:
    """What the journal knows last, of a host that has not been seen since this console began."""
    moved = last_migration(state, key.id)
    acted = _last_operations(state.operations).get(key.id)
    since = 0.0 if moved is None else moved.ended or moved.created
    if acted is not None and (acted.ended or acted.created) >= since:
        here = key.host, fenced
        if _let_run(acted) and _out_of_sight(state, acted.host, *here):
            yield f"it last ran on {acted.host} as far as is known, and {_away(state, acted.host)}"
    elif moved is not None and (moved.was is None or moved.was.state.active):
        arrived = moved.status is MigrationStatus.COMPLETED
        where = (moved.to or moved.uri) if arrived else moved.host
        if where and _out_of_sight(state, where, key.host, fenced):
            verb = "moved to" if arrived else "stayed on"
            yield f"its last migration says that it {verb} {where}, and {_away(state, where)}"


def _let_run(record: OperationRecord) -> bool:
    """Whether an operation left its instance running: an evacuation starts what ran."""
    return record.verb in _RAN and record.options.get("start", True) is not False


def _out_of_sight(state: State, host: str, *here: str) -> bool:
    """Whether nothing that a host shows, or showed, says more than the journal."""
    found = state.hosts.get(host)
    return host not in here and (
        found is None or not any(line.status is LinkStatus.UP for line in found.history)
    )


def _away(state: State, host: str) -> str:
    return "that is out of reach" if host in state.hosts else "that is not open here"


def _by_uuid_moved(migrations: Mapping[str, Migration]) -> dict[str, Migration]:
    """Return the newest migration of each instance."""
    found: dict[str, Migration] = {}
    for migration in migrations.values():
        other = found.get(migration.uuid)
        if other is None or migration.created >= other.created:
            found[migration.uuid] = migration
    return found


def _by_uuid_acted(operations: Mapping[str, OperationRecord]) -> dict[str, OperationRecord]:
    """Return the newest operation that left each instance running, or off."""
    found: dict[str, OperationRecord] = {}
    for record in operations.values():
        if record.status is OperationStatus.DONE and record.verb in _RAN | _OFF:
            other = found.get(record.subject.id)
            if other is None or (record.ended or 0.0) >= (other.ended or 0.0):
                found[record.subject.id] = record
    return found


def _by_uuid_unfinished(
    operations: Mapping[str, OperationRecord],
) -> dict[str, list[OperationRecord]]:
    found: dict[str, list[OperationRecord]] = {}
    for record in operations.values():
        if record.verb in LETS_RUN | MOVES and not record.status.final:
            found.setdefault(record.subject.id, []).append(record)
    return found


def _by_uuid_evacuated(
    operations: Mapping[str, OperationRecord],
) -> dict[str, list[OperationRecord]]:
    found: dict[str, list[OperationRecord]] = {}
    for record in operations.values():
        if record.verb == "evacuate" and record.status is OperationStatus.DONE:
            found.setdefault(record.subject.id, []).append(record)
    return found


_evacuations = Memo(_by_uuid_evacuated)
_last_migrations = Memo(_by_uuid_moved)
_last_operations = Memo(_by_uuid_acted)
_unfinished = Memo(_by_uuid_unfinished)

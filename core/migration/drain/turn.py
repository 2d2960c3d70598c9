"""A drain under way: what came of those that were begun, which are begun now, who gets how much of
the bandwidth, and how it ends. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from core.migration.drain.plan import reachable
from core.model import MigrationStatus, ObjectKey, OperationRecord, OperationStatus, State
from core.model.drain import DrainItem, DrainProgress, Stage
from core.verbs.migration.requests import Drain

PATIENCE = 60.0
"""Seconds that a drain which can do nothing else waits for a destination that is out of reach."""

_STOPPED = "the drain was stopped before its turn"
_GONE = "it was gone when its turn came"
_TURNED_OFF = "it was off when its turn came"
_CAME = "it came, or was started, while the host was drained"
_LOST = "what became of its migration is not known"


@dataclass(frozen=True, slots=True)
class DrainSeen:
    """All a drain may know when it decides."""

    state: State
    request: Drain
    since: float
    """When the drain was asked for."""
    idle: float = 0.0
    """Seconds for which nothing was under way and nothing could be begun."""
    inherited: Collection[str] = ()
    """UUIDs of those a dead console had begun: asked for again where they were never sent."""

    @property
    def source(self) -> str:
        """The host that is emptied."""
        return self.request.subject.host


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done now."""

    progress: DrainProgress
    """With everything that was seen in it."""
    begin: tuple[DrainItem, ...] = ()
    """To be asked for now, each with its part of the bandwidth."""
    give: tuple[DrainItem, ...] = ()
    """Under way, and to be given another part of the bandwidth: the one each has here."""
    lines: tuple[str, ...] = ()
    """For the operation's log."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be waited for."""
        return all(item.stage.settled for item in self.progress.items)


def take_turn(progress: DrainProgress, seen: DrainSeen) -> Turn:
    """Return what a drain does now, from how it stands and what the state shows."""
    items = [_settled(item, progress, seen) for item in progress.items]
    lines = [line for old, new in zip(progress.items, items, strict=True)
             if old.stage is not new.stage and (line := _line(new))]  # fmt: skip
    now = replace(progress, items=tuple(items))
    chosen = _chosen(now, seen)
    if seen.request.bandwidth:
        chosen, give = _shared(seen, now, chosen)
    else:
        give = ()
    return Turn(now, chosen, give, tuple(lines))


# -- what came of it ----------------------------------------------------------------------------


def _settled(item: DrainItem, progress: DrainProgress, seen: DrainSeen) -> DrainItem:
    if item.stage is Stage.MOVING:
        return _of_moving(item, seen)
    if item.stage is Stage.WAITING:
        return _of_waiting(item, progress, seen)
    if item.stage is Stage.STAYS and item.operation:
        record = seen.state.operations.get(item.operation)
        if record is not None and record.status is OperationStatus.DONE:  # it went on after all
            return replace(item, stage=Stage.MOVED, reason=record.outcome)
    return item


def _of_moving(item: DrainItem, seen: DrainSeen) -> DrainItem:
    operation = item.operation or _asked_for(item, seen)
    if not operation:  # the console died between two lines: it was not asked for
        return replace(item, stage=Stage.WAITING)
    item = replace(item, operation=operation)
    record = seen.state.operations.get(operation)
    if record is None:
        return _by_migration(item, seen)
    if not record.status.final:
        return item
    if record.status is OperationStatus.DONE:
        return replace(item, stage=Stage.MOVED, reason=record.outcome)
    if _never_sent(record) and item.uuid in seen.inherited:
        return replace(item, stage=Stage.WAITING, operation="")
    return replace(item, stage=Stage.STAYS, reason=record.outcome or str(record.status))


def _asked_for(item: DrainItem, seen: DrainSeen) -> str:
    subject = ObjectKey("instance", seen.source, item.uuid)
    found = [record.id for record in seen.state.operations.values() if record.verb == "migrate"
             and record.subject == subject and record.created >= seen.since]  # fmt: skip
    return found[-1] if found else ""


def found(before: DrainProgress, now: DrainProgress) -> tuple[DrainItem, ...]:
    """Return what was on its way by an operation that was not known, and is now. Pure."""
    unknown = {item.uuid for item in before.at(Stage.MOVING) if not item.operation}
    return tuple(item for item in now.items if item.uuid in unknown and item.operation)


def _never_sent(record: OperationRecord) -> bool:
    return record.status is OperationStatus.CANCELLED and record.started is None


def _by_migration(item: DrainItem, seen: DrainSeen) -> DrainItem:
    """Somebody else's migration has no operation here; an old one may be forgotten."""
    migration = seen.state.migrations.get(item.operation)
    if migration is None:
        moved = _elsewhere(item, seen)
        return replace(item, stage=Stage.MOVED) if moved else _stays(item, _LOST)
    if not migration.status.final:
        return item
    done = migration.status is MigrationStatus.COMPLETED
    stage = Stage.MOVED if done else Stage.STAYS
    return replace(item, stage=stage, reason=migration.outcome or str(migration.status))


def _of_waiting(item: DrainItem, progress: DrainProgress, seen: DrainSeen) -> DrainItem:
    if not reachable(seen.state.hosts.get(seen.source)):
        return _stays(item, _STOPPED) if progress.stopped else item
    instance = seen.state.instances.get(ObjectKey("instance", seen.source, item.uuid))
    if instance is None:
        there = _elsewhere(item, seen)
        return replace(item, stage=Stage.MOVED if there else Stage.LEFT, to=there, reason=_GONE)
    if not instance.state.active:
        return replace(item, stage=Stage.LEFT, reason=_TURNED_OFF)
    if progress.stopped:
        return _stays(item, _STOPPED)
    out = not reachable(seen.state.hosts.get(item.to))
    return _stays(item, _out_of_reach(item, seen)) if out and seen.idle >= PATIENCE else item


def _stays(item: DrainItem, reason: str) -> DrainItem:
    return replace(item, stage=Stage.STAYS, reason=reason)


def _elsewhere(item: DrainItem, seen: DrainSeen) -> str:
    """Return the host an instance runs on that is not on ours any more; empty: none is known."""
    found = [key.host for key, row in seen.state.instances.items()
             if key.id == item.uuid and key.host != seen.source and row.state.active]  # fmt: skip
    return found[0] if found else ""


def _out_of_reach(item: DrainItem, seen: DrainSeen) -> str:
    known = item.to in seen.state.hosts
    return f"its destination {item.to} is {'out of reach' if known else 'not open here'}"


def _line(item: DrainItem) -> str:
    if item.stage is Stage.MOVED:
        return f"{item.name}: {item.reason or 'moved'}"
    if item.stage is Stage.STAYS:
        return f"{item.name} stays: {item.reason}"
    if item.stage is Stage.LEFT:
        return f"{item.name} is left: {item.reason}"
    return f"{item.name} was never sent: once more" if item.stage is Stage.WAITING else ""


# -- what is begun ------------------------------------------------------------------------------


def _chosen(progress: DrainProgress, seen: DrainSeen) -> tuple[DrainItem, ...]:
    """Return which are begun now; one whose destination is out of reach lets the next go first.

    Of a drain that was stopped none waits any more.
    """
    if not reachable(seen.state.hosts.get(seen.source)):
        return ()
    free = at_a_time(seen.request) - len(progress.at(Stage.MOVING))
    ready = [item for item in progress.at(Stage.WAITING)
             if reachable(seen.state.hosts.get(item.to))]  # fmt: skip
    return tuple(ready[: max(0, free)])


def at_a_time(request: Drain) -> int:
    """Return how many may run at once: each has 1 MiB/s at least."""
    return min(request.at_a_time, request.bandwidth) if request.bandwidth else request.at_a_time


def _shared(
    seen: DrainSeen, progress: DrainProgress, chosen: tuple[DrainItem, ...]
) -> tuple[tuple[DrainItem, ...], tuple[DrainItem, ...]]:
    """Divide the bandwidth among those the drain began; what others began has its own.

    An operator's hand is left alone until the number of those that share changes. In post-copy
    nothing is changed: its guest stands still for every page that it waits for.
    """
    sharing = [item for item in progress.at(Stage.MOVING) if item.bandwidth is not None]
    count = len(sharing) + len(chosen)
    if not count:
        return chosen, ()
    part = max(1, (seen.request.bandwidth or 0) // count)
    give = [replace(item, bandwidth=part) for item in sharing
            if item.bandwidth != part and _copying(item, seen)]  # fmt: skip
    return tuple(replace(item, bandwidth=part) for item in chosen), tuple(give)


def _copying(item: DrainItem, seen: DrainSeen) -> bool:
    """Whether libvirt has begun: before, the call itself would set what it was asked with."""
    migration = seen.state.migrations.get(item.operation)
    return migration is not None and migration.status is MigrationStatus.RUNNING


# -- how it ends --------------------------------------------------------------------------------


def newcomers(progress: DrainProgress, seen: DrainSeen) -> DrainProgress:
    """Return the progress with what runs on the host although nobody planned to move it."""
    known = {item.uuid for item in progress.at(Stage.MOVED, Stage.STAYS)}
    came = [row for key, row in seen.state.instances.items()
            if key.host == seen.source and row.state.active and key.id not in known]  # fmt: skip
    again = {row.uuid for row in came}
    kept = tuple(item for item in progress.items if item.uuid not in again)
    new = tuple(_stays(DrainItem(row.uuid, row.name), _CAME) for row in came)
    return replace(progress, items=(*kept, *new))


def share_done(progress: DrainProgress) -> float | None:
    """Return how much is done, 0 to 1; None before it is planned."""
    counted = [item for item in progress.items if item.stage is not Stage.LEFT]
    if not progress.planned or not counted:
        return None
    return sum(item.stage.settled for item in counted) / len(counted)


def status(progress: DrainProgress) -> OperationStatus:
    """Return what the operation ends as: done when the host is empty of what ran on it."""
    if not progress.at(Stage.STAYS):
        return OperationStatus.DONE
    return OperationStatus.CANCELLED if progress.stopped else OperationStatus.FAILED


def outcome(progress: DrainProgress, host: str) -> str:
    """Return the one sentence: `5 of 7 moved; 2 stay: db (it has snapshots), mail (...)`."""
    moved, stay = progress.at(Stage.MOVED), progress.at(Stage.STAYS)
    total = len(moved) + len(stay)
    parts = [f"{len(moved)} of {total} moved" if total else f"nothing ran on {host}"]
    if stay:
        named = ", ".join(f"{item.name} ({_brief(item.reason)})" for item in stay)
        parts.append(f"{len(stay)} {'stay' if len(stay) > 1 else 'stays'}: {named}")
    if left := progress.at(Stage.LEFT):
        parts.append(f"left, as they do not run: {', '.join(item.name for item in left)}")
    if progress.stopped:
        parts.append(progress.stopped)
    return "; ".join(parts)


def _brief(reason: str) -> str:
    """Return the first sentence; all of them are in the log."""
    first, _, more = reason.partition(". ")
    return f"{first.rstrip('.')}, and more" if more else first.rstrip(".")

"""How a host is emptied: which instance goes where, in which order, on what evidence. Pure.

Where there is room is judged by the memory each destination had free when it was last listed, less
what this drain gives it. Whether the instance can live there is the preflight's to say: what it
blocks is planned again without that destination, until nothing new is blocked.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from core.model import Host, Instance, LinkStatus, ObjectKey, State
from core.model.drain import DrainItem, DrainProgress, Stage
from core.model.sizes import size_words
from core.verbs.migration.requests import Drain, Migrate

Blocked = Mapping[tuple[str, str], str]
"""By instance UUID and destination: why it cannot go there."""

_OFF = "it is off: what is off is not moved"
_NOWHERE = "no other host is in reach"


def in_order(state: State, request: Drain) -> tuple[Instance, ...]:
    """Return the active instances of the host, in the order the request asks for."""
    rows = [row for row in state.instances.values() if _concerns(row, request) and row.state.active]
    if request.order == "name":
        return tuple(sorted(rows, key=lambda row: row.name))
    sign = -1 if request.order == "largest" else 1
    return tuple(sorted(rows, key=lambda row: (sign * needed(row), row.name)))


def off(state: State, request: Drain) -> tuple[Instance, ...]:
    """Return the instances of the host that are not active, by name."""
    rows = [row for row in state.instances.values() if _concerns(row, request)]
    return tuple(sorted((row for row in rows if not row.state.active), key=lambda row: row.name))


def _concerns(row: Instance, request: Drain) -> bool:
    return row.host == request.subject.host


def needed(instance: Instance) -> int:
    """Return the bytes of memory a destination must have for it: the most that it may have."""
    return max(instance.memory, instance.memory_maximum)


def destinations(state: State, request: Drain) -> tuple[str, ...]:
    """Return the hosts instances may be sent to, preferred first.

    A host that is out of reach, or is being emptied itself, gets nothing.
    """
    source = request.subject.host
    named = request.to or tuple(state.hosts)
    hosts = (state.hosts.get(name) for name in dict.fromkeys(named) if name != source)
    return tuple(
        host.name for host in hosts if host is not None and reachable(host) and
        not draining(state, host.name)
    )  # fmt: skip


def reachable(host: Host | None) -> bool:
    """Whether something can be sent to a host now."""
    return host is not None and host.link.status is LinkStatus.UP and not host.link.read_only


def draining(state: State, host: str) -> bool:
    """Whether a host is being emptied, by any console."""
    return any(
        record.verb == Drain.verb and record.host == host and not record.status.final
        for record in state.operations.values()
    )


def plan_drain(state: State, request: Drain, blocked: Blocked) -> DrainProgress:
    """Return every instance of the host with its place in the order and its destination.

    With destinations named, an instance goes to the first of them that has room; else to the one
    that has most. One that fits nowhere stays, and says why; one whose migration is under way
    already is waited for; what is off is left.
    """
    room = {name: _free(state, name) for name in destinations(state, request)}
    items = []
    for instance in in_order(state, request):
        item = DrainItem(instance.uuid, instance.name, needed(instance))
        item = _under_way(state, instance, item) or _placed(request, item, room, blocked)
        free = room.get(item.to)
        if free is not None and item.stage is not Stage.STAYS:
            room[item.to] = free - item.memory
        items.append(item)
    left = [DrainItem(row.uuid, row.name, stage=Stage.LEFT, reason=_OFF)
            for row in off(state, request)]  # fmt: skip
    return DrainProgress(items=(*items, *left))


def _free(state: State, host: str) -> int | None:
    facts = state.hosts[host].facts
    return None if facts is None else facts.memory_free


def _under_way(state: State, instance: Instance, item: DrainItem) -> DrainItem | None:
    for migration in state.migrations.values():
        if migration.source_key == instance.key and not migration.status.final:
            return replace(item, stage=Stage.MOVING, operation=migration.id, to=migration.to)
    return None


def _placed(
    request: Drain, item: DrainItem, room: Mapping[str, int | None], blocked: Blocked
) -> DrainItem:
    """Give an item the best destination that nothing is known against."""
    overridden = request.options is not None and "memory" in request.options.overrides
    reasons, fitting = [], []
    for name, free in room.items():
        if why := blocked.get((item.uuid, name)):
            reasons.append(why)
        elif free is not None and free < item.memory and not overridden:
            left, wanted = size_words(max(0, free)), size_words(item.memory)
            reasons.append(f"{name} has only {left} of memory left, and {wanted} are needed.")
        else:
            fitting.append(name)
    if not fitting:
        text = " ".join(dict.fromkeys(reasons)) or _NOWHERE
        return replace(item, stage=Stage.STAYS, reason=text)
    if request.to:
        return replace(item, to=fitting[0])
    return replace(item, to=max(fitting, key=lambda name: _rank(room[name])))


def _rank(free: int | None) -> int:
    """What is not known is the last choice."""
    return -(1 << 62) if free is None else free


def migrate_request(request: Drain, item: DrainItem) -> Migrate:
    """Return the migration of one item, as it is submitted and looked at before."""
    subject = ObjectKey("instance", request.subject.host, item.uuid)
    options = request.options or Migrate(subject)
    bandwidth = options.bandwidth if item.bandwidth is None else item.bandwidth
    return replace(options, subject=subject, to=item.to, bandwidth=bandwidth, offline=False)


def in_words(plan: DrainProgress) -> tuple[str, ...]:
    """Return what a plan says, a line each: who goes where, who stays, who is left."""
    waiting, lines = plan.at(Stage.WAITING), []
    if waiting:
        named = [f"{item.name} to {item.to}" for item in waiting]
        lines.append(f"{len(waiting)} to move, in this order: {', '.join(named)}")
    lines += [f"{item.name} is on its way already: it is waited for"
              for item in plan.at(Stage.MOVING)]  # fmt: skip
    lines += [f"{item.name} stays: {item.reason}" for item in plan.at(Stage.STAYS)]
    lines += [f"{item.name} is left: {item.reason}" for item in plan.at(Stage.LEFT)]
    return tuple(lines)

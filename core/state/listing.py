"""A full listing of a host: what is not in it is gone, what differs and was not told is found.

What events told of while the listing was made stays as they left it: nothing of it comes back that
is gone, nothing goes that has just come. A reading follows, or came before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from core.model import Instance, Network, ObjectKey, Pool, PoolState, Volume
from core.model.event import Found
from core.model.observation import Listed
from core.state import findings, instances, links, storage
from core.state.findings import APPEARED, VANISHED, ExpectedFinding
from core.state.instances import relisted, settled
from core.state.tables import Table, Tables

Thing = TypeVar("Thing", Instance, Pool, Volume, Network)


def on_listed(tables: Tables, listed: Listed) -> None:
    """Make a host's part of the state what the listing says, for the kinds that it lists."""
    for kind, take in _KINDS.items():
        if kind not in listed.kinds:
            continue
        found = take(tables, listed)
        if (listed.host, kind) in tables.listed:
            for finding in found:
                findings.report(tables, finding)
        tables.listed.add((listed.host, kind))
        links.note_listed(tables, listed.host, kind)


def _split(
    table: Table[ObjectKey, Thing], listed: Listed, things: Iterable[Thing]
) -> tuple[dict[ObjectKey, Thing], list[Thing]]:
    """Return the listed things by key, and those of the host that are not among them.

    Neither has what events overtook the listing with.
    """
    overtaken = {key for key in listed.overtaken if key.kind != "pool"}
    pools = {key.id for key in listed.overtaken if key.kind == "pool"}

    def counts(key: ObjectKey) -> bool:
        storage = key.kind in ("pool", "volume")
        return key.id.partition("/")[0] not in pools if storage else key not in overtaken

    wanted = {key: thing for thing in things if counts(key := thing.key)}
    keys = [key for key in table if key.host == listed.host and key not in wanted and counts(key)]
    return wanted, [thing for key in keys if (thing := table.get(key)) is not None]


def _arrange(table: Table[ObjectKey, Thing], listed: Listed, things: Iterable[Thing]) -> None:
    """Bring the rows of the host into the order of the listing; what is not in it comes last."""
    order = dict.fromkeys(key for thing in things if (key := thing.key) in table)
    order |= dict.fromkeys(key for key in table if key.host == listed.host)
    table.arrange(lambda key: key.host == listed.host, list(order))


def _instances(tables: Tables, listed: Listed) -> list[ExpectedFinding]:
    wanted, vanished = _split(tables.instances, listed, listed.instances)
    found = []
    for old in vanished:
        if not _outdated(tables, listed, old.key):
            found.append(_found(listed, old.key, old.name, VANISHED, VANISHED))
        instances.drop_instance(tables, old.key)
    news = listed.at if (listed.host, "instances") in tables.listed else None
    for key, new in wanted.items():
        before = tables.instances.get(key)
        if before is not None and not new.described:
            new = relisted(before, new)
        new = settled(before, new, news)
        if not _outdated(tables, listed, key):
            found += _differences(listed, before, new)
        tables.moved[key] = listed.at
        instances.put_instance(tables, new, listed.at)
    _arrange(tables.instances, listed, listed.instances)
    return found


def _outdated(tables: Tables, listed: Listed, key: ObjectKey) -> bool:
    """Whether the instance was told of while the listing was made: a reading of it will follow."""
    return tables.moved.get(key, 0.0) > listed.at


def _differences(listed: Listed, old: Instance | None, new: Instance) -> list[ExpectedFinding]:
    if old is None:
        return [_found(listed, new.key, new.name, APPEARED, APPEARED)]
    found = []
    if old.state is not new.state:
        change = f"{old.state} -> {new.state}"
        found.append(_found(listed, new.key, new.name, change, new.state))
    if change := difference(old, new):
        found.append(_found(listed, new.key, new.name, change))
    return found


def difference(old: Instance, new: Instance) -> str:
    """Return what is worth telling of a change, but for the state: empty for nothing."""
    changes = []
    if old.name != new.name:
        changes.append(f"renamed from {old.name}")
    if old.autostart is not new.autostart:
        changes.append(f"autostart {'on' if new.autostart else 'off'}")
    if old.described and new.described:
        if (old.disks, old.interfaces, old.devices) != (new.disks, new.interfaces, new.devices):
            changes.append("devices changed")
        if (old.vcpus_maximum, old.memory_maximum) != (new.vcpus_maximum, new.memory_maximum):
            changes.append("resized")
    return ", ".join(changes)


def _pools(tables: Tables, listed: Listed) -> list[ExpectedFinding]:
    wanted, vanished = _split(tables.pools, listed, listed.pools)
    found = [_found(listed, old.key, old.name, VANISHED, VANISHED) for old in vanished]
    for old in vanished:
        storage.drop_pool(tables, old.key)
    for key, new in wanted.items():
        before = tables.pools.get(key)
        if before is None:
            found.append(_found(listed, key, new.name, APPEARED, APPEARED))
        elif before.state is not new.state:
            change = f"{before.state} -> {new.state}"
            found.append(_found(listed, key, new.name, change, new.state))
        storage.read_in(tables, new, listed.at)
    _arrange(tables.pools, listed, listed.pools)
    return found


def _volumes(tables: Tables, listed: Listed) -> list[ExpectedFinding]:
    wanted, vanished = _split(tables.volumes, listed, listed.volumes)
    found = []
    active = {pool.uuid for pool in listed.pools if pool.state is not PoolState.INACTIVE}
    for old in vanished:
        if old.pool in active:  # the volumes of a stopped pool are only out of sight
            found.append(_found(listed, old.key, old.name, VANISHED))
        storage.drop_volume(tables, old.key)
    for key, new in wanted.items():
        before = tables.volumes.get(key)
        if before is None:
            found.append(_found(listed, key, new.name, APPEARED))
        storage.put_volume(tables, storage.renamed(before, new))
    _arrange(tables.volumes, listed, listed.volumes)
    return found


def _networks(tables: Tables, listed: Listed) -> list[ExpectedFinding]:
    wanted, vanished = _split(tables.networks, listed, listed.networks)
    found = [_found(listed, old.key, old.name, VANISHED, VANISHED) for old in vanished]
    for old in vanished:
        storage.drop_network(tables, old.key)
    for key, new in wanted.items():
        before = tables.networks.get(key)
        if before is None:
            found.append(_found(listed, key, new.name, APPEARED, APPEARED))
        elif before.active is not new.active:
            old_word, word = ("inactive", "active") if new.active else ("active", "inactive")
            found.append(_found(listed, key, new.name, f"{old_word} -> {word}", word))
        if before is not None and not new.described:
            new = storage.with_xml_of(new, before)
        storage.put_network(tables, new)
    _arrange(tables.networks, listed, listed.networks)
    return found


def _found(
    listed: Listed, key: ObjectKey, name: str, change: str, word: str = ""
) -> ExpectedFinding:
    return ExpectedFinding(Found(listed.host, listed.at, key.id, name, key.kind, change), word)


_KINDS: dict[str, Callable[[Tables, Listed], list[ExpectedFinding]]] = {
    "instances": _instances,
    "pools": _pools,
    "volumes": _volumes,
    "networks": _networks,
}
"""The kinds of a listing, and what each makes of the state; pools before their volumes."""

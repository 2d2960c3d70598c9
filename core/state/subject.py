"""The object of a key, of whatever kind: what a verb can be asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import (
    Host,
    Instance,
    Migration,
    Network,
    ObjectKey,
    Pool,
    Snapshot,
    State,
    Volume,
)

Subject = Instance | Host | Pool | Volume | Network | Snapshot | Migration


def subject_of(state: State, key: ObjectKey) -> Subject | None:
    """Return the object as the state has it; None where it does not, and for other kinds."""
    if key.kind == "host":
        return state.hosts.get(key.id)
    if key.kind == "migration":
        return state.migrations.get(key.id)
    if key.kind == "snapshot":
        known = state.snapshots.get(owner_of(key), ())
        return next((one for one in known if one.key == key), None)
    return _tables(state).get(key.kind, {}).get(key)


def has_namesake(state: State, key: ObjectKey) -> bool:
    """Return whether another host has an object of the same kind and name."""
    found = subject_of(state, owner_of(key))
    if found is None or isinstance(found, Host | Migration):
        return False
    alike = _tables(state)[found.key.kind].values()
    return any(one.key.host != key.host and getattr(one, "name", "") == found.name for one in alike)


def _tables(state: State) -> Mapping[str, Mapping[ObjectKey, Subject]]:
    return {
        "instance": state.instances,
        "pool": state.pools,
        "volume": state.volumes,
        "network": state.networks,
    }


def owner_of(key: ObjectKey) -> ObjectKey:
    """Return the object on which what is done to one has its turn: a snapshot's instance.

    Every other object is its own.
    """
    if key.kind != "snapshot":
        return key
    return ObjectKey("instance", key.host, key.id.partition("/")[0])

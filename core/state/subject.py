"""The object of a key, of whatever kind: what a verb can be asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import Host, Instance, Network, ObjectKey, Pool, State, Volume

Subject = Instance | Host | Pool | Volume | Network


def subject_of(state: State, key: ObjectKey) -> Subject | None:
    """Return the object as the state has it; None where it does not, and for other kinds."""
    if key.kind == "host":
        return state.hosts.get(key.id)
    tables: Mapping[str, Mapping[ObjectKey, Subject]] = {
        "instance": state.instances,
        "pool": state.pools,
        "volume": state.volumes,
        "network": state.networks,
    }
    return tables[key.kind].get(key) if key.kind in tables else None

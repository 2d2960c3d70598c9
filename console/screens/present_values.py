"""What a field of a request has now, from the state, for who types another. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console import format as fmt
from core.model import Instance, ObjectKey, State
from core.model.text import clean
from core.state.usage import volume_of

_SHOWN = 40
"""Characters of a text that are shown: the beginning tells which it is."""
_MIB = 1 << 20


def present_of(state: State, key: ObjectKey, source: str) -> str:
    """Return what a subject has now of what a source names; empty: nothing, or it is not known."""
    row = state.instances.get(key)
    if row is None or source not in _SOURCES:
        return ""
    return _SOURCES[source](state, row)


def _number(value: int) -> str:
    return str(value) if value else ""


def _text(value: str) -> str:
    shown = clean(" ".join(value.split()))
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def _disk_sizes(state: State, row: Instance) -> str:
    found = []
    for disk in row.disks:
        path = "" if disk.source is None else disk.source.path
        volume = volume_of(state.volumes.values(), row.host, path) if path else None
        if disk.device == "disk" and volume is not None and volume.capacity is not None:
            found.append(f"{disk.target}={fmt.size(volume.capacity)}")
    return fmt.listed(found, 3)


_SOURCES: Mapping[str, Callable[[State, Instance], str]] = {
    "vcpus": lambda _, row: _number(row.vcpus),
    "vcpus-most": lambda _, row: _number(row.vcpus_maximum),
    "memory": lambda _, row: _number(row.memory // _MIB),
    "memory-most": lambda _, row: _number(row.memory_maximum // _MIB),
    "disk-sizes": _disk_sizes,
    "title": lambda _, row: _text(row.title),
    "description": lambda _, row: _text(row.description),
}
"""As `core.verbs.parameter.parameter` names them; memory in MiB."""

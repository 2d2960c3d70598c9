"""Which volumes hosts have connected for whom, by what the operations in the journal have brought.

Pure. An entry is an attach that is done; a detach that let go takes it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.model import Instance, LinkStatus, ObjectKey, OperationRecord, OperationStatus, State
from core.model.connected_volume import ConnectedVolume
from core.model.lists import listed
from core.state.memo import Memo
from core.state.usage import users_at

Connections = Mapping[str, ConnectedVolume]
"""By the target of the disk; of a host by the path of the device."""


def _index(operations: Mapping[str, OperationRecord]) -> Mapping[ObjectKey, Connections]:
    done = [one for one in operations.values() if one.status is OperationStatus.DONE and one.result]
    found: dict[ObjectKey, dict[str, ConnectedVolume]] = {}
    for record in sorted(done, key=lambda one: one.ended or one.created):
        if "released" in record.result:
            _release(found, record)
        elif "connected" in record.result:
            try:
                volume = msgspec.convert(record.result["connected"], ConnectedVolume)
            except msgspec.ValidationError:  # another version's
                continue
            found.setdefault(_owner(record, "connected_for"), {})[volume.target] = volume
    return {subject: volumes for subject, volumes in found.items() if volumes}


def _owner(record: OperationRecord, key: str) -> ObjectKey:
    """Return the instance that a result is of: its subject, where its host was not asked."""
    owner, subject = record.result.get(key), record.subject
    if isinstance(owner, str) and owner:
        return ObjectKey("instance", subject.host, owner)
    return subject


def _release(found: dict[ObjectKey, dict[str, ConnectedVolume]], record: OperationRecord) -> None:
    """Take out what a host let go of: of a device that is gone every entry of that host is over."""
    owner = _owner(record, "released_of")
    volume = found.get(owner, {}).pop(str(record.result["released"]), None)
    if volume is None or not volume.path or record.result.get("used_by"):
        return
    for subject, volumes in found.items():
        if subject.host == owner.host:
            same = [target for target, one in volumes.items() if one.path == volume.path]
            for target in same:
                del volumes[target]


_connections = Memo(_index)


def connections_of(state: State, subject: ObjectKey) -> Connections:
    """Return the volumes that are connected for the disks of an instance."""
    return _connections(state.operations).get(subject, {})


def used_by(connections: Connections, instance: Instance | None) -> Connections:
    """Return those of an instance's volumes that are its disks now; all, where it was not read."""
    if instance is None or not instance.described:
        return connections
    paths = {one.path for disk in instance.disks for one in disk.layers}
    return {target: one for target, one in connections.items() if one.path in paths}


Standing = Literal["in use", "left over", "not known"]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A volume that a host has connected, for whom, and how that stands."""

    subject: ObjectKey
    """The instance it was connected for."""
    name: str
    """What that is called; its UUID where it is gone."""
    volume: ConnectedVolume
    standing: Standing
    why: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells it from the others."""
        return self.subject.host, self.subject.id, self.volume.target


def ledger(state: State) -> list[LedgerEntry]:
    """Return every volume that hosts have connected, as far as this journal knows, by host.

    What another journal has had connected, or nobody's has, is not among them.
    """
    entries = [
        _entry(state, subject, volume)
        for subject, volumes in _connections(state.operations).items()
        for volume in volumes.values()
    ]
    return sorted(entries, key=lambda one: (one.subject.host, one.volume.path, one.key))


def _entry(state: State, subject: ObjectKey, volume: ConnectedVolume) -> LedgerEntry:
    instance = state.instances.get(subject)
    name = subject.id if instance is None else instance.name
    others = [
        f"{one.name}:{disk.target}"
        for one, disk in users_at(state, subject.host, (volume.path,))
        if one.host == subject.host
    ]
    if others:
        why = f"it is the disk of {listed(others)}"
        return LedgerEntry(subject, name, volume, "in use", why)
    host = state.hosts.get(subject.host)
    if host is None or host.link.status is not LinkStatus.UP:
        why = f"{subject.host} is out of reach, or not open here"
        return LedgerEntry(subject, name, volume, "not known", why)
    unread = [
        one.name
        for one in state.instances.values()
        if one.host == subject.host and not one.described
    ]
    if unread or "instances" not in host.listed:
        why = f"not every instance of {subject.host} was read"
        return LedgerEntry(subject, name, volume, "not known", why)
    gone = "the instance is gone" if instance is None else "the instance has no such disk"
    return LedgerEntry(subject, name, volume, "left over", f"{gone}, nobody else has it")


def connected_on(state: State, host: str) -> Connections:
    """Return what a host has connected, by the path of its device."""
    return {
        volume.path: volume
        for subject, volumes in _connections(state.operations).items()
        if subject.host == host
        for volume in volumes.values()
    }


def owners_on(state: State, host: str) -> Mapping[str, str]:
    """Return for whom a host has them connected: the instance's UUID by the device's path."""
    return {
        volume.path: subject.id
        for subject, volumes in _connections(state.operations).items()
        if subject.host == host
        for volume in volumes.values()
    }


def leftovers(state: State) -> tuple[tuple[ObjectKey, ConnectedVolume], ...]:
    """Return what is connected for a disk that no longer is: its instance was seen without it.

    The path of such a device may be given to another volume: whoever has it would see that.
    """
    found = []
    for subject, volumes in _connections(state.operations).items():
        instance = state.instances.get(subject)
        if instance is None or not instance.described:
            continue  # it is not known, or gone with its host
        sources = {disk.source.path for disk in instance.disks if disk.source is not None}
        found += [(subject, one) for one in volumes.values() if one.path not in sources]
    return tuple(found)

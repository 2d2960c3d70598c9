"""Which volumes hosts have connected for whom, by what operations have brought. Pure.

An entry is what an attach, or a connection for a move, has brought, also where that did not
end well and left it connected; what let go of it takes it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec.structs import replace

from core.model import Disk, Instance, LinkStatus, ObjectKey, OperationRecord, State
from core.model.connected_volume import ConnectedVolume
from core.model.lists import listed
from core.state.memo import Memo
from core.state.usage import users_at

Connections = Mapping[str, ConnectedVolume]
"""By the target of the disk; of a host by the path of the device."""


def _index(operations: Mapping[str, OperationRecord]) -> Mapping[ObjectKey, Connections]:
    over = [one for one in operations.values() if one.status.final and one.result]
    found: dict[ObjectKey, dict[str, ConnectedVolume]] = {}
    for record in sorted(over, key=lambda one: one.ended or one.created):
        if "released" in record.result:
            for owner, slot, others in _released(record):
                _release(found, owner, slot, kept=others)
        elif "connected" in record.result:
            try:
                volume = msgspec.convert(record.result["connected"], ConnectedVolume)
            except msgspec.ValidationError:  # another version's
                continue
            _enter(found.setdefault(_owner(record, "connected_for"), {}), volume)
    return {subject: volumes for subject, volumes in found.items() if volumes}


def _enter(slots: dict[str, ConnectedVolume], volume: ConnectedVolume) -> None:
    """Enter what was connected; what its disk had before is connected still, for no disk."""
    old = slots.get(volume.slot)
    if old is not None and not _same(old, volume):
        slots[old.handle] = replace(old, target="")
    slots[volume.slot] = volume


def _same(one: ConnectedVolume, other: ConnectedVolume) -> bool:
    """Whether two entries of a host are of one volume."""
    if one.volume_id and other.volume_id:
        return one.volume_id == other.volume_id
    paths = {one.path, other.path} - {""}
    return one.data == other.data and len(paths) < 2


def _owner(record: OperationRecord, key: str) -> ObjectKey:
    """Return the instance that a result is of: its subject, where its host was not asked."""
    owner, subject = record.result.get(key), record.subject
    if isinstance(owner, str) and owner:
        return ObjectKey("instance", subject.host, owner)
    return subject


def _released(record: OperationRecord) -> Iterator[tuple[ObjectKey, str, bool]]:
    """Yield what was let go of: for whom it was, what it was, and whether others have it still."""
    released = record.result["released"]
    if isinstance(released, str):
        used = bool(record.result.get("used_by"))
        yield _owner(record, "released_of"), released, used
        return
    for one in released if isinstance(released, list | tuple) else ():
        owner = ObjectKey("instance", str(one.get("host")), str(one.get("instance")))
        yield owner, str(one.get("slot")), bool(one.get("used_by"))


def _release(
    found: dict[ObjectKey, dict[str, ConnectedVolume]], owner: ObjectKey, slot: str, *, kept: bool
) -> None:
    """Take out what a host let go of: of a device that is gone every entry of that host is over.

    Not that of another volume, which was at the same path before.
    """
    volume = found.get(owner, {}).pop(slot, None)
    if volume is None or not volume.path or kept:
        return
    for subject, volumes in found.items():
        if subject.host == owner.host:
            same = [slot for slot, one in volumes.items() if _one_device(one, volume)]
            for slot in same:
                del volumes[slot]


def _one_device(one: ConnectedVolume, gone: ConnectedVolume) -> bool:
    """Whether an entry is of a device that is gone."""
    known = bool(gone.identity) and one.identity == gone.identity
    return one.path == gone.path and (known or _same(one, gone))


_connections = Memo(_index)


def connections_of(state: State, subject: ObjectKey) -> Connections:
    """Return the volumes that are connected for the disks of an instance."""
    return _connections(state.operations).get(subject, {})


def every_connection(state: State) -> Mapping[ObjectKey, Connections]:
    """Return what hosts have connected, by the instance it is for at that host."""
    return _connections(state.operations)


def names_of_owners(state: State) -> Mapping[str, str]:
    """Return what the instances are called that hosts have connected volumes for, by their UUID."""
    known = {one.uuid: one.name for one in state.instances.values()}
    told = {one.subject.id: one.name for one in state.operations.values()}
    owners = {key.id for key in every_connection(state)}
    return {id_: known.get(id_) or told.get(id_) or id_ for id_ in owners}


def used_by(connections: Connections, instance: Instance | None) -> Connections:
    """Return those of an instance's volumes that are its disks now; all, where it was not read."""
    if instance is None or not instance.described:
        return connections
    paths = {one.path for disk in instance.disks for one in disk.layers}
    return {target: one for target, one in connections.items() if one.path in paths}


Standing = Literal["in use", "next start", "left over", "not known"]


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
    def whose(self) -> str:
        """The disk it was connected for; the instance, where that has no disk of it."""
        return f"{self.name}:{self.volume.target}".rstrip(":")

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells it from the others."""
        return self.subject.host, self.subject.id, self.volume.slot


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
    twin = moved_to(state, subject)
    known = instance or twin
    name = subject.id if known is None else known.name
    others = _users(state, subject.host, volume)
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
    if twin is not None and instance is None:
        gone = f"it is on {twin.host}"
    else:
        gone = "the instance is gone" if instance is None else "the instance has no such disk"
    why = f"{gone}, nobody else has it"
    if not volume.path:
        why = "its console or os-brick was lost while it was connected: it may be there or not"
    return LedgerEntry(subject, name, volume, "left over", why)


def _users(state: State, host: str, volume: ConnectedVolume) -> list[str]:
    """Return the disks that have a volume; one of which no device is known is told by its id."""
    if volume.path:
        found = users_at(state, host, (volume.path,))
        return [f"{one.name}:{disk.target}" for one, disk in found if one.host == host]
    having = disks_with(state, volume.volume_id)
    return [f"{one.name}:{disk.target}" for one, disk in having if one.host == host]


def disks_with(state: State, volume_id: str) -> Iterator[tuple[Instance, Disk]]:
    """Yield the disks with a volume of Cinder's, on any host: by their serial, or the ledger."""
    known: dict[tuple[str, str], set[str]] = {}
    for subject, volumes in _connections(state.operations).items():
        for volume in volumes.values():
            known.setdefault((subject.host, volume.path), set()).add(volume.volume_id)
    for instance in state.instances.values() if volume_id else ():
        for disk in instance.disks:
            there = [known.get((instance.host, layer.path), set()) for layer in disk.layers]
            # what was at its path before is another volume: the serial says which it is now
            at = any(volume_id in ids and disk.serial not in ids - {volume_id} for ids in there)
            if disk.serial == volume_id or at:
                yield instance, disk


def paths_of(
    ledger: Mapping[ObjectKey, Connections], host: str, volume: ConnectedVolume
) -> tuple[str, ...]:
    """Return where a host has a volume connected of which an entry knows no device."""
    if volume.path or not volume.volume_id:
        return ()
    found = {
        one.path
        for subject, volumes in ledger.items()
        for one in volumes.values()
        if subject.host == host and one.volume_id == volume.volume_id and one.path
    }
    return tuple(sorted(found))


def moved_to(state: State, subject: ObjectKey) -> Instance | None:
    """Return an instance where it is now, if its host was listed and has it no more; None: it is
    there, or nowhere."""
    host = state.hosts.get(subject.host)
    if subject in state.instances or host is None or "instances" not in host.listed:
        return None
    keys = (ObjectKey("instance", one, subject.id) for one in state.hosts)
    return next((state.instances[key] for key in keys if key in state.instances), None)


def share_used(
    ledger: Mapping[ObjectKey, Connections], host: str, volume: ConnectedVolume, of: str = ""
) -> bool:
    """Whether a host has connected another volume of a share than that of the instance `of`."""
    return any(
        _on_one_share(one, volume)
        for subject, volumes in ledger.items()
        for one in volumes.values()
        if subject.host == host and (subject.id, one.slot) != (of, volume.slot)
    )


def _on_one_share(one: ConnectedVolume, other: ConnectedVolume) -> bool:
    """Whether two volumes are in one folder; where that of one is not known, of one export."""
    folders = {each.path.rpartition("/")[0] for each in (one, other)}
    if "" not in folders:
        return len(folders) == 1
    export = one.data.get("export")
    return bool(export) and (one.protocol, export) == (other.protocol, other.data.get("export"))


def connected_on(state: State, host: str) -> Connections:
    """Return what a host has connected, by the path of its device, or the id of what has none."""
    return {handle: volume for handle, (_, volume) in _by_handle(state, host).items()}


def owners_on(state: State, host: str) -> Mapping[str, str]:
    """Return for whom a host has them connected: the instance's UUID by the same."""
    return {handle: subject.id for handle, (subject, _) in _by_handle(state, host).items()}


def _by_handle(state: State, host: str) -> Mapping[str, tuple[ObjectKey, ConnectedVolume]]:
    """Of several entries at one path the first: that which `ledger` has first is asked about."""
    index = _connections(state.operations)
    here = [(key, one) for key, each in index.items() if key.host == host for one in each.values()]
    here.sort(key=lambda pair: (pair[1].path, pair[0].id, pair[1].slot), reverse=True)
    return {one.handle: (key, one) for key, one in here}


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

"""Which volumes hosts have connected for whom, by what the operations in the journal have brought.

Pure. An entry is an attach that is done; a detach that let go takes it out.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from core.model import ObjectKey, OperationRecord, OperationStatus, State
from core.model.connected_volume import ConnectedVolume
from core.state.memo import Memo

Connections = Mapping[str, ConnectedVolume]
"""By the target of the disk."""


def _index(operations: Mapping[str, OperationRecord]) -> Mapping[ObjectKey, Connections]:
    done = [one for one in operations.values() if one.status is OperationStatus.DONE and one.result]
    found: dict[ObjectKey, dict[str, ConnectedVolume]] = {}
    for record in sorted(done, key=lambda one: one.ended or one.created):
        of_subject = found.setdefault(record.subject, {})
        if isinstance(target := record.result.get("released"), str):
            of_subject.pop(target, None)
        elif "connected" in record.result:
            try:
                volume = msgspec.convert(record.result["connected"], ConnectedVolume)
            except msgspec.ValidationError:  # another version's
                continue
            of_subject[volume.target] = volume
    return {subject: volumes for subject, volumes in found.items() if volumes}


_connections = Memo(_index)


def connections_of(state: State, subject: ObjectKey) -> Connections:
    """Return the volumes that are connected for the disks of an instance."""
    return _connections(state.operations).get(subject, {})


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

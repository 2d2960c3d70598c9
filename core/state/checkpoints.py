"""The checkpoints of the instances that somebody looked at. Pure.

libvirt has no event for one; they are read when somebody looks, and after what changed them.
"""

from __future__ import annotations

from core.model import ObjectKey, OperationStatus, State
from core.model.observation import CheckpointsRead
from core.state.tables import Tables

_MAKES = frozenset({"backup", "backup-pull", "checkpoint-create"})


def on_read(tables: Tables, read: CheckpointsRead) -> None:
    """Take over the checkpoints of an instance, unless a later reading is known."""
    key = ObjectKey("instance", read.host, read.uuid)
    if key not in tables.instances or read.at < tables.checkpoints_read.get(key, read.at):
        return
    tables.checkpoints_read[key] = read.at
    if tables.checkpoints.put(key, read.checkpoints):
        tables.mark(key)


def drop(tables: Tables, key: ObjectKey) -> None:
    """Forget the checkpoints of an instance."""
    if tables.checkpoints.drop(key):
        tables.mark(key)
    tables.checkpoints_read.pop(key, None)


def forget(tables: Tables, host: str) -> None:
    """Forget those of a host that is in reach again: what became of them meanwhile nobody told."""
    for key in [key for key in tables.checkpoints if key.host == host]:
        drop(tables, key)


def known_names(state: State, key: ObjectKey) -> tuple[str, ...]:
    """Return the names of the checkpoints of an instance as far as anything tells them.

    As they were read last, else those that operations of the journal have made by name.
    """
    if (read := state.checkpoints.get(key)) is not None:
        return tuple(one.name for one in read)
    names: dict[str, None] = {}
    mine = [one for one in state.operations.values() if one.subject == key]
    for record in sorted(mine, key=lambda one: one.id):
        name = record.options.get("name")
        if record.status is not OperationStatus.DONE or not isinstance(name, str):
            continue
        if record.verb in _MAKES and record.options.get("checkpoint", True):
            names[name] = None
        elif record.verb == "checkpoint-delete":
            names.pop(name, None)
    return tuple(names)

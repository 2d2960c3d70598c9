"""What every value of the model is made of."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """An immutable value: compared by content, safe to hand to any thread, written to tapes as is.

    Times are seconds since the epoch, sizes bytes, unless a field says otherwise. `None` means
    "not known", which is never shown as zero.
    """


class ObjectKey(NamedTuple):
    """The identity of an object across all hosts: the key of every table and mailbox.

    `kind` is one of host, instance, pool, volume, network, snapshot, migration, operation, secret,
    node-device; `id` is the UUID where libvirt gives one (instance, pool, network, secret),
    `POOL-UUID/NAME` for a volume, `INSTANCE-UUID/NAME` for a snapshot, the name for a host and a
    node device, its own id for an operation and a migration.
    """

    kind: str
    host: str
    id: str


def kebab(name: str) -> str:
    """Return a class name as tapes and journals write it: `PoolRead` is `pool-read`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()

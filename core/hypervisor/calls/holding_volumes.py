"""Who else connects a volume of a host, or is about to have it as a disk. Run on a lane thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import msgspec

from core.errors import DeadlineError, VirtdeckError
from core.hypervisor.connection.binding import Connection, libvirt
from core.volumes.brick.process import BrickProcess
from core.volumes.protocols import PROTOCOLS

HOLDING = 60.0
"""Seconds for the lock of a volume: longer than another is waited for on its host."""


class _Named(Protocol):
    """A call that connects a volume, or the entry of one that is connected."""

    @property
    def protocol(self) -> str: ...
    @property
    def data(self) -> dict[str, object]: ...
    @property
    def volume_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class VolumeKey:
    """What a volume is called in the locks of its host, and for whom it is connected."""

    lock: str
    """Of volumes that lie on one share, that of the share: it is mounted for all of them."""
    note: str
    """The UUID of the instance, and the volume."""

    @staticmethod
    def of(named: _Named, owner: str) -> VolumeKey:
        """Name a volume; what is withheld of its data is not part of the name."""
        family = PROTOCOLS.get(named.protocol)
        whole = named.volume_id.encode() or msgspec.json.encode(named.data, order="sorted")
        volume, place = _short(whole), _short(whole)
        if family is not None and family.mounts:
            place = _short(str(named.data.get("export", "")).encode())
        return VolumeKey(f"{named.protocol}-{place}", f"{owner}.{volume}")


@dataclass(frozen=True, slots=True)
class Others:
    """For whom else a volume was connected whose instances may not have it yet."""

    same: str = ""
    """The UUID of one that is to have this volume; empty: none is."""
    beside: bool = False
    """Another volume of the share is to be had."""


def _short(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


@contextmanager
def held_to_connect(brick: BrickProcess, key: VolumeKey) -> Iterator[Others]:
    """Be the only one who connects or disconnects it; others see for whom it is then."""
    told = brick.ask("hold", HOLDING, key=key.lock, forget=key.note, note=key.note).value
    try:
        yield _others(told, key)
    except DeadlineError:
        raise  # it may be connected: who has it disconnected takes the note away
    except VirtdeckError:
        with suppress(VirtdeckError):
            brick.ask("forget", HOLDING, whom=key.note)
        raise


def hold_to_disconnect(brick: BrickProcess, key: VolumeKey) -> Others:
    """Be the only one who connects or disconnects it until the process ends."""
    return _others(brick.ask("hold", HOLDING, key=key.lock, forget=key.note).value, key)


def _others(told: object, key: VolumeKey) -> Others:
    notes = [str(one).rpartition(".") for one in (told if isinstance(told, list) else ())]
    volume = key.note.rpartition(".")[2]
    same = next((owner for owner, _, what in notes if what == volume), "")
    return Others(same, any(what != volume for _, _, what in notes))


def name_of(conn: Connection, id_: str) -> str:
    """Return what an instance is called; its UUID, where it is not on the host yet."""
    with suppress(libvirt.libvirtError):
        return str(conn.lookupByUUIDString(id_).name())
    return id_

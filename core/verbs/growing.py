"""Disks that grow: what is asked for, the call, and what speaks against it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from core.model import Disk, Instance, ObjectKey, State, Volume
from core.model.sizes import size_words
from core.model.text import clean
from core.state.pool_cures import cure_of_place
from core.state.usage import volume_of
from core.verbs.call import Call
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_growing

MOST_BYTES = 1 << 51
"""What a qcow2 of clusters of 64 KiB holds, as libvirt makes them: its first table has 32 MiB
(QCOW_MAX_L1_SIZE), each entry of which stands for 512 MiB."""
_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

GROW = parameter(
    "Disks that grow, each as TARGET=SIZE: vda=20G. None ever shrinks.",
    pattern=r"[A-Za-z]+[0-9]*=[1-9][0-9]{0,6}[MGT]",
    shape="TARGET=SIZE with M, G or T, such as vda=20G",
    present="disk-sizes",
)


class GrowDiskCall(Call, frozen=True):
    """virStorageVolResize, or virDomainBlockResize of one that runs; never to less."""

    repeatable: ClassVar[bool] = True
    target: str
    path: str
    """As its definition names it: a path, or POOL/VOLUME."""
    capacity: int
    """Bytes."""
    live: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockresize`, `virsh vol-resize`."""
        if self.live:
            return ("blockresize", name, self.target, f"{self.capacity}B")
        if self.path.startswith("/"):
            return ("vol-resize", self.path, str(self.capacity))
        pool, _, volume = self.path.partition("/")
        return ("vol-resize", volume, str(self.capacity), "--pool", pool)


def growths(given: Sequence[str]) -> dict[str, int]:
    """Return the bytes that disks are to have, by target."""
    found = {}
    for one in given:
        target, _, amount = one.partition("=")
        if amount and amount[-1] in _UNITS and amount[:-1].isdigit():
            found[target] = int(amount[:-1]) * _UNITS[amount[-1]]
    return found


def against_growth(state: State, instance: Instance, given: Sequence[str]) -> Iterator[Refusal]:
    """Tell why disks cannot grow so far."""
    known = {disk.target: disk for disk in instance.disks}
    named = Counter(one.partition("=")[0] for one in given)
    for target in [one for one, times in named.items() if times > 1]:
        text = f"{target} is named {named[target]} times"
        yield Refusal(RefusalCode.PARAMETER, text, "give each disk once", "grow")
    for target, wanted in growths(given).items():
        if (disk := known.get(target)) is None:
            text = f"{clean(instance.name)} has no disk {target}"
            has = f"it has {', '.join(known)}" if known else "it has none"
            yield Refusal(RefusalCode.PARAMETER, text, has, "grow")
        elif (volume := volume_of_disk(state.volumes, instance, disk)) is None:
            text = f"{target} of {clean(instance.name)} is in no pool of {clean(instance.host)}"
            path = "" if disk.source is None else disk.source.path
            cure = cure_of_place(state.pools, instance.host, path)
            yield Refusal(RefusalCode.PARAMETER, f"{text} as read", cure, "grow")
        elif disk.device != "disk" or disk.read_only:
            text = f"{target} of {clean(instance.name)} is no disk that it writes to"
            yield Refusal(RefusalCode.PARAMETER, text, "leave it out", "grow")
        elif volume.capacity is not None and wanted < volume.capacity:
            has = size_words(volume.capacity)
            text = f"{target} has {has}, and never shrinks to {size_words(wanted)}"
            yield Refusal(RefusalCode.PARAMETER, text, "give more, or leave it out", "grow")
        elif wanted > MOST_BYTES:
            text = f"{size_words(wanted)} are more than QEMU's images hold"
            cure = f"give {size_words(MOST_BYTES)} at most"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "grow")
        else:
            yield from against_growing(state, volume, wanted, "grow")


def volume_of_disk(
    volumes: Mapping[ObjectKey, Volume], instance: Instance, disk: Disk
) -> Volume | None:
    """Return the volume that is the image of a disk; None: it is in no pool as read."""
    if disk.source is None:
        return None
    return volume_of(volumes.values(), instance.host, disk.source.path)

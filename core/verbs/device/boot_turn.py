"""The turn of a device that is attached as its instance boots: what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.model import Instance
from core.model.device_word import word_of_device
from core.model.lists import listed
from core.model.text import clean
from core.verbs.refusal import Refusal, RefusalCode

_CLASSES = frozenset({"hd", "cdrom", "network", "fd"})


def against_turn(instance: Instance, order: int) -> Iterator[Refusal]:
    """Tell who has that number already, and that no device has one where classes are booted."""
    if not order or not instance.described:
        return
    users = {one.boot_order: one.target for one in instance.disks if one.boot_order}
    users |= {one.boot_order: one.mac for one in instance.interfaces if one.boot_order}
    users |= {
        one.boot_order: word_of_device(one) or one.alias or one.kind
        for one in instance.devices
        if one.boot_order
    }
    if order in users:
        text = f"{clean(users[order])} is number {order} already"
        yield _no(text, f"take {_free(users)}, or leave it out")
    elif not users and _CLASSES.issuperset(instance.boot) and instance.boot:
        text = f"{instance.name} boots by classes of devices ({listed(instance.boot)})"
        yield _no(text, "number its devices first: `virtdeck set-boot-order`")


def _free(users: Iterable[int | None]) -> int:
    used = set(users)
    return next(number for number in range(1, 1000) if number not in used)


def _no(text: str, cure: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, "boot_order")

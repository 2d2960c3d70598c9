"""Which disk an instance has its system on: it is taken away only once its name was typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.model import Disk, Instance, Request, State
from core.verbs.caution import Caution
from core.verbs.device.devices import word_of

_PARTITION = re.compile(r"/dev/([a-z]+)[0-9]*")
"""A disk as Linux names it, or a part of it: by its letters, as libvirt numbers targets."""


def caution_of_detaching(state: State, request: Request) -> Caution:
    """Return what the detach of a disk needs."""
    return Caution.TYPE if _what(state, request) else Caution.CONFIRM


def system_disk(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of each disk that holds the system how that is known."""
    return [
        f"{word_of('disk', getattr(one, 'disk', ''))} {what}."
        for one in requests
        if (what := _what(state, one))
    ]


def _what(state: State, request: Request) -> str:
    """Return what a disk is to its instance; empty: no more than others."""
    instance, target = state.instances.get(request.subject), getattr(request, "disk", "")
    if instance is None:
        return ""
    disks = _plain_disks(instance)
    if has_kernel(instance):
        root = root_target(instance.kernel_root)
        if root == target and any(one.target == target for one in disks):
            return f"is the disk its kernel is told to have as root ({instance.kernel_root})"
    elif _boots_from(disks, target):
        return "is the disk it boots from"
    # with a kernel given to it, its system may be there
    return "is its only disk" if [one.target for one in disks] == [target] else ""


def root_target(device: str) -> str:
    """Return the target of the disk that `/dev/vda` or `/dev/vda1` is; empty: it names none.

    A UUID or a label of a file system only the guest knows.
    """
    found = _PARTITION.fullmatch(device)
    return "" if found is None else found[1]


def has_kernel(instance: Instance) -> bool:
    """Whether a kernel, or a program of a container, was given to it: by a path of the host."""
    # Xen's boot loader is a path as well, and reads the first disk
    return instance.type != "xen" and any(one.startswith("/") for one in instance.boot)


def _boots_from(disks: Sequence[Disk], target: str) -> bool:
    """Whether the firmware boots from a disk: without an order it is the first."""
    orders = [one.boot_order for one in disks if one.boot_order is not None]
    first = min(orders) if orders else None
    return any(
        one.target == target and (one.boot_order == first if orders else one is disks[0])
        for one in disks
    )


def _plain_disks(instance: Instance) -> list[Disk]:
    return [one for one in instance.disks if one.device == "disk"]

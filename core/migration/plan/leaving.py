"""What holds a guest to its host and leaves it before it moves. Pure.

nova-map 2.4: Nova's driver has SR-IOV interfaces leave, and refuses all other PCI devices.
"""

from __future__ import annotations

from core.model.detached_device import DetachedDevice
from core.model.rewrites import Rewrites
from core.model.text import clean
from core.state.held_devices import HeldDevice, bound_devices
from core.verbs.device.devices import word_of
from core.verbs.migration.requests import Migrate
from core.xml.host_devices import node_name
from core.xml.leaving import parted, without_bound
from core.xml.needs import Needs, read_needs
from core.xml.rewrite import rewrite
from core.xml.rewrite.host_devices import moved_word


def leaving(request: Migrate, needs: Needs) -> list[HeldDevice]:
    """Return what its guest is to let go of before it moves; empty: nothing is in the way.

    Where QEMU itself unplugs all of it (failover), that is left to QEMU.
    """
    if request.host_devices != "detach" or request.offline:
        return []
    by_itself = {one.device for one in needs.host_devices if one.failover}
    held = bound_devices(needs.instance)
    return held if any(node_name(one.word) not in by_itself for one in held) else []


def detached(request: Migrate, needs: Needs) -> tuple[DetachedDevice, ...]:
    """Return the same for the record: by what it is called, here and at the destination."""
    return tuple(
        DetachedDevice(
            clean(word_of(one.kind, one.name)), one.name, moved_word(one.name, request.rewrites)
        )
        for one in leaving(request, needs)
    )


def words_of(held: list[HeldDevice]) -> tuple[str, ...]:
    """Return what leaves, as sentences have it."""
    return tuple(clean(word_of(one.kind, one.name)) for one in held)


def rewritten(request: Migrate, xml: str, inactive_xml: str) -> str:
    """Return the XML of what runs as it moves, without what leaves it.

    What the rewrites say of that is for the definition, which must have it. Raises RefusedError,
    UsageError and XmlError as `rewrite` does.
    """
    moves = without_bound(xml) if leaving(request, read_needs(xml)) else xml
    if request.host_devices != "detach" or request.offline:
        return rewrite(moves, request.rewrites)
    of_it, of_what_left = parted(moves, request.rewrites)
    _, nowhere = parted(inactive_xml or xml, of_what_left)
    if nowhere != Rewrites():
        rewrite(moves, nowhere)  # which says so
    return rewrite(moves, of_it)

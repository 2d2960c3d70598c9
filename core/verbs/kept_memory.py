"""With what a guest's memory is neither saved nor moved: one rule for all that do either. Pure.

QEMU writes a guest's memory to a file as it sends it to another host. A device of the host that
`core.verbs.letting_go` can detach before, it detaches before a save.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from core.model import Instance, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.refusal import Refusal, RefusalCode

_VIRTIOFS = 10_006_000
"""libvirt from which on virtiofs is no hindrance; whether virtiofsd can do it, it asks that."""


def stays(bus: str, libvirt: int) -> bool:
    """Whether what is shared by a bus keeps the memory of its guest where it is; 0: not known."""
    return bus == "virtiofs" and 0 < libvirt < _VIRTIOFS


def against_shares(state: State, instance: Instance) -> Iterator[Refusal]:
    """Tell of shared directories with which its libvirt saves no memory."""
    host = state.hosts.get(instance.host)
    facts = None if host is None else host.facts
    if facts is None or not instance.state.active:
        return
    tags = [
        one.target
        for one in instance.devices
        if one.kind == "filesystem" and stays(one.bus, facts.libvirt_number)
    ]
    if not tags:
        return
    name = clean(instance.name)
    detach = f"`virtdeck device detach {quote(name)} --device {quote(f'share:{clean(tags[0])}')}`"
    text = (
        f"{name} has {listed(tags)} by virtiofs, with which libvirt {facts.libvirt_version} of "
        f"{clean(instance.host)} saves no memory (10.6 is the first that does)"
    )
    cure = f"unmount it in its guest and detach it ({detach}), or shut its guest down instead"
    yield Refusal(RefusalCode.STATE, text, cure)

"""Why a guest's memory is not written: what libvirt and QEMU say of it, told with the cure.

To QEMU it is a migration, and so its words and libvirt's are about that. On a lane.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import HypervisorError
from core.hypervisor.connection.binding import libvirt
from core.model.text import clean

_OTHERWISE = "or shut its guest down instead (of a snapshot: keep its disks alone)"
_DETACH = f"Detach it first, {_OTHERWISE}."

_Told = Callable[[re.Match[str]], tuple[str, str]]
_SENTENCES: tuple[tuple[str, _Told], ...] = (
    (
        r"Migration is disabled when VirtFS export path '(?P<path>.*)' is mounted in the guest "
        r"using mount_tag '(?P<tag>.*)'",
        lambda found: (
            f"Its guest has the share {clean(found['tag'])} mounted (by 9p), with which QEMU "
            "writes no memory.",
            f"Unmount it in the guest, {_OTHERWISE}.",
        ),
    ),
    (
        r"cannot migrate domain: .*vhost-user-fs|migration with virtiofs",
        lambda _: (
            "It has a virtiofs share, with which the QEMU and virtiofsd of its host write no "
            "memory.",
            f"Unmount it in its guest and detach it (`virtdeck device detach`), {_OTHERWISE}.",
        ),
    ),
    (
        r"cannot migrate a domain with <(?P<what>hostdev|interface)[^>]*type='(?P<type>[\w-]+)'",
        lambda found: (
            f"It has a device of its host ({found['what']}, {found['type']}), with which libvirt "
            "writes no memory.",
            _DETACH,
        ),
    ),
    (
        r"cannot migrate domain: .*(?P<what>VFIO)",
        lambda _: ("It has a device of its host, whose state VFIO cannot write.", _DETACH),
    ),
    (
        r"cannot migrate domain: .*invtsc|domain has 'invtsc'",
        lambda _: (
            "Its CPU has invtsc, with which QEMU writes no memory.",
            f"Drop that feature, or give its TSC a frequency (`virtdeck edit`), {_OTHERWISE}.",
        ),
    ),
    (
        r"cannot migrate domain: (?P<why>[^\n]+)",
        lambda found: (
            f"QEMU cannot write its memory: {clean(found['why']).rstrip('.')}.",
            f"Take away what is in the way, {_OTHERWISE}.",
        ),
    ),
)


def why_not_written(message: str) -> tuple[str, str] | None:
    """Return the sentence and the cure for libvirt's words; None: they are about something else."""
    for pattern, sentence in _SENTENCES:
        if (found := re.search(pattern, message)) is not None:
            return sentence(found)
    return None


@contextmanager
def memory_told() -> Iterator[None]:
    """Raise a HypervisorError where libvirt says why memory is not written."""
    try:
        yield
    except libvirt.libvirtError as error:
        told = why_not_written(error.get_error_message() or "")
        if told is None:
            raise
        raise HypervisorError(*told) from error

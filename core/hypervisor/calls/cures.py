"""What libvirt refuses, told with the cure that fits its words. On a lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.errors import HypervisorError
from core.hypervisor.connection.binding import libvirt


@contextmanager
def told_with(cures: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Raise a HypervisorError with the cure of the first words that libvirt's error has.

    `cures`: what libvirt says, and what helps. An error that fits none of them is left as it is.
    """
    try:
        yield
    except libvirt.libvirtError as error:
        message = error.get_error_message() or ""
        cure = next((cure for said, cure in cures if said in message), "")
        if not cure:
            raise
        raise HypervisorError(f"{message.splitlines()[0].rstrip('.')}.", cure) from error

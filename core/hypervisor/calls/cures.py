"""What libvirt refuses, told with the cure that fits its words. On a lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from core.errors import HypervisorError
from core.hypervisor.connection.binding import libvirt
from core.xml.definition.faults import located

NO_LIMITS = (
    ("Child process (tc ", "The kernel of the host lacks what libvirt limits by (sch_htb, sch_sfq, "
     "sch_ingress, cls_fw, cls_u32, act_police): load that, or leave the limits out."),
)  # fmt: skip
"""Of bandwidth: libvirt has tc set it."""


def _first_line(message: str) -> str:
    return message.splitlines()[0]


@contextmanager
def told_with(
    cures: Sequence[tuple[str, str]], told: Callable[[str], str] = _first_line
) -> Iterator[None]:
    """Raise a HypervisorError with the cure of the first words that libvirt's error has.

    `cures`: what libvirt says, and what helps. An error that fits none of them is left as it is.
    `told` returns what is told of libvirt's words.
    """
    try:
        yield
    except libvirt.libvirtError as error:
        message = error.get_error_message() or ""
        cure = next((cure for said, cure in cures if said in message), "")
        if not cure:
            raise
        raise HypervisorError(f"{told(message).rstrip('.')}.", cure) from error


@contextmanager
def told_where(cures: Sequence[tuple[str, str]], xml: str, base: str, root: str) -> Iterator[None]:
    """Do the same of a definition that was edited, with the line that libvirt complains of.

    `base` is what it was made from; empty: nothing tells where.
    """
    with told_with(cures, lambda message: str(located(xml, message, base, root))):
        yield

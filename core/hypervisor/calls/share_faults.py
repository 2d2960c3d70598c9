"""What goes wrong in libvirt itself where a directory is shared with a guest. On a lane."""

from __future__ import annotations

from typing import Any

from core.errors import HypervisorError
from core.hypervisor.connection.binding import Connection, dotted, libvirt
from core.model.text import clean
from core.xml.new_share import shares_memory

_MENDED = 10_002_000


def crash_of_share(conn: Connection, domain: Any) -> HypervisorError | None:
    """Return why libvirt would crash of a share that is plugged in; None: it would not.

    It puts virtiofsd into the guest's control group and does not look whether there is one:
    virtiofsd runs then, its guest has no share, and the daemon is gone.
    """
    number = conn.getLibVersion()
    if number >= _MENDED or _is_grouped(conn, domain):
        return None
    text = (
        f"libvirt {dotted(number)} runs {clean(domain.name())} in no control group, and crashes "
        "before 10.2 as it plugs a share into such a guest: nothing was attached."
    )
    return HypervisorError(text, "Share it from the next start on: --when next-start.")


def _is_grouped(conn: Connection, domain: Any) -> bool:
    for read in (domain.schedulerType, lambda: domain.memoryParameters(0),
                 lambda: domain.blkioParameters(0)):  # fmt: skip
        try:
            read()
        except libvirt.libvirtError:
            if not conn.isAlive():
                raise
        else:
            return True
    return False


def forgotten_memory(domain: Any, message: str) -> HypervisorError | None:
    """Return what is wrong where libvirt misses shared memory that its guest has; None: it has not.

    libvirt 9.0 looks for it in what it knows of the machine type, and a daemon that finds a guest
    running as it starts does not read that again.
    """
    if "requires shared memory" not in message or not domain.isActive():
        return None
    if not all(map(shares_memory, (domain.XMLDesc(0), _defined(domain)))):
        return None
    name = clean(domain.name())
    text = f"libvirt forgot that {name} shares its memory as its daemon was started anew."
    return HypervisorError(text, f"Share it while {name} is off, or stop and start it first.")


def _defined(domain: Any) -> str:
    return str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))

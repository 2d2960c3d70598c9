"""Servers of network images that never answer, seen before QEMU waits for them. On a lane.

QEMU opens an image of the network in its main loop, and libvirt gives it no deadline: while a
server says nothing the guest stands still, and nothing of it is answered. So the host of the
instance looks first, by a small program: here where it is this machine, else over ssh. Where that
cannot run nothing is known, and QEMU is asked as it is.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from core.errors import HypervisorError, UnsupportedError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.here import is_ours
from core.model.lists import listed
from core.volumes.brick.place import BrickHost, brick_host
from core.volumes.look import first_words
from core.xml.image_servers import ImageServer, image_servers

ANSWERS = 8.0
"""Seconds that a server has for its first word: what is well has it in a few milliseconds."""
LOOKING = 25.0
"""Seconds for all of it: ssh comes first, and a name may have to be found."""
_CALLED = {
    "iscsi": "The iSCSI portal",
    "nbd": "The NBD server",
    "rbd": "The monitor of Ceph",
    "nfs": "The NFS server",
    "ssh": "The SSH server",
    "http": "The web server",
    "https": "The web server",
}


_WORDS = {
    first_words.SILENT: (
        "takes the connection and says nothing for {seconds:.0f} s",
        "See whether what listens there is that, and is well.",
    ),
    first_words.LOST: (
        "does not answer for {seconds:.0f} s",
        "See whether the address is right, and that no firewall is between it and the host.",
    ),
    first_words.GONE: (
        "is not there, or hangs up",
        "See whether it runs, and whether its host reaches it.",
    ),
}


def refuse_silent(conn: Connection, xml: str, so: str) -> None:
    """Raise HypervisorError where an image of a disk or an instance has a server that is silent.

    `so` says what was not done of that.
    """
    images = image_servers(xml)
    place = _place_of(conn) if images else None
    if place is None:
        return
    told = iter(looked(place, [one for servers in images for one in servers]))
    for servers in images:
        found = list(islice(told, len(servers)))
        # the library of Ceph goes on asking where nobody listens, and QEMU waits for that too
        fine = {first_words.ANSWERS, first_words.GONE} - (
            {first_words.GONE} if servers[0].protocol == "rbd" else set()
        )
        if found and not fine.intersection(found):
            raise _error(servers, found, so)


def _error(servers: Sequence[ImageServer], found: Sequence[str], so: str) -> HypervisorError:
    called, where = _CALLED[servers[0].protocol], listed(one.place for one in servers)
    how, cure = _WORDS[found[0]]
    what = (
        f"{called} {where} {how.format(seconds=ANSWERS)}"
        if len(servers) == 1
        else f"None of the monitors of Ceph answers: {where}"
    )
    return HypervisorError(f"{what}. QEMU would wait for it, {so}.", cure)


def _place_of(conn: Connection) -> BrickHost | None:
    """Return where QEMU runs; None: nothing can be started there, or where it is is not known."""
    try:
        place = brick_host(conn.getURI())
    except UnsupportedError:
        return None
    if not place.ssh and not is_ours(conn.getHostname() or ""):
        return None  # its socket leads elsewhere: through a tunnel, or into a network of its own
    return replace(place, root=False)


def looked(place: BrickHost, servers: Sequence[ImageServer]) -> list[str]:
    """Return what each server does; empty: that cannot be seen."""
    program = Path(first_words.__file__).read_text()
    program = program.replace('__name__ == "__main__"', "True")
    asked = json.dumps({"servers": [asdict(one) for one in servers], "seconds": ANSWERS})
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            place.command(len(program)), input=f"{program}{asked}\n", capture_output=True,
            text=True, timeout=LOOKING, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout.splitlines()[-1]) if done.stdout else []
        if isinstance(found, list) and len(found) == len(servers):
            return [str(one) for one in found]
    return []

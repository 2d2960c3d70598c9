"""What ssh makes of an address: its own configuration, asked of it (`ssh -G`).

ssh connects nowhere for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from core.hypervisor.connection.uri import HostAddress

_LOOK_SECONDS = 5.0


class Way(NamedTuple):
    """What ssh is asked to connect to."""

    program: str
    user: str
    host: str
    port: int | None


def way_to(address: HostAddress) -> Way:
    """Return what libvirt has ssh connect to for a host. Pure."""
    return Way(program_of(address), address.user, address.hostname, address.port)


def program_of(address: HostAddress) -> str:
    """Return the program that libvirt runs to connect, where it runs one. Pure."""
    return dict(parse_qsl(urlsplit(address.uri).query)).get("command", "ssh")


async def ssh_settings(way: Way, configuration: Path | None = None) -> dict[str, str]:
    """Return what ssh's configuration says of an address; empty if it does not say.

    `configuration`: a file that is read instead of the user's and the system's.
    """
    instead = [] if configuration is None else ["-F", str(configuration)]
    port = [] if way.port is None else ["-p", str(way.port)]
    user = ["-l", way.user] if way.user else []
    try:
        process = await asyncio.create_subprocess_exec(
            *(way.program, "-G", *instead, *port, *user, "--", way.host),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return {}
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _LOOK_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return {}
    lines = (line.partition(" ") for line in out.decode(errors="replace").splitlines())
    return {name: value for name, _, value in lines}

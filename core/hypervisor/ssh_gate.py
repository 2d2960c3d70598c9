"""Opening connections through ssh, a few at a time where they go through one sshd.

sshd drops connections that have not logged in yet, at random from the eleventh on (sshd_config,
MaxStartups 10:30:100). Hosts behind one jump host share its sshd, and a host has several
connections of its own. So what goes the same way waits for its turn before it opens; nobody's
deadline runs meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from core.hypervisor.uri import HostAddress

AT_ONCE = 6
"""Connections that may be logging in at one sshd: others may be using it, too."""
_LOOK_SECONDS = 5.0


class SshGate:
    """Whose turn it is, for the hosts of one fleet. All methods on the core's loop."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        settings_of: Callable[[HostAddress], Awaitable[dict[str, str]]] | None = None,
    ) -> None:
        """`settings_of` asks ssh what it makes of an address."""
        self._at_once = at_once
        self._settings_of = settings_of or ssh_settings
        self._ways: dict[tuple[str, str, int | None], asyncio.Future[str]] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def turn(self, address: HostAddress) -> AsyncIterator[None]:
        """Wait until a connection to this address may be opened, and hold its place meanwhile."""
        first = await self._first_of(address)
        async with self._turns.setdefault(first, asyncio.Semaphore(self._at_once)):
            yield

    async def _first_of(self, address: HostAddress) -> str:
        """The sshd that a connection logs in at first; ssh is asked once for each address."""
        key = (address.user, address.hostname, address.port)
        if key not in self._ways:
            self._ways[key] = asyncio.ensure_future(self._ask(address))
        return await asyncio.shield(self._ways[key])

    async def _ask(self, address: HostAddress) -> str:
        return first_sshd(address, await self._settings_of(address))


def first_sshd(address: HostAddress, settings: dict[str, str]) -> str:
    """Return `HOST:PORT` of the first jump host, else of the host itself. Pure.

    `settings` are ssh's for this address; where there are none, the address has to do.
    """
    jumps = settings.get("proxyjump", "none")
    if jumps != "none":
        first = jumps.split(",")[0].removeprefix("ssh://").rpartition("@")[2]
        return first if ":" in first else f"{first}:22"
    host = settings.get("hostname", address.hostname)
    return f"{host}:{settings.get('port', address.port or 22)}"


async def ssh_settings(address: HostAddress) -> dict[str, str]:
    """Return what ssh's configuration says of an address (`ssh -G`); empty if it does not say.

    It connects nowhere.
    """
    program = parse_qs(urlsplit(address.uri).query).get("command", ["ssh"])[0]
    port = [] if address.port is None else ["-p", str(address.port)]
    user = ["-l", address.user] if address.user else []
    try:
        process = await asyncio.create_subprocess_exec(
            *(program, "-G", *port, *user, "--", address.hostname),
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

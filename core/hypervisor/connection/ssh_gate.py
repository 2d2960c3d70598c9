"""Opening connections through ssh, a few at a time where they go through one sshd.

sshd drops connections that have not logged in yet, at random from the eleventh on (sshd_config,
MaxStartups 10:30:100). Hosts behind one jump host share its sshd, and a host has several
connections of its own. So what goes the same way waits for its turn before it opens; nobody's
deadline runs meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from core.hypervisor.connection.ssh_config import Way, ssh_settings, way_to
from core.hypervisor.connection.uri import HostAddress

AT_ONCE = 6
"""Connections that may be logging in at one sshd: others may be using it, too."""
LOGIN_SECONDS = 2.0
"""How long a place is held at the most: who goes on waiting then has logged in at the jump host,
and waits for a host behind it that does not answer. Nobody else has to."""
_HOPS = 8
_JUMP = re.compile(
    r"(ssh://)?((?P<user>[^@]*)@)?(\[(?P<six>[^\]]*)\]|(?P<host>[^:]*))(:(?P<port>\d+))?/?"
)

Release = Callable[[], None]
"""Gives a place back; a second call does nothing."""


class SshGate:
    """Whose turn it is, for the hosts of one fleet. All methods on the core's loop."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        settings_of: Callable[[Way], Awaitable[dict[str, str]]] | None = None,
    ) -> None:
        """`settings_of` asks ssh what it makes of an address."""
        self._at_once = at_once
        self._settings_of = settings_of or ssh_settings
        self._firsts: dict[Way, asyncio.Future[str]] = {}
        self._places: dict[str, asyncio.Semaphore] = {}

    async def turn(
        self, address: HostAddress, waits: Callable[[str], None] = lambda _: None
    ) -> Release:
        """Wait until a connection to this address may be opened; the place is to be given back.

        Where there is no place yet, `waits` is told in words what is waited for, then "".
        """
        first = await self._first_of(address)
        places = self._places.setdefault(first, asyncio.Semaphore(self._at_once))
        if places.locked():
            waits(f"its turn to log in at {first}, where {self._at_once} do at a time")
        try:
            await places.acquire()
        finally:
            waits("")
        return _once(places.release, LOGIN_SECONDS)

    async def _first_of(self, address: HostAddress) -> str:
        """The sshd that a connection logs in at first; ssh is asked once for each address.

        libssh and libssh2 connect themselves: no jump host, whatever ssh's configuration says.
        """
        if address.transport != "ssh":
            return f"{address.hostname}:{address.port or 22}"
        way = way_to(address)
        if way not in self._firsts:
            self._firsts[way] = asyncio.ensure_future(self._ask(way))
        return await asyncio.shield(self._firsts[way])

    async def _ask(self, way: Way) -> str:
        for _ in range(_HOPS):
            settings = await self._settings_of(way)
            jump = first_jump(way, settings)
            if jump is None:
                break
            way = jump
        return f"{settings.get('hostname', way.host)}:{settings.get('port', way.port or 22)}"


def first_jump(way: Way, settings: dict[str, str]) -> Way | None:
    """Return the first jump host that ssh's settings name, None where it connects itself. Pure."""
    jumps = settings.get("proxyjump", "none")
    match = None if jumps == "none" else _JUMP.fullmatch(jumps.split(",")[0])
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    return Way(way.program, match["user"] or "", match["six"] or match["host"] or "", port)


def _once(release: Release, seconds: float) -> Release:
    """Return what calls `release` at the first call, or by itself after so many seconds."""
    timer: asyncio.TimerHandle | None = None

    def give_back() -> None:
        nonlocal timer
        if timer is not None:
            timer.cancel()
            timer = None
            release()

    timer = asyncio.get_running_loop().call_later(seconds, give_back)
    return give_back

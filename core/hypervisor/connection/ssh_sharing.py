"""One ssh connection for all connections to a host: ssh's own connection sharing (ControlMaster).

A connection of libvirt's starts an ssh of its own, which would log in anew each time. So libvirt is
given a program that starts ssh as the master of a socket, or as a session of the master that is
there (ssh_config, ControlPath). A master that is full (sshd's MaxSessions, 10) refuses the session,
and ssh connects by itself.

Who configured ssh decides: where ControlPath or ControlMaster say anything of a host, be it "no",
ssh is started as ever.

A master that lost its network would hold up every further opening. So after a link was lost it gets
no more sessions, and the next attempt logs in anew. A call that must not wait (abort) has no
connection of its own beside it: one that stands idle to the same host is lost with the same
network, what others receive does not hold up what it sends, and to log in when it is needed takes
longer than a session.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from core import directories
from core.hypervisor.connection.ssh_config import Way, ssh_settings, way_to
from core.hypervisor.connection.uri import HostAddress

PERSIST_SECONDS = 30
"""How long a master without sessions stays: between two attempts at a link, and after a console
that was killed."""
_ALIVE_SECONDS, _ALIVE_COUNT = 15, 4
"""When a master whose network is gone ends, unless ssh is configured for that; links know before
(LinkOptions.keepalive_interval)."""
_LEFT_OPEN = Path(__file__).with_name("ssh_left_open.conf")
_LEFT_OPEN_PATH = "/virtdeck-left-open"
_LONGEST = 107 - len(".0123456789abcdef")
"""Bytes of a socket's path (sockaddr_un) without what ssh appends while it makes it."""
_PLAIN = re.compile(r"/[A-Za-z0-9/._+,=-]+")
"""A path that means the same to the shell and to ssh, which expands % and $."""
_RETIRE_SECONDS = 0.25
_HELLO = struct.pack(">III", 8, 1, 4)
_STOP = struct.pack(">III", 8, 0x10000009, 0)
"""`ssh -O stop` in OpenSSH's words (PROTOCOL.mux: version 4, MUX_C_STOP_LISTENING): a process for
each of a hundred hosts would keep the console from leaving."""

Release = Callable[[], None]


class SshSharing:
    """The master of the connections to one host. On the core's loop, unless said otherwise."""

    def __init__(
        self,
        address: HostAddress,
        *,
        wanted: bool = True,
        settings_of: Callable[[Way, Path], Awaitable[Mapping[str, str]]] = ssh_settings,
    ) -> None:
        """`settings_of` asks ssh what it makes of an address with a file for its configuration."""
        self.possible = wanted and can_share(address)
        """Whether connections may be shared, unless ssh is configured otherwise."""
        self._address = address
        self._settings_of = settings_of
        self._options: Sequence[str] | None = None
        """What ssh is started with; None: it was not asked yet, empty: as ever."""
        self._program: Path | None = None
        self._behind = False
        """Whether ssh reaches the host by another program or host."""
        self._login = asyncio.Lock()

    @property
    def uri(self) -> str:
        """What libvirt is given. Any thread."""
        program = self._program
        if program is None:
            return self._address.uri
        return f"{self._address.uri}&command={quote(str(program))}"

    @property
    def standing(self) -> bool:
        """Whether there is a master: who opens a connection now need not log in. Any thread."""
        return self._program is not None and socket_of(self._program).exists()

    @property
    def mute(self) -> bool:
        """Whether an opening that failed just now did not say why. Any thread.

        What connects for a master to be (ProxyJump, ProxyCommand) has its words thrown away.
        """
        return self._program is not None and self._behind and not self.standing

    async def turn(self) -> Release:
        """Wait while another connection of this host logs in: two at once would be two masters.

        What it returns is called when the connection is open, or will not be.
        """
        if not self.possible:
            return _nothing
        await self._login.acquire()
        try:
            if not self.standing:
                await self._prepare()
        except BaseException:
            self._login.release()
            raise
        if self._program is None or self.standing:
            self._login.release()
            return _nothing
        return self._login.release

    async def retire(self) -> None:
        """Have the master take no more sessions: it leaves with its last, and the next one logs in.

        A quarter of a second at most; a master that does not answer in time is left to itself.
        """
        if self._program is None:
            return
        path = socket_of(self._program)
        with suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(_RETIRE_SECONDS):
                await _ask_to_stop(path)
        with suppress(OSError):
            path.unlink()  # of a master that was killed, or hangs

    async def _prepare(self) -> None:
        if self._options is None:
            settings = await self._settings_of(way_to(self._address), _LEFT_OPEN)
            self._options = options_for(settings)
            self._behind = is_behind(settings)
        directory = directories.runtime() / "ssh"
        self._program = place_program(directory, self._address.uri, self._options)


def can_share(address: HostAddress) -> bool:
    """Whether libvirt runs ssh for a host, and no program that its URI names. Pure."""
    names = (name.lower() for name, _ in parse_qsl(urlsplit(address.uri).query, True))
    return address.transport == "ssh" and "command" not in names


def options_for(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that have ssh share, but for the socket; none where it may not. Pure.

    `settings` are what ssh says with ssh_left_open.conf, empty where it said nothing.
    """
    if settings.get("controlpath") != _LEFT_OPEN_PATH:
        return ()
    if settings.get("controlmaster") not in ("true", "yes", "auto"):
        return ()
    alive = (f"ServerAliveInterval={_ALIVE_SECONDS}", f"ServerAliveCountMax={_ALIVE_COUNT}")
    configured = settings.get("serveraliveinterval", "0") != "0"
    return (
        *("ControlMaster=auto", f"ControlPersist={PERSIST_SECONDS}"),
        *(() if configured else alive),
    )


def is_behind(settings: Mapping[str, str]) -> bool:
    """Whether ssh reaches the host by another program or host. Pure."""
    return any(settings.get(name, "none") != "none" for name in ("proxyjump", "proxycommand"))


def socket_of(program: Path) -> Path:
    """Return the socket of the master that this process has by a program."""
    return program.with_name(f"{program.name}-{os.getpid()}")


def place_program(directory: Path, uri: str, options: Sequence[str]) -> Path | None:
    """Return the program that starts ssh with these options; None where it cannot be, or no use.

    It is written once for a URI, and all processes use it: each has a socket of its own. Where
    somebody else could change it, it is not used.
    """
    from hashlib import sha256  # loads OpenSSL, which most commands never need

    path = directory / sha256("\0".join((uri, *options)).encode()).hexdigest()[:12]
    fits = len(os.fsencode(socket_of(path))) <= _LONGEST and _PLAIN.fullmatch(str(path))
    if not options or not fits:
        return None
    try:
        for each in (directory.parent, directory):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(directory):
            return None
        if not os.access(path, os.X_OK):
            _write_program(path, options)
        return path if os.access(path, os.X_OK) else None  # no: such as of a noexec mount
    except OSError:
        return None


def _write_program(path: Path, options: Sequence[str]) -> None:
    """Write it under another name first: another process may be about to run it."""
    given = " ".join(f"-o {option}" for option in options)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(
        "#!/bin/sh\n# libvirt starts this for virtdeck, instead of ssh.\n"
        f'exec ssh {given} -o "ControlPath={path}-$PPID" "$@"\n'
    )
    new.chmod(0o700)
    new.replace(path)


def _is_ours(directory: Path) -> bool:
    """Whether nobody but this user and root can change what lies there.

    What sshd demands of an authorized_keys: a directory that others may write to is as good as its
    owner's program, run by us.
    """
    path = directory.resolve()
    for each in (path, *path.parents):
        found = each.stat()
        others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
        if others or found.st_uid not in (0, os.geteuid()):
            return False
    return True


async def _ask_to_stop(path: Path) -> None:
    """Have a master take no more sessions. It does only while we wait for its answer."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(_HELLO + _STOP)
        for _ in range(2):  # its own hello, and the answer
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            await reader.readexactly(length)
    finally:
        writer.close()


def _nothing() -> None:
    """For a connection that keeps nobody waiting."""

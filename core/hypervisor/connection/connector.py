"""Opening and freeing connections to one host, politely: no prompt, keepalive, no orphaned ssh."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from core.errors import VirtdeckError
from core.hypervisor.connection import event_loop, faults
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.ssh_config import program_of
from core.hypervisor.connection.ssh_gate import Release, SshGate
from core.hypervisor.connection.ssh_sharing import SshSharing
from core.hypervisor.connection.uri import HostAddress

_log = logging.getLogger(__name__)
_INTERRUPT_FOR = 5.0
_INTERRUPT_EVERY = 0.05
_IN_PROCESS = 60
_ATTEMPTS = 4
"""Attempts to open through a program whose reason for ending was lost.

A program of this machine ends within milliseconds, ssh after as long as it takes to reach the host;
all attempts together have the one deadline of the opening.
"""
_LOGGING_IN = ("ssh", "libssh", "libssh2")
"""Transports that log in at an sshd. Where the program of `ext` goes nobody knows."""
_ANSWERING = 600.0
"""Seconds after which even a host that answers keepalive is not waited for: it lost the call."""


class Connector:
    """How every connection to one host is opened and closed. Used on the lanes' threads."""

    def __init__(
        self,
        address: HostAddress,
        options: LinkOptions,
        gate: SshGate | None = None,
        waits: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`gate` is that of the fleet; None: nobody else goes the same way.

        `waits` is told, on the loop, what a connection waits for before it opens, then "".
        """
        self.address = address
        self.options = options
        self._gate = gate
        self._waits = waits
        self._master = SshSharing(address, wanted=options.share_ssh)
        self._sharing = threading.Lock()
        self._shared: Connection | None = None
        """The only connection, where each would be a world of its own."""
        self._holders = 0
        self._kept_alive = False

    def turn(self) -> Awaitable[Release] | None:
        """Return what to wait for before a connection opens; None: it may open at any time."""
        if self.address.transport not in _LOGGING_IN or self._master.standing:
            return None
        if self._gate is None and not self._master.possible:
            return None
        return self._log_in()

    async def _log_in(self) -> Release:
        with contextlib.ExitStack() as places:
            places.callback(await self._master.turn())
            if self._gate is not None and not self._master.standing:
                places.callback(await self._gate.turn(self.address, self._waits))
            return places.pop_all().close

    async def log_in_anew(self) -> None:
        """Let no further connection go through the ssh connection that is there now."""
        await self._master.retire()

    def reading_deadline(self, seconds: float) -> float:
        """How many seconds a call may take that reads in the background.

        Over a slow link, or of a big host, a long answer is progress. Where keepalive tells that
        the host is there, `seconds` are not what it is judged by.
        """
        return max(seconds, _ANSWERING) if self._kept_alive else seconds

    @property
    def patience(self) -> float:
        """How many seconds an opening may take.

        A file of the test driver is read by this process: nobody is waited for who may be dead.
        """
        in_process = _is_world_of_its_own(self.address)
        return self.options.connect_timeout * (_IN_PROCESS if in_process else 1)

    def open(self) -> Connection:
        """Open a connection with keepalive; raises core.errors. Blocks as long as libvirt does.

        libvirt's test driver makes a new world of its file for every connection, with new UUIDs
        where the file has none: then all that open share one.
        """
        if not _is_world_of_its_own(self.address):
            return self._open()
        with self._sharing:
            self._shared = self._shared or self._open()
            self._holders += 1
            return self._shared

    def _open(self) -> Connection:
        event_loop.ensure_running()
        asked: list[str] = []
        flags = libvirt.VIR_CONNECT_RO if self.options.read_only else 0
        auth = [_credential_types(), _refuse_credentials, asked]
        uri = self._master.uri
        for attempt in range(_ATTEMPTS):
            try:
                conn = libvirt.openAuth(uri, auth, flags)
            except libvirt.libvirtError as error:
                if asked:
                    raise faults.credentials_wanted(asked, self.address) from None
                lost = self.address.uses_ssh and faults.reason_lost(error)
                if lost and not _there(program_of(self.address)):
                    raise faults.cannot_run(program_of(self.address), self.address) from None
                if uri != self.address.uri and self._master.mute:
                    uri, lost = self.address.uri, True
                if not lost or attempt == _ATTEMPTS - 1:
                    raise faults.not_opened(error, self.address) from None
            else:
                self._keep_alive(conn)
                return conn
        raise AssertionError("the last attempt returns or raises")

    def close(self, conn: Connection) -> None:
        """Close a connection, whatever state it is in. Blocks while a living daemon hangs."""
        with self._sharing:
            if conn is self._shared:
                self._holders -= 1
                if self._holders:
                    return
                self._shared = None
        try:
            references = conn.close()
        except libvirt.libvirtError as error:
            _log.debug("closing %s: %s", self.address.name, error)
        else:
            if references:
                _log.warning("%s: %d handles outlived a connection", self.address.name, references)

    def alive(self, conn: Connection) -> bool:
        """Tell whether the connection stands, as far as the library knows; asks nobody."""
        try:
            return bool(conn.isAlive())
        except libvirt.libvirtError:
            return False

    def translate(self, error: Any, *, broken: bool) -> Exception:
        """Turn a libvirt error into one of core.errors; leave other exceptions as they are."""
        if isinstance(error, VirtdeckError) or not isinstance(error, libvirt.libvirtError):
            return cast(Exception, error)
        return faults.translate(error, self.address, broken=broken)

    def too_late(self, seconds: float) -> VirtdeckError:
        """Return the error for a connection that did not open in time."""
        return faults.timed_out(self.address, seconds)

    def interrupt_open(self, thread_id: int) -> None:
        """End the ssh that an `open` on this thread waits for. Returns at once.

        libvirt has no connect timeout, and an ssh that waits would outlive even this process.
        """
        if self.address.uses_ssh:
            name = f"interrupt-{self.address.name}"
            threading.Thread(
                target=_end_children, args=(thread_id,), name=name, daemon=True
            ).start()

    def _keep_alive(self, conn: Connection) -> None:
        if not self.options.keepalive_interval:
            return
        with contextlib.suppress(libvirt.libvirtError):  # local drivers have no keepalive
            count = self.options.keepalive_count
            self._kept_alive = conn.setKeepAlive(self.options.keepalive_interval, count) == 0


def _is_world_of_its_own(address: HostAddress) -> bool:
    """Whether each connection is a host of its own: the test driver's of a file."""
    return address.local and address.driver == "test" and address.path != "default"


def _there(program: str) -> bool:
    import shutil  # slow to import, and rarely needed

    return shutil.which(program) is not None


def _credential_types() -> list[int]:
    return [
        libvirt.VIR_CRED_AUTHNAME,
        libvirt.VIR_CRED_ECHOPROMPT,
        libvirt.VIR_CRED_PASSPHRASE,
        libvirt.VIR_CRED_NOECHOPROMPT,
    ]


def _refuse_credentials(wanted: list[list[Any]], asked: list[str]) -> int:
    """Answer libvirt's request for a user name or password: nobody will be asked."""
    asked.extend(str(credential[1]) for credential in wanted)
    return -1


def _end_children(thread_id: int) -> None:
    """End the children that one thread of ours started, until they are gone or 5 s have passed.

    A child's number is given to no other process before its parent has waited for it.
    """
    children = Path(f"/proc/self/task/{thread_id}/children")
    end = time.monotonic() + _INTERRUPT_FOR
    while time.monotonic() < end:
        try:
            pids = [int(pid) for pid in children.read_text().split()]
        except OSError:  # the thread has ended
            return
        for pid in pids:
            with contextlib.suppress(OSError):  # it ended by itself, or is another user's
                os.kill(pid, signal.SIGTERM)
        time.sleep(_INTERRUPT_EVERY)

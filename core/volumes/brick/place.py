"""Where the process with os-brick runs, and the words that start it there. Pure."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from core.errors import UnsupportedError

_TAKES = "import sys; exec(compile(sys.stdin.read({size}), 'virtdeck-os-brick', 'exec'))"
"""The program comes first on its input: nothing of it stays where it runs."""
_LOCAL = ("", "localhost")


@dataclass(frozen=True, slots=True)
class BrickHost:
    """A machine on which os-brick connects volumes."""

    ssh: tuple[str, ...] = ()
    """The words of ssh that lead there; empty: it is this machine."""
    name: str = ""
    """Of the machine, for sentences."""
    python: str = "python3"
    """What has os-brick there."""
    root: bool = True
    """It is started as root: as the one who is root, or by sudo, which must not ask."""

    @property
    def place(self) -> str:
        """What it is called in a sentence."""
        return self.name or "this machine"

    @property
    def login(self) -> str:
        """The whole command that shows whether ssh lets in as it is needed."""
        return shlex.join([*self.ssh, "true"])

    def command(self, size: int) -> list[str]:
        """Return what starts a program of so many characters."""
        runs = [self.python, "-c", _TAKES.format(size=size)]
        words = shlex.join(runs)
        # what sudo says is read: in no other language
        sudo = f"LC_ALL=C; export LC_ALL; exec sudo -n {words}"
        line = f'[ "$(id -u)" = 0 ] && exec {words}; {sudo}' if self.root else f"exec {words}"
        if not self.ssh:
            return ["/bin/sh", "-c", line]
        return [*self.ssh, f"/bin/sh -c {shlex.quote(line)}"]


def brick_host(uri: str, python: str = "") -> BrickHost:
    """Return where the volumes of a libvirt host are connected; raises UnsupportedError."""
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    host = _host_of(parts.netloc)
    if host.lower() in _LOCAL and transport in ("", "unix"):
        return BrickHost(python=python or sys.executable)
    if transport not in ("ssh", "libssh", "libssh2"):
        text = f"os-brick runs on {host} itself, and {parts.scheme} starts nothing there."
        raise UnsupportedError(text, "Open the host by qemu+ssh.")
    given = parse_qs(parts.query)
    words = [
        given.get("command", ["ssh"])[-1],
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=20",
    ]
    if parts.port is not None:
        words += ["-p", str(parts.port)]
    if "keyfile" in given:
        words += ["-i", given["keyfile"][-1]]
    if given.get("no_verify", ["0"])[-1] == "1":
        words += ["-o", "StrictHostKeyChecking=no"]
    if parts.username:
        words += ["-l", unquote(parts.username)]
    return BrickHost((*words, "--", host), host, python or "python3")


def _host_of(netloc: str) -> str:
    """Return the host as it is written: ssh's `Host` tells capitals from others."""
    address = netloc.rpartition("@")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]

"""A real sshd for tests: on loopback, its own port, host key and known_hosts; no root needed.

libvirt runs `ssh` from a URI's `command=`, or the first one in PATH: a wrapper that has ssh read
our files instead of the user's, which it finds by the password database alone. `netcat=` is a
program that joins ssh's stream to a unix socket, for virt-ssh-helper only knows the socket of the
account it runs in.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.servers import PrivateServer, free_port, listens

# A home of its own: what a user's shell does at each login may take a minute, and wait for ever for
# the lock of a login that a test has killed.
_SSHD_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel INFO
SetEnv HOME={directory}
{more}
"""
_WRAPPER = """#!/bin/sh
if [ "$1 $2" = "-G -F" ]; then  # a configuration that includes the user's and the system's
    sed 's,~/.ssh/config,{directory}/config,; s,/etc/ssh/ssh_config,{directory}/none,' "$3" \
        > {directory}/asked
    shift 3
    set -- -G -F {directory}/asked "$@"
fi
exec {ssh} -F {directory}/config "$@"
"""
_CONFIG = """
UserKnownHostsFile {directory}/known_hosts
GlobalKnownHostsFile /dev/null
IdentitiesOnly yes
IdentityAgent none
"""
_RELAY = """#!{python}
import os, selectors, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[-1])
watched = selectors.DefaultSelector()
watched.register(0, selectors.EVENT_READ, (0, peer.fileno()))
watched.register(peer, selectors.EVENT_READ, (peer.fileno(), 1))
while True:
    for key, _ in watched.select():
        source, target = key.data
        data = os.read(source, 65536)
        if not data:
            sys.exit()
        while data:
            data = data[os.write(target, data):]
"""

_PRIVILEGE_SEPARATION = Path("/run/sshd")
"""Where an sshd of root changes its root to. systemd makes it at boot; where it has not, it stays,
for another test's sshd may use it.
"""


class PrivateSshd(PrivateServer):
    """One sshd in a directory of its own; a context manager that leaves nothing behind."""

    def __init__(self, more: str = "") -> None:
        """`more`: further lines of its configuration."""
        super().__init__("vds-")
        self._more = more
        self.port = free_port()
        self.user = getpass.getuser()
        self.key = self.directory / "key"
        self.known_hosts = self.directory / "known_hosts"

    def uri(self, unix_socket: Path | str, driver: str = "qemu", path: str = "session") -> str:
        """Return the URI that reaches a libvirt socket through this sshd."""
        return f"{self.plain_uri(unix_socket, driver, path)}&command={self.directory}/bin/ssh"

    def plain_uri(
        self, unix_socket: Path | str, driver: str = "qemu", path: str = "session"
    ) -> str:
        """Return the same without `command=`: for an environment as `environment` has it."""
        return (
            f"{driver}+ssh://{self.user}@127.0.0.1:{self.port}/{path}?keyfile={self.key}"
            f"&proxy=netcat&netcat={self.directory}/relay&socket={unix_socket}"
        )

    @property
    def environment(self) -> dict[str, str]:
        """What has `plain_uri` run our ssh, and virtdeck keep its files with ours."""
        path = f"{self.directory}/bin:{os.environ['PATH']}"
        return {"PATH": path, "XDG_RUNTIME_DIR": str(self.directory)}

    def configure(self, lines: str) -> None:
        """Put these lines into the user's configuration of ssh, which means every host."""
        config = self.directory / "config"
        config.write_text(f"{lines}\n{config.read_text()}")

    @property
    def logins(self) -> int:
        """How often somebody has logged in."""
        return (self.directory / "log").read_text().count("Accepted publickey")

    def connections(self) -> list[psutil.Process]:
        """Return the processes that each serve one connection."""
        return psutil.Process(self.processes[0].pid).children()

    def remove_relay(self) -> None:
        """Let the host lack what joins ssh's stream to the socket."""
        (self.directory / "relay").unlink()

    def forget_host_key(self) -> None:
        """Let ssh not know this host."""
        self.known_hosts.write_text("")

    def change_host_key(self) -> None:
        """Let ssh know another key for this host."""
        self._make_key("other_key")
        self._trust(self.directory / "other_key.pub")

    def refuse_keys(self) -> None:
        """Let no key in."""
        (self.directory / "authorized_keys").write_text("")

    def clients(self) -> list[psutil.Process]:
        """Return the ssh processes this process has as children."""
        found = []
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it ended while we looked
                if child.name() == "ssh" and str(self.port) in child.cmdline():
                    found.append(child)
        return found

    def freeze(self) -> None:
        """Stop the listener: TCP connections open, nobody greets."""
        self.processes[0].send_signal(signal.SIGSTOP)

    def end(self) -> None:
        """End sshd and its sessions."""
        sessions = [
            session
            for process in self.processes
            for session in psutil.Process(process.pid).children(recursive=True)
        ]
        super().end()
        for session in sessions:
            with contextlib.suppress(psutil.NoSuchProcess):
                session.kill()

    def _prepare(self) -> None:
        self._make_key("host_key")
        self._make_key("key")
        shutil.copy(self.directory / "key.pub", self.directory / "authorized_keys")
        self._trust(self.directory / "host_key.pub")
        (self.directory / "bin").mkdir()
        self._write_program("bin/ssh", _WRAPPER)
        (self.directory / "config").write_text(_CONFIG.format(directory=self.directory))
        self._write_program("relay", _RELAY)
        config = _SSHD_CONFIG.format(port=self.port, directory=self.directory, more=self._more)
        (self.directory / "sshd_config").write_text(config)

    def start(self) -> None:
        """Start it; returns when it listens."""
        self._prepare()
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program, "sshd is not installed: apt-get install openssh-server"
        if os.geteuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        sshd = self.launch(program, "-D", "-e", "-f", str(self.directory / "sshd_config"))
        sshd.wait_until(lambda: listens(self.port))

    def _make_key(self, name: str) -> None:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / name)],
            check=True,
            stdin=subprocess.DEVNULL,
        )

    def _trust(self, public_key: Path) -> None:
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public_key.read_text()}")

    def _write_program(self, name: str, text: str) -> None:
        path = self.directory / name
        ssh = shutil.which("ssh")
        path.write_text(text.format(directory=self.directory, python=sys.executable, ssh=ssh))
        path.chmod(0o755)

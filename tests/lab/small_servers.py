"""Small real servers of files on a networked host: by TLS on the web and by NBD, by SSH, by NFS.

    with SmallServers(host, folder) as servers:
        servers.web(), servers.nbd(image), servers.ssh(), servers.nfs()   # each starts one

They run in the network of that host alone, and end with it at the latest. Root only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Self

import psutil

from core.errors import LabError
from tests.lab.networked import ROOT, NetworkedHost
from tests.lab.small_http import QUERY
from tests.patience import PATIENCE

SSH_PORT, NBD_PORT = 2222, 10809
_GANESHA = Template("""\
NFS_CORE_PARAM {
    Protocols = 3; Bind_addr = 127.0.0.1; MNT_Port = 20048;
    Enable_NLM = false; Enable_RQUOTA = false;
}
EXPORT {
    Export_Id = 1; Path = $folder; Pseudo = /one; Access_Type = RW;
    Squash = No_Root_Squash; SecType = sys; Protocols = 3; FSAL { Name = VFS; }
}
""")
_SSHD = Template("""\
Port $port
ListenAddress 127.0.0.1
HostKey $keys/host_key
AuthorizedKeysFile $keys/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
""")


class SmallServers:
    """The servers of one host; a context manager. `home` is that of root there meanwhile."""

    def __init__(self, host: NetworkedHost, folder: Path) -> None:
        self._host = host
        self._folder = folder
        self._running: list[subprocess.Popen[str]] = []
        self._passwd = (host.directory / "passwd").read_text()
        self.files = folder / "files"
        self.home = folder / "home"
        self.trusted = folder / "certs"
        """What its programs trust, by the name of each file."""

    def __enter__(self) -> Self:
        self.files.mkdir()
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        known = (
            line if not line.startswith("root:") else f"root:x:0:0::{self.home}:/bin/sh"
            for line in self._passwd.splitlines()
        )  # fmt: skip
        (self._host.directory / "passwd").write_text("\n".join(known) + "\n")
        self.trusted.mkdir()
        self._host.run("mount", "--bind", str(self.trusted), "/etc/ssl/certs")
        self._certificates()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._running:  # nsenter, which waits for what it started
            for process in psutil.Process(one.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            one.kill()
            one.wait()
            if one.stdin is not None and one.stdout is not None:
                one.stdin.close()
                one.stdout.close()
        self._host.run("sh", "-c", "rm -f /run/rpcbind*; umount --lazy /etc/ssl/certs")
        (self._host.directory / "passwd").write_text(self._passwd)
        (self._host.directory / "etc/nbd/ca-cert.pem").unlink(missing_ok=True)

    @property
    def authority(self) -> Path:
        """The certificate of the CA that signed those of the servers, of the name localhost."""
        return self._folder / "ca.pem"

    def web(self) -> str:
        """Give the files out by https; returns the URL of their folder, without the query."""
        tls = (str(self._folder / "server-cert.pem"), str(self._folder / "server-key.pem"))
        module = ("-m", "tests.lab.small_http", str(self.files), *tls)
        words = ("env", f"--chdir={ROOT}", sys.executable, *module)
        started = self._start(*words, channel=subprocess.PIPE)
        assert started.stdout is not None
        return f"https://localhost:{started.stdout.readline().strip().rpartition(':')[2]}"

    def nbd(self, name: str) -> str:
        """Give one file out by NBD and TLS; returns its URL."""
        tls = f"tls-creds-x509,id=tls,endpoint=server,dir={self._folder},verify-peer=no"
        shutil.copy(self.authority, self._folder / "ca-cert.pem")
        where = ("--bind", "127.0.0.1", "--port", str(NBD_PORT), "--export-name", "one")
        own = ("--format", "raw", "--persistent", "--shared", "4", "--object", tls)
        self._start("qemu-nbd", *where, *own, "--tls-creds", "tls", str(self.files / name))
        self._await("sh", "-c", f"ss -ltn | grep -q ':{NBD_PORT} '")
        return "nbds://localhost/one"

    def ssh(self) -> str:
        """Give all files out by SSH, to root's key; returns the URL of their folder."""
        for key in ("host_key", "id_ed25519"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / key)]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        shutil.copy(self._folder / "id_ed25519.pub", self._folder / "authorized_keys")
        text = _SSHD.substitute(port=SSH_PORT, keys=self._folder)
        (self._folder / "sshd_config").write_text(text)
        self._host.run("mkdir", "-p", "/run/sshd")
        self._start("/usr/sbin/sshd", "-D", "-f", str(self._folder / "sshd_config"))
        self._await("sh", "-c", f"ss -ltn | grep -q ':{SSH_PORT} '")
        return f"ssh://localhost:{SSH_PORT}{self.files}"

    def know_ssh(self) -> None:
        """Let root know the SSH server."""
        key = " ".join((self._folder / "host_key.pub").read_text().split()[:2])
        (self.home / ".ssh/known_hosts").write_text(f"[localhost]:{SSH_PORT} {key}\n")

    def give_key(self) -> None:
        """Let root have a key that the SSH server lets in."""
        shutil.copy(self._folder / "id_ed25519", self.home / ".ssh")
        shutil.copy(self._folder / "id_ed25519.pub", self.home / ".ssh")

    def nfs(self) -> str:
        """Give the files out by NFS 3; returns the URL of their folder."""
        text = _GANESHA.substitute(folder=self.files)
        (self._folder / "ganesha.conf").write_text(text)
        self._start("rpcbind", "-f", "-w")
        self._await("rpcinfo", "-T", "tcp", "127.0.0.1", "portmapper")
        log, pid = str(self._folder / "ganesha.log"), "/run/ganesha.pid"
        conf = str(self._folder / "ganesha.conf")
        self._start("ganesha.nfsd", "-F", "-f", conf, "-L", log, "-p", pid)
        self._await("rpcinfo", "-T", "tcp", "127.0.0.1", "mountd", "3")
        self._await("rpcinfo", "-T", "tcp", "127.0.0.1", "nfs", "3")
        return f"nfs://127.0.0.1{self.files}"

    def _start(self, *words: str, channel: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        # into all of them: ganesha reads its own /proc
        enter = ("nsenter", f"--target={self._host.pid}", "--mount", "--uts", "--net", "--pid")
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *enter, *words],
                stdin=channel, stdout=channel, stderr=log, text=True,
            )  # fmt: skip
        self._running.append(started)
        return started

    def _await(self, *words: str) -> None:
        until = time.monotonic() + 30 * PATIENCE
        while True:
            try:
                self._host.run(*words)
                return
            except LabError:
                assert time.monotonic() < until, (words, (self._folder / "log").read_text())
                time.sleep(0.1)

    def _certificates(self) -> None:
        """Make a CA, and a certificate that it signed for localhost."""

        def openssl(*words: str) -> None:
            command = ["openssl", *words]
            subprocess.run(command, check=True, cwd=self._folder, capture_output=True)

        key = ("-nodes", "-newkey", "rsa:2048")
        openssl(
            *("req", "-x509", *key, "-days", "2", "-subj", "/CN=test", "-keyout", "ca-key.pem"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-out", "ca.pem"),
        )
        (self._folder / "more").write_text("subjectAltName=DNS:localhost\n")
        openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "server-key.pem", "-out", "asked")
        openssl(
            *(
                "x509",
                "-req",
                "-in",
                "asked",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca-key.pem",
                "-days",
                "2",
            ),
            *("-CAcreateserial", "-extfile", "more", "-out", "server-cert.pem"),
        )


def with_query(url: str) -> str:
    """Return the URL of a file on the web with what it is given out for."""
    return f"{url}?{QUERY}"

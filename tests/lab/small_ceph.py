"""A small real Ceph for tests: a monitor and an OSD that keeps everything in memory, on loopback.

    with SmallCeph() as ceph:
        ceph.make("one", "16M")              # an image in the pool `volumes`
        ceph.key                             # of the user USER, who may use that pool
        ceph.rbd("resize", ...)              # as the administrator

Each client must prove who it is (cephx). It dies with the process that made it, and its files are
gone when it is closed. No root needed.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from string import Template

from tests.patience import PATIENCE
from tests.servers import DIES_WITH_US, PrivateServer

POOL = "volumes"
USER = "virt"
LONGEST = 60.0 * PATIENCE
"""Seconds for a command, which itself waits until the daemons answer."""

_CONFIGURATION = Template("""\
[global]
fsid = $fsid
mon host = [v2:$address:3300,v1:$address:6789]
public addr = $address
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $directory/keyring
run dir = $directory/run
log file = $directory/log/$$name
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
mon allow pool size one = true
paxos propose interval = 0.05
paxos min wait = 0.01
mon data avail crit = 1
auth allow insecure global id reclaim = false
[client]
log file =
[mon]
mon data = $directory/mon
[osd]
osd data = $directory/osd
""")
_ALL = "allow *"
_KEYS = {
    "mon.": {"mon": _ALL},
    "osd.0": {"mon": "allow profile osd", "osd": _ALL},
    "client.admin": {"mon": _ALL, "osd": _ALL},
    f"client.{USER}": {"mon": "profile rbd", "osd": f"profile rbd pool={POOL}"},
}
"""Who there is, and what each may do; the monitor takes them over when it is made."""


def own_address() -> str:
    """Return an address of loopback that no other process's cluster has.

    The ports are Ceph's own: by them its clients know in which of its two protocols they ask.
    """
    return f"127.{64 + os.getpid() // 65536 % 64}.{os.getpid() // 256 % 256}.{os.getpid() % 256}"


class SmallCeph(PrivateServer):
    """One cluster; a context manager. Blocking, and of the thread that enters it."""

    def __init__(self) -> None:
        super().__init__("vdc-")
        self.address = own_address()
        self._configuration = self.directory / "ceph.conf"
        self._keys = self.directory / "keyring"

    @property
    def key(self) -> str:
        """The key of USER."""
        words = ["--print-key", "--name", f"client.{USER}", str(self._keys)]
        return self._run("ceph-authtool", *words).decode().strip()

    def make(self, name: str, size: str) -> None:
        """Make an image."""
        self.rbd("create", f"{POOL}/{name}", "--size", size)

    def read(self, name: str) -> bytes:
        """Return what is in an image."""
        return self.rbd("export", "--no-progress", f"{POOL}/{name}", "-")

    def rbd(self, *words: str) -> bytes:
        """Run `rbd`, as one who may do everything; returns what it prints."""
        return self._run("rbd", "--conf", str(self._configuration), *words)

    def _prepare(self) -> None:
        for name in ("mon", "osd", "run", "log"):
            (self.directory / name).mkdir()
        words = {"fsid": uuid.uuid4(), "address": self.address, "directory": self.directory}
        self._configuration.write_text(_CONFIGURATION.substitute(words))
        self._run("ceph-authtool", "--create-keyring", str(self._keys))
        for name, may in _KEYS.items():
            caps = [word for kind, what in may.items() for word in ("--cap", kind, what)]
            self._run("ceph-authtool", str(self._keys), "--gen-key", "--name", name, *caps)

    def start(self) -> None:
        """Start it; no step waits for a daemon by itself: the commands do until it answers."""
        self._prepare()
        conf = ("--conf", str(self._configuration))
        self._run("ceph-mon", *conf, "-i", "a", "--mkfs", "--keyring", str(self._keys))
        self._daemon("ceph-mon", *conf, "-i", "a")
        identity = str(uuid.uuid4())
        self._run("ceph", *conf, "osd", "new", identity)
        self._run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", identity)
        self._daemon("ceph-osd", *conf, "-i", "0")
        self._run("ceph", *conf, "osd", "pool", "create", POOL, "1")
        self.rbd("pool", "init", POOL)

    def _daemon(self, *words: str) -> None:
        self.launch(*DIES_WITH_US, *words, "--foreground", log=f"log/{words[0]}.out")

    def _run(self, *words: str) -> bytes:
        told = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False
        )
        if told.returncode:
            logs = [daemon.said() for daemon in self.processes]
            raise AssertionError("\n".join([f"{words}", told.stderr.decode(), *logs]))
        return told.stdout

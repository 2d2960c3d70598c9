"""Two libvirt hosts with a network between them that can be cut. Root only.

    with NetworkedHosts() as hosts:
        hosts.host("alpha").virsh("list")       # as any libvirt client, over its unix socket
        hosts.uris                              # {"alpha": uri, "beta": uri}, good on this machine
        hosts.way("beta")                       # options of a Migrate that goes over the network
        hosts.cut(); hosts.mend()               # what a pulled cable does, and what ends it
        hosts.host("beta").kill_daemon(); hosts.host("beta").start_daemon()

Each host is a system libvirtd in network, mount, UTS and process namespaces of its own, joined by a
veth pair. The first process of a host's namespace reaps (tests.as_init) and dies with the process
that made it; the kernel then ends everything in it, whatever it is. So nothing is left behind but a
directory, even by a run that is killed.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import psutil

from core.errors import LabError, UnreachableError
from core.lab.account import Account
from core.lab.command import PLAIN, run
from core.lab.host import states_of
from tests.servers import DIES_WITH_US, PrivateServer, ServerProcess

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = {"alpha": "10.77.0.1", "beta": "10.77.0.2"}
"""In namespaces that nothing else is in: they meet no address of the machine's."""
CARD = "net0"
ANSWERS = 6.0
"""Seconds a daemon has for its first answer on an idle machine: it probes QEMU."""

BOUND = {
    "run": "/run",
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
"""Directory of a host -> where it has it: these are its own, everything else is the machine's."""

ACCOUNT_NAME = "libvirt-qemu"
ACCOUNT = {
    "passwd": f"{ACCOUNT_NAME}:x:64055:64055::/nonexistent:/usr/sbin/nologin\n",
    "group": f"{ACCOUNT_NAME}:x:64055:\nkvm:x:64054:\n",
}
"""What Debian's QEMU driver looks for at its start, though our guests run as root. The package that
makes it (libvirt-daemon-system) brings services of the machine's own.
"""

PREPARE = Template("""\
set -e
mount --make-rprivate /
$binds
for file in hosts passwd group; do mount --bind $directory/$$file /etc/$$file; done
hostname $name
ip link set lo up
touch $directory/ready
cd $root
exec $python -m tests.as_init sleep infinity
""")

DAEMON = Template("""\
host_uuid = "$uuid"
listen_tls = 0
listen_tcp = 1
listen_addr = "$address"
auth_tcp = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/daemon.log"
""")

QEMU = Template("""\
stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = [$controllers]
namespaces = []
clear_emulator_capabilities = 0
nbd_tls_x509_cert_dir = "/etc/libvirt/nbd"
""")


@dataclass
class NetworkedHost:
    """One of the two: `name`, its files in `directory`, its `address` on the network."""

    name: str
    directory: Path
    address: str
    controllers: tuple[str, ...] = ()
    """The control groups that libvirt uses there, under the machine's own."""
    _outer: ServerProcess | None = field(default=None, repr=False)
    pid: int = 0
    """Of the first process in its namespaces, as seen from here."""

    @property
    def socket(self) -> Path:
        """The unix socket of its daemon, as seen from here."""
        return self.directory / "run/libvirt/libvirt-sock"

    @property
    def uri(self) -> str:
        """The URI any libvirt client on this machine reaches it with, cut network or not."""
        return f"qemu+unix:///system?socket={self.socket}"

    def make(self) -> None:
        """Make its files and its namespaces; the network and the daemon come after."""
        for name in BOUND:
            (self.directory / name).mkdir(parents=True)
        for name in ("run/lock", "etc/qemu", "etc/nbd", "lib/qemu"):
            (self.directory / name).mkdir(parents=True)
        names = "".join(f"{address} {name}\n" for name, address in ADDRESSES.items())
        (self.directory / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
        for name, entry in ACCOUNT.items():
            known = Path("/etc", name).read_text()
            (self.directory / name).write_text(known if ACCOUNT_NAME in known else known + entry)
        identity = f"00000000-0000-4000-8000-{sum(self.name.encode()):012d}"
        configuration = DAEMON.substitute(uuid=identity, address=self.address)
        (self.directory / "etc/libvirtd.conf").write_text(configuration)
        controllers = ", ".join(f'"{each}"' for each in self.controllers)
        (self.directory / "etc/qemu.conf").write_text(QEMU.substitute(controllers=controllers))
        for place in BOUND.values():
            Path(place).mkdir(parents=True, exist_ok=True)  # where libvirt was never started
        binds = [f"mount --bind {self.directory / name} {place}" for name, place in BOUND.items()]
        words = {"binds": "\n".join(binds), "directory": self.directory, "name": self.name}
        script = PREPARE.substitute(words, root=ROOT, python=shlex.quote(sys.executable))
        self._outer = ServerProcess(
            # the death of this process ends unshare, and that the first process of the namespace
            (
                *(*DIES_WITH_US, "unshare", "--mount", "--uts", "--net"),
                *("--pid", "--fork", "--kill-child=KILL", "--mount-proc", "sh", "-c", script),
            ),
            self.directory / "namespaces.log",
            environment={**PLAIN, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._await((self.directory / "ready").exists, "its namespaces")
        self.pid = psutil.Process(self._outer.pid).children()[0].pid

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        assert self._outer is not None
        self._outer.wait_until(condition, ANSWERS, problem=f"{self.name} does not get {what}")

    def run(self, *words: str, deadline: float = 60.0) -> str:
        """Run a program on this host and return its output. Raises LabError."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--net", "--pid"]
        return run([*enter, *words], deadline=deadline)

    def start_daemon(self) -> None:
        """Start the daemon; returns when it answers. Guests it had are found again."""
        self.socket.unlink(missing_ok=True)
        self.run("libvirtd", "--daemon", "--listen", "--pid-file", "/run/daemon.pid")
        self._await(self.answers, "a daemon that answers")

    def kill_daemon(self) -> None:
        """End the daemon by SIGKILL; its guests run on."""
        pid = self._daemon()
        with suppress(LabError):
            self.run("kill", "-KILL", pid)
        (self.directory / "run/daemon.pid").unlink(missing_ok=True)
        self._await(lambda: not self._lives(pid), "rid of its daemon")

    def ensure_daemon(self) -> None:
        """Start the daemon where none answers."""
        if not self.answers():
            if self._lives(self._daemon()):
                self.kill_daemon()
            self.start_daemon()

    def stop_daemon(self) -> None:
        """Freeze the daemon by SIGSTOP: a host that hangs."""
        self.run("kill", "-STOP", self._daemon())

    def continue_daemon(self) -> None:
        """Let a frozen daemon go on."""
        self.run("kill", "-CONT", self._daemon())

    def _daemon(self) -> str:
        """The daemon's number on its host; empty: none was started."""
        try:
            return (self.directory / "run/daemon.pid").read_text().strip()
        except FileNotFoundError:
            return ""

    def _lives(self, pid: str) -> bool:
        if not pid:
            return False
        try:
            self.run("kill", "-0", pid)
        except LabError:
            return False
        return True

    def kill_qemu(self, instance: str) -> None:
        """End the process of a running instance by SIGKILL."""
        pid = (self.directory / f"run/libvirt/qemu/{instance}.pid").read_text().strip()
        self.run("kill", "-KILL", pid)

    def answers(self) -> bool:
        """Whether the daemon answers."""
        if not self.socket.exists():
            return False
        try:
            self.virsh("version", deadline=10.0)
        except LabError:
            return False
        return True

    def virsh(self, *words: str, deadline: float = 60.0) -> str:
        """Run one virsh command on this host and return its output. Raises LabError."""
        return run(["virsh", "--quiet", "--connect", self.uri, *words], deadline=deadline)

    def instances(self) -> dict[str, str]:
        """Instance name -> state in virsh's words. Raises UnreachableError without an answer."""
        try:
            return states_of(self.virsh("list", "--all"))
        except LabError as problem:
            raise UnreachableError(problem.message) from problem

    def close(self) -> None:
        """End everything that runs on it."""
        if self._outer is not None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(self.pid).kill() if self.pid else self._outer.kill()
            self._outer.wait()


class NetworkedHosts(PrivateServer):
    """`alpha` and `beta`, up with a network between them; a context manager, of one thread.

    It has what `core.lab.Lab` has for a test: `hosts`, `host(name)`, `root`, `account`,
    `accelerator`. Its guests are emulated (TCG).
    """

    accelerator = "qemu"
    account = Account(0, 0, "root")

    def __init__(self, controllers: tuple[str, ...] = ()) -> None:
        super().__init__(f"vdn-{os.getpid()}-")
        self.root = self.directory
        (self.root / "shared").mkdir()
        self.hosts = tuple(
            NetworkedHost(name, self.root / name, address, controllers)
            for name, address in ADDRESSES.items()
        )

    @property
    def uris(self) -> dict[str, str]:
        """Host -> the URI it is open at from here."""
        return {host.name: host.uri for host in self.hosts}

    def host(self, name: str) -> NetworkedHost:
        """One host by its name."""
        return next(host for host in self.hosts if host.name == name)

    def way(self, to: str) -> dict[str, str]:
        """The options of a migration to `to` that goes over the network."""
        return {"destination_uri": f"qemu+tcp://{to}/system", "migrate_uri": f"tcp://{to}"}

    def start(self) -> None:
        """Make both hosts and join them; returns when their daemons answer."""
        for host in self.hosts:
            host.make()
        self._join()
        for host in self.hosts:
            host.start_daemon()

    def _join(self) -> None:
        one, other = self.hosts
        words = ["ip", "link", "add", CARD, "netns", str(one.pid), "type", "veth"]
        run([*words, "peer", "name", CARD, "netns", str(other.pid)])
        for host in self.hosts:
            host.run("ip", "address", "add", f"{host.address}/24", "dev", CARD)
            host.run("ip", "link", "set", CARD, "up")

    def cut(self) -> None:
        """Let nothing through any more: like a cable that is pulled."""
        self._card("down")

    def mend(self) -> None:
        """Let everything through again."""
        self._card("up")

    def _card(self, state: str) -> None:
        self.hosts[0].run("ip", "link", "set", CARD, state)

    def end(self) -> None:
        """End both hosts."""
        for host in self.hosts:
            host.close()

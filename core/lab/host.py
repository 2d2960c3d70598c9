"""One host of a lab: a private session libvirtd, known by its directory. Calls block their thread.

Its environment makes it private (libvirt reads HOME and the XDG variables); its own session keeps
the console's terminal signals away from it and from its guests.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError, UnreachableError
from core.lab.account import Account
from core.lab.command import run
from core.lab.places import cache_directory, make_private, place_copy, write_file
from core.lab.processes import belonging, end, is_daemon, is_guest, proven, read_pid
from core.lab.templates import daemon_configuration, qemu_configuration
from core.model.text import clean

DIRECTORIES = ("home", "run", "cache", "data", "libvirt", "default")
LISTED = re.compile(r"\s*(?:\d+|-)\s{2,}(?P<name>\S(?:.*\S)?)\s{2,}(?P<state>\S.*?)\s*")
"""A line of `virsh --quiet list --all`: the number, the name, which may hold blanks, the state."""
MIGRATION_PORTS = 32
ANSWER_DEADLINE = 10.0
"""Seconds an old daemon has to prove that it is not hung."""
START_DEADLINE = 60.0
"""Seconds a new one has for its first answer: on a busy machine it asks its guests for long."""


def states_of(listing: str) -> dict[str, str]:
    """Instance name -> state from what `virsh list --all` printed. Pure.

    Anybody may define instances on a lab: their names are made fit for a terminal.
    """
    found = filter(None, map(LISTED.fullmatch, listing.split("\n")))
    return {clean(row["name"]): row["state"] for row in found}


def migration_ports(directory: Path) -> range:
    """The ports a host takes migrations on: another range for nearly every directory. Pure.

    They are below what Linux hands out by itself (ip_local_port_range).
    """
    first = 10_000 + zlib.crc32(str(directory).encode()) % 650 * MIGRATION_PORTS
    return range(first, first + MIGRATION_PORTS)


@dataclass(frozen=True)
class LabHost:
    """A host of a lab: `name` as the operator sees it, `directory` with all its files."""

    name: str
    directory: Path
    account: Account

    @property
    def socket(self) -> Path:
        """The unix socket its daemon listens on."""
        return self.directory / "run/libvirt/libvirt-sock"

    @property
    def uri(self) -> str:
        """The URI any libvirt client reaches it with."""
        return f"qemu+unix:///session?socket={self.socket}"

    @property
    def pool(self) -> Path:
        """The directory of its own pool `default`."""
        return self.directory / "default"

    @property
    def capabilities(self) -> Path:
        """Where its daemon keeps what it learnt by probing QEMU."""
        return self.directory / "cache/libvirt/qemu/cache/capabilities"

    @property
    def pid(self) -> int | None:
        """Its daemon's process id, or None when no daemon of this host runs."""
        pid = read_pid(self.directory / "daemon.pid")
        process = proven(pid, self.directory, self.account.uid, is_daemon)
        return process.pid if process else None

    def prepare(self, shared: Path) -> None:
        """Make its directories and configuration. Raises LabError or OSError."""
        make_private(self.directory, self.account)
        for name in DIRECTORIES:
            make_private(self.directory / name, self.account)
        # Of the path, so that a lab made anew in the same place is the same host again.
        identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"file://{self.directory}"))
        configuration = self.directory / "libvirt"
        files = {
            "libvirtd.conf": daemon_configuration(identity, self.directory),
            "qemu.conf": qemu_configuration(shared, migration_ports(self.directory)),
        }
        for name, content in files.items():
            write_file(configuration / name, content, self.account)
        if not self.capabilities.exists():
            self._seed_capabilities()

    def start_daemon(self) -> int:
        """Start the daemon and return its pid once it answers. Its guests are found again.

        Raises LabError when it does not come up.
        """
        for left_over in ("daemon.pid", "run/libvirt/libvirt-sock"):
            (self.directory / left_over).unlink(missing_ok=True)
        # It returns when the daemon it left behind is listening (libvirtd(8), --daemon).
        pid_file = self.directory / "daemon.pid"
        words = [*self.account.prefix(), "libvirtd", "--daemon", "--pid-file", str(pid_file)]
        hint = f"See {self.directory / 'daemon.log'}."
        run(words, environment=self.environment(), cwd=self.directory, hint=hint)
        until = time.monotonic() + START_DEADLINE
        while not self.answers():
            if time.monotonic() > until or self.pid is None:
                raise LabError(f"The libvirt daemon of {self.name} does not come up.", hint)
            time.sleep(0.05)
        pid = self.pid
        if pid is None:
            raise LabError(f"The libvirt daemon of {self.name} ended at once.", hint)
        return pid

    def ensure_daemon(self) -> bool:
        """Make sure a daemon answers; a hung one is replaced. True when one was started."""
        if self.pid is not None and self.answers():
            return False
        self.stop_daemon()
        self.start_daemon()
        return True

    def stop_daemon(self) -> None:
        """Kill the daemon, hung or not; its guests run on. Raises LabError when it stays."""
        end(list(belonging(self.directory, self.account.uid, is_daemon)))

    def answers(self) -> bool:
        """Whether the daemon answers a call within its deadline."""
        if not self.socket.exists():
            return False
        try:
            self.virsh("version", deadline=ANSWER_DEADLINE)
        except LabError:
            return False
        return True

    def virsh(self, *words: str, deadline: float = 60.0) -> str:
        """Run one virsh command on this host and return its output. Raises LabError.

        What libvirt refuses while a volume of its pool is being copied is asked again.
        """
        end = time.monotonic() + deadline
        while True:
            try:
                return run(["virsh", "--quiet", "--connect", self.uri, *words], deadline=deadline)
            except LabError as problem:
                if "has asynchronous jobs" not in problem.message or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def qemu_pid(self, instance: str) -> int:
        """The process id of a running instance's QEMU. Raises LabError when there is none."""
        pid = read_pid(self.directory / f"run/libvirt/qemu/run/{instance}.pid")
        process = proven(pid, self.directory, self.account.uid, is_guest)
        if process is None:
            raise LabError(f"No QEMU of {instance!r} runs on {self.name}.")
        return process.pid

    def instances(self, deadline: float = 60.0) -> dict[str, str]:
        """Instance name -> state in virsh's words. Raises UnreachableError without an answer."""
        try:
            listing = self.virsh("list", "--all", deadline=deadline)
        except LabError as problem:
            raise UnreachableError(problem.message, "Bring the lab up again.") from problem
        return states_of(listing)

    def keep_capabilities(self) -> None:
        """Keep what the daemon learnt of QEMU for later labs of this user. Raises OSError."""
        kept = cache_directory() / "capabilities"
        kept.mkdir(exist_ok=True)
        for learnt in self.capabilities.glob("*.xml"):
            fresh = kept / f"{learnt.name}.{os.getpid()}"
            shutil.copyfile(learnt, fresh)
            fresh.rename(kept / learnt.name)

    def _seed_capabilities(self) -> None:
        """Give a new daemon what an earlier one learnt: probing QEMU takes seconds of processor.

        libvirt itself checks that it still holds (QEMU's and its own build, kernel, microcode).
        """
        place = self.directory
        for part in self.capabilities.relative_to(self.directory).parts:
            place /= part
            make_private(place, self.account)
        for kept in (cache_directory() / "capabilities").glob("*.xml"):
            place_copy(kept, place / kept.name, self.account)

    def environment(self) -> dict[str, str]:
        """The variables that make the daemon private to this host."""
        return {
            "HOME": str(self.directory / "home"),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            # Itself, and not a directory of its own: the agents' socket paths lie below it.
            "XDG_CONFIG_HOME": str(self.directory),
        }

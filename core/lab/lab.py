"""The lab as a whole: up, down, status. Every call blocks its thread; a file lock keeps two apart.

`up` is what makes a lab adoptable: it looks at what is there, whoever left it, and makes only what
is missing. Nothing is remembered between calls but the lab's own directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import LabError, VirtdeckError
from core.lab.account import Account, current_account, require_known
from core.lab.command import find_program
from core.lab.furnish import furnish, guests_of, make_volumes
from core.lab.guests import HOST_NAMES
from core.lab.host import ANSWER_DEADLINE, LabHost
from core.lab.image import ensure_image
from core.lab.kvm import choose_accelerator
from core.lab.places import (
    lab_root,
    make_private,
    mount_points,
    place_copy,
    require_unmounted,
    write_file,
)
from core.lab.post_copy import Ability, post_copy_ability
from core.lab.prerequisites import MissingPiece, missing_pieces
from core.lab.processes import belonging, end
from core.lab.status import HostStatus, LabStatus, state_word
from core.lab.templates import EMULATOR, HELD_STATES, emulator_script

LOCK_DEADLINE = 120.0
"""Seconds to wait for another `lab up` or `lab down` of the same name."""

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """The `say` of a caller who wants no progress."""


class Lab:
    """Two private libvirt hosts, `alpha` and `beta`, of the lab `name`.

    Making one touches nothing; raises UsageError for a name that cannot be used.
    """

    def __init__(self, name: str = "demo", account: Account | None = None) -> None:
        self.name = name
        self.account = account or current_account()
        self.root = lab_root(name, self.account)
        self.hosts = tuple(LabHost(host, self.root / host, self.account) for host in HOST_NAMES)

    def host(self, name: str) -> LabHost:
        """One host by its name. Raises LabError."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"The lab has no host {name!r}.", f"It has {', '.join(HOST_NAMES)}.")

    @property
    def accelerator(self) -> str:
        """libvirt's word for what the guests run on: `kvm`, or `qemu`, which is TCG."""
        try:
            return str(json.loads((self.root / "lab.json").read_text())["accelerator"])
        except (OSError, ValueError, KeyError, TypeError):
            return "qemu"

    def up(self, guests: bool = True, say: Say = silent, *, traffic: bool = True) -> None:
        """Bring up what is missing: daemons, pools, volumes and, with `guests`, the six guests.

        Without `traffic` those that start now use no network and no disk by themselves. Returns
        when the daemons answer and the guests are started, not yet booted (see `wait_ready`). `say`
        gets a line for each step, from this thread. Raises LabError.
        """
        require_known(self.account)
        require_all(missing_pieces())
        image = ensure_image(say)
        with self._locked():
            if not (self.root / "lab.json").exists():
                # Somebody removed the directory of a running lab: it can only be replaced.
                self._end_processes(say)
            for directory in ("image", "logs", "shared"):
                make_private(self.root / directory, self.account)
            for source in (image.kernel, image.initramfs):
                place_copy(source, self.root / "image" / source.name, self.account)
            for host in self.hosts:
                host.prepare(self.root / "shared")
            kind, _ = choose_accelerator(self.account, self.root / "image", say)
            if kind == "qemu":
                self._place_emulator()
            write_file(self.root / "lab.json", json.dumps({"accelerator": kind}), self.account)
            fresh = self._start(say)
            wanted = guests_of(traffic) if guests else {}
            try:
                furnish(self.hosts, self.root, kind, wanted, say)
            except LabError as problem:
                if fresh:
                    raise
                say(f"starting the daemons anew: {problem.message}")
                for host in self.hosts:
                    host.stop_daemon()
                self._start(say)
                furnish(self.hosts, self.root, kind, wanted, say)
            if fresh:
                self.hosts[0].keep_capabilities()

    def _place_emulator(self) -> None:
        qemu = find_program("qemu-system-x86_64")
        if qemu is None:
            raise LabError("qemu-system-x86_64 is gone.", "Install qemu-system-x86.")
        path = self.root / EMULATOR
        write_file(path, emulator_script(qemu, self.root / HELD_STATES), self.account)
        path.chmod(0o700)

    def _end_processes(self, say: Say) -> None:
        """End everything that runs for this lab. Raises LabError for what does not end."""
        # A daemon killed while it starts a guest can leave that guest behind: look again.
        while processes := list(belonging(self.root, self.account.uid)):
            say(f"ending {len(processes)} processes")
            end(processes)

    def _start(self, say: Say) -> bool:
        """Have every daemon run and every volume exist; true when no daemon was adopted."""
        with ThreadPoolExecutor(len(self.hosts) + 1, "lab") as pool:
            volumes = pool.submit(make_volumes, self.hosts, self.root)
            started = list(pool.map(LabHost.ensure_daemon, self.hosts))
            volumes.result()
        for host, fresh in zip(self.hosts, started, strict=True):
            say(f"{host.name} {'is up' if fresh else 'was up already'}")
        return all(started)

    def down(self, say: Say = silent) -> None:
        """End every process of the lab and remove its directory. Fine when there is none.

        Raises LabError for a process that does not end, and where something is mounted in it.
        """
        if not self.root.is_dir() and not any(belonging(self.root, self.account.uid)):
            say(f"there is no lab {self.name}")
            return
        with self._locked():
            self._end_processes(say)
            require_unmounted(self.root, mount_points())
            shutil.rmtree(self.root)
        with suppress(OSError):
            self.root.parent.rmdir()
        say(f"the lab {self.name} is down")

    def status(self) -> LabStatus:
        """What runs and what it can do. Raises nothing for a lab that is down or broken."""
        with ThreadPoolExecutor(len(self.hosts), "lab") as pool:
            hosts = tuple(pool.map(_host_status, self.hosts))
        pids = [host.pid for host in hosts if host.pid is not None]
        return LabStatus(
            name=self.name,
            root=str(self.root),
            running=len(pids) == len(hosts) and all(host.answers for host in hosts),
            accelerator="kvm" if self.accelerator == "kvm" else "tcg",
            post_copy=self.post_copy(),
            hosts=hosts,
        )

    def post_copy(self) -> Ability:
        """Whether a post-copy migration works between the running hosts, and why (not)."""
        pids = [host.pid for host in self.hosts]
        return post_copy_ability([pid for pid in pids if pid is not None], self.account)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lab's directory, made when missing, against others. Raises LabError."""
        until = time.monotonic() + LOCK_DEADLINE
        while True:
            make_private(self.root.parent, self.account)
            make_private(self.root, self.account)
            with suppress(FileNotFoundError):
                descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    if _lock(descriptor, self.root):
                        yield
                        return
                finally:
                    os.close(descriptor)
            if time.monotonic() > until:
                raise LabError(
                    f"Another command has been busy with the lab {self.name} for too long.",
                    "Wait for it, or end it, then try again.",
                )
            time.sleep(0.1)


def require_all(missing: list[MissingPiece]) -> None:
    """Raise LabError, naming every missing piece and one command that cures them all."""
    if missing:
        packages = " ".join(dict.fromkeys(piece.package for piece in missing))
        raise LabError(
            f"The lab needs {', '.join(piece.what for piece in missing)}.",
            f"Run `sudo apt-get install {packages}`.",
        )


def _lock(descriptor: int, path: Path) -> bool:
    """Try to lock an open directory; false when it is held or is no longer at `path`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def _host_status(host: LabHost) -> HostStatus:
    """One host's part of the status."""
    try:
        instances = host.instances(ANSWER_DEADLINE) if host.pid is not None else None
    except VirtdeckError:
        instances = None
    return HostStatus(
        name=host.name,
        uri=host.uri,
        pid=host.pid,
        answers=instances is not None,
        instances={name: state_word(told) for name, told in (instances or {}).items()},
    )

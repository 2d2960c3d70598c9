"""Where a lab keeps everything: one short directory per user and lab name, and an image cache.

`/tmp/vd-UID/NAME`, 0700, not the XDG runtime directory: that one goes away at logout, while the
guests run on and must still be found. VIRTDECK_LAB_DIR names another parent. Short because libvirt
puts the guest agents' sockets deep under it and a socket path holds 107 bytes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import psutil

from core import directories
from core.errors import LabError, UsageError
from core.lab.account import Account
from core.model.text import clean

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SOCKET_PATH_MAX = 107
"""Bytes a unix socket's path may have: sun_path is 108 with its closing NUL."""

DEEPEST_SOCKET = "alpha/libvirt/qemu/channel/target/domain-99-longname01/org.qemu.guest_agent.0"
"""What libvirt up to 9.6 makes under a host for the agent of a guest with a ten-letter name."""


def lab_root(name: str, account: Account) -> Path:
    """The directory of the lab `name`. Raises UsageError when the name cannot be used."""
    parent = Path(os.environ.get("VIRTDECK_LAB_DIR") or f"/tmp/vd-{account.uid}")
    root = parent.absolute() / name
    room = SOCKET_PATH_MAX - len(os.fsencode(parent.absolute())) - len(DEEPEST_SOCKET) - 2
    if not NAME.fullmatch(name) or len(name) > room:
        raise UsageError(
            f"{name!r} cannot be the name of a lab in {parent}.",
            f"Use at most {max(room, 0)} lower-case letters, digits and dashes"
            + ("." if room > 3 else ", and a shorter VIRTDECK_LAB_DIR."),
        )
    return root


def make_private(path: Path, account: Account) -> None:
    """Make the directory `path` if it is missing: 0700, owned by `account`.

    Raises LabError when something else is there: in /tmp anybody may have put it.
    """
    try:
        path.mkdir(mode=0o700)
        account.own(path)
    except FileExistsError:
        if _is_new(path):
            account.own(path)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
            raise LabError(
                f"{path} is not a directory of the user {account.name}.",
                "Remove it, or set VIRTDECK_LAB_DIR to a directory of your own.",
            ) from None
    except OSError as problem:
        raise LabError(
            f"{path} cannot be made: {problem.strerror}.",
            "Set VIRTDECK_LAB_DIR to a directory you may write to.",
        ) from problem


def _is_new(path: Path) -> bool:
    """Whether another command made it a moment ago, and has not given it away yet.

    It puts something into it only when it has: so what is in it is looked at first.
    """
    try:
        empty, found = not any(path.iterdir()), path.lstat()
    except OSError:
        return False
    return empty and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def write_file(path: Path, content: str, account: Account) -> None:
    """Write a 0600 text file owned by `account`, whole or not at all. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    account.own(fresh)
    fresh.rename(path)


def place_copy(source: Path, target: Path, account: Account) -> None:
    """Copy `source` to a 0600 file of `account`, unless a copy of that size is there already.

    Raises OSError. The daemons' user may not be able to read the caller's cache.
    """
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    fresh = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    account.own(fresh)
    fresh.rename(target)


def cache_directory() -> Path:
    """The caller's own cache of built guest images (XDG), made when missing."""
    directory = directories.cache()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def exclusive(directory: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an existing directory against others who ask for it so: other threads and processes.

    Waits as long as they take, and calls `waiting` before it does. Raises OSError.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def mount_points() -> list[str]:
    """Return where something is mounted on this machine."""
    return [one.mountpoint for one in psutil.disk_partitions(all=True)]


def require_unmounted(directory: Path, mounted: Iterable[str]) -> None:
    """Raise LabError where something is mounted below a directory that is to be removed."""
    below = [one for one in mounted if Path(one).is_relative_to(directory)]
    if below:
        raise LabError(
            f"Something is mounted at {clean(below[0])}, in the lab's directory: that stays.",
            f"Unmount it (umount {quote(clean(below[0]))}), then try again.",
        )

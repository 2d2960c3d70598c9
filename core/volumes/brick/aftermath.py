"""What os-brick leaves where it fails, and does not wait for. It is sent along with `child`."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMING = 15.0
"""Seconds until a device that its storage has given to the host has its name, at the most."""
_FOLDER = "virtdeck-brick-"
_NEW = 60.0
"""Seconds in which a folder that was made is held, too."""
_LEAVING = ("vzstorage", "lightos")
"""It writes where their servers are to a file, before their client is told."""


class NotNamedError(Exception):
    """No device has come up."""


@contextmanager
def own_folder(protocol: str) -> Iterator[None]:
    """Have os-brick make its files in a folder of their own, where it leaves them."""
    if protocol not in _LEAVING:
        yield
        return
    _remove_left_folders()
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = None
            os.close(held)


def _remove_left_folders() -> None:
    """Remove the folders of processes that were killed: a password may be in them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            found = os.fstat(held)
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > _NEW:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # its process is at work
        finally:
            os.close(held)


def given_devices(protocol: str, data: dict[str, Any], connector: Any) -> list[Path]:
    """Return the devices of a volume that its storage has given to this host."""
    if protocol == "scaleio":
        return list(Path("/dev/disk/by-id").glob(f"emc-vol*{data['scaleIO_volume_id']}"))
    known = connector.get_volume_paths(data) if protocol == "storpool" else []
    return [one for one in map(Path, known) if one.exists()]


def await_name(path: Path) -> None:
    """Wait for udev to name a device; its storage answers once the kernel has it."""
    until = time.monotonic() + NAMING
    while not path.exists():
        if time.monotonic() > until:
            raise NotNamedError(f"its storage gave the volume to this host, {path} is not found")
        time.sleep(0.2)


def give_back(connector: Any, protocol: str, data: dict[str, Any]) -> None:
    """Take from this host what its storage gave it in vain: os-brick leaves it."""
    try:
        path = connector.get_volume_paths(data)[0] if protocol == "storpool" else ""
        connector.disconnect_volume(data, {"path": path})
    except Exception as error:
        logging.getLogger("os_brick").warning("It was not taken back: %s", error)


def remove_folder(connector: Any, data: dict[str, Any]) -> None:
    """Remove the folder on which a share was not mounted."""
    with suppress(OSError):  # there is none, or somebody has it mounted
        Path(mount_point(connector, data)).rmdir()


def mount_point(connector: Any, data: dict[str, Any]) -> str:
    """Return the folder on which os-brick mounts a share."""
    return str(connector._remotefsclient.get_mount_point(data["export"]))


def without_password(connector: Any) -> None:
    """Have os-brick name the folder of a share of Virtuozzo without the password in its export.

    Its name is a hash, and everybody of the host may try passwords against that.
    """
    client = connector._remotefsclient
    hashed = client._get_hash_str

    def named(export: str) -> Any:
        # as os-brick itself reads it
        found = re.search(r"(?:(\S+):\/)?([a-zA-Z0-9_-]+)(?::(\S+))?", export)
        return hashed(export[: found.start(3) - 1] if found and found[3] else export)

    client._get_hash_str = named

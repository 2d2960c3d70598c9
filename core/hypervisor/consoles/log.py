"""The files in which a host keeps what its guests write. Runs on a thread that may block."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.model.console import LogTail
from core.model.text import clean, real_name

TAIL = 100 * 1024
"""Bytes of the end of a file that are read, as Nova does (MAX_CONSOLE_BYTES)."""


def read_tail(name: str, since: int | None = None) -> LogTail:
    """Read the end of a file of this machine, or what was added since a place in it.

    `name` is as the XML readers write it. Never raises: `why_not` says what is in the way. A file
    that is shorter than `since` was begun anew and is read from its start.
    """
    shown = clean(name)
    try:
        handle = os.open(Path(real_name(name)), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return LogTail(name, why_not=f"{shown} is not there yet: the guest wrote nothing.")
    except PermissionError:
        return LogTail(
            name,
            why_not=f"{shown} may not be read by this user: it belongs to its host's libvirt."
            " Run virtdeck as root, or as a member of its group.",
        )
    except (OSError, ValueError) as error:
        return LogTail(name, why_not=f"{shown} cannot be read: {_reason(error)}.")
    try:
        return _tail(handle, name, since)
    except OSError as error:
        return LogTail(name, why_not=f"{shown} cannot be read: {_reason(error)}.")
    finally:
        os.close(handle)


def _tail(handle: int, name: str, since: int | None) -> LogTail:
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        return LogTail(name, why_not=f"{clean(name)} is no file of which an end could be read.")
    start = max(0, about.st_size - TAIL)
    if since is not None:
        start = max(start, since if since <= about.st_size else 0)
    data = os.pread(handle, TAIL, start)
    return LogTail(name, data, end=start + len(data))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or clean(str(error))

"""Which processes belong to a lab, proven before any is signalled.

A process is the lab's when it runs as the lab's user, is a libvirtd or a QEMU, and names a file
under the lab's own directory among its arguments. A pid alone proves nothing: numbers come round
again. psutil remembers each process's start time and refuses to signal a successor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from core.errors import LabError

KILL_DEADLINE = 15.0
"""Seconds a killed process may take to go; only one stuck in the kernel needs longer."""


def is_daemon(program: str) -> bool:
    """Whether a program's base name is libvirt's daemon."""
    return program == "libvirtd"


def is_guest(program: str) -> bool:
    """Whether a program's base name is a QEMU system emulator."""
    return program.startswith("qemu-system-")


def read_pid(path: Path) -> int | None:
    """The number in a pid file, or None when it is missing or holds none."""
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return None


def proven(
    pid: int | None, directory: Path, uid: int, kind: Callable[[str], bool]
) -> psutil.Process | None:
    """The live process `pid`, if it is one of `kind` that belongs to `directory`, else None."""
    if pid is None:
        return None
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if _belongs(process, directory, uid, kind):
            return process
    return None


def is_ours(program: str) -> bool:
    """Whether a program's base name is one a lab runs."""
    return is_daemon(program) or is_guest(program)


def belonging(
    directory: Path, uid: int, kind: Callable[[str], bool] = is_ours
) -> Iterator[psutil.Process]:
    """Every live process of `kind` of the lab or host that lives in `directory`."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if _belongs(process, directory, uid, kind):
                yield process


def end(processes: list[psutil.Process]) -> None:
    """Kill the processes and wait until they are gone. Raises LabError for one that stays.

    SIGKILL, because a stopped or hung guest heeds nothing else and a lab has nothing to lose.
    """
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, alive = psutil.wait_procs(processes, timeout=KILL_DEADLINE)
    stuck = [process.pid for process in alive if not _is_zombie(process)]
    if stuck:
        raise LabError(
            f"The processes {', '.join(map(str, stuck))} do not end.",
            "They wait inside the kernel: see `dmesg`, then take the lab down again.",
        )


def _belongs(
    process: psutil.Process, directory: Path, uid: int, kind: Callable[[str], bool]
) -> bool:
    """The proof described at the top. Raises psutil.Error when the process goes away."""
    if process.uids().real != uid or _is_zombie(process):
        return False
    words = process.cmdline()
    if not words or not kind(Path(words[0]).name):
        return False
    return any(f"{directory}/" in word for word in words[1:])


def _is_zombie(process: psutil.Process) -> bool:
    """Whether the process has ended and only waits for its parent to notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

"""Who runs an operation: a process, told from every other that had or will have its number."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil

from core.model import Value

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

CLOCK_SLACK = 2.0
"""Seconds two readings of one process's start may differ while the system clock is being set."""


class Owner(Value, frozen=True):
    """A process on a machine since its boot; `NOBODY` for an operation that was let go."""

    pid: int = 0
    started: float = 0.0
    """Seconds after the boot of the machine, so that setting the clock changes nothing."""
    boot: str = ""
    machine: str = ""


NOBODY = Owner()


def this_process() -> Owner:
    """Return the owner that this process is."""
    process = psutil.Process()
    return Owner(process.pid, _started(process), _boot(), socket.gethostname())


def alive(owner: Owner) -> bool:
    """Whether the process still runs. One on another machine is taken to: there is no telling."""
    if owner == NOBODY:
        return False
    if owner.machine != socket.gethostname():
        return True
    if owner.boot != _boot():
        return False
    try:
        process = psutil.Process(owner.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(_started(process) - owner.started) <= CLOCK_SLACK
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _started(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""

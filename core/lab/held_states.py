"""States that emulated guests of a lab go on from, so that not each of them boots its kernel.

A guest is emulated, and most of what it computes is its firmware's and its kernel's start, which is
the same for each machine of the same devices and memory. So a machine of each shape that is started
more than once is let to start and hold before its first device has a driver (`vd.hold` in
guest/init), and its state is kept. The lab's emulator (emulator.sh) has guests go on from there:
they take up their own kernel words, devices, disks and addresses as they would have.

Runs in a thread of its own; nothing here is needed for a guest to start.
"""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from core.lab.account import Account
from core.lab.command import find_program
from core.lab.places import make_private

LOOK = 0.25
"""Seconds between two looks for wanted states, and at a machine that gets on."""
DEADLINE = 120.0
"""Seconds a machine has to come to where it holds."""
_HOLDS = b"vd: holding"


class HeldStates:
    """Makes the states that the guests of a lab ask for, from `start` to `stop`."""

    def __init__(self, directory: Path, account: Account) -> None:
        self._directory = directory
        self._account = account
        self._over = Event()
        self._thread = Thread(target=self._make_all, name="held states")

    def start(self) -> None:
        """Have guests that start from now on ask."""
        make_private(self._directory, self._account)
        self._thread.start()

    def stop(self) -> None:
        """End it, where it was started, with the machine it has. Blocks until that is gone."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _make_all(self) -> None:
        while not self._over.wait(LOOK):
            for wanted in sorted(self._directory.glob("*.wanted")):
                arguments = wanted.read_text().splitlines()
                wanted.unlink()
                if not self._over.is_set():
                    self._make(arguments, wanted.with_suffix(""))

    def _make(self, arguments: list[str], place: Path) -> None:
        """Have a machine start, keep its state as `place`.state; nothing where it does not."""
        log, state = place.with_suffix(".log"), place.with_suffix(".new")
        serial = f"file,id=charserial0,path={log}"
        words = [serial if word == "null,id=charserial0" else word for word in arguments]
        command = [*self._account.prefix(), str(find_program("qemu-system-x86_64")), *words]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, "-qmp", "stdio"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as machine:
            try:
                if self._holds(machine, log) and _kept(machine, state):
                    state.rename(place.with_suffix(".state"))
            finally:
                machine.kill()
                for left in (log, state):
                    left.unlink(missing_ok=True)

    def _holds(self, machine: subprocess.Popen[bytes], log: Path) -> bool:
        """Wait until a machine has come to where it holds; whether it has."""
        until = time.monotonic() + DEADLINE
        while not self._over.wait(LOOK):
            if machine.poll() is not None or time.monotonic() > until:
                return False
            with suppress(FileNotFoundError):
                if _HOLDS in log.read_bytes():
                    return True
        return False


def _kept(machine: subprocess.Popen[bytes], state: Path) -> bool:
    """Write the state of a machine to a file; whether all of it was."""
    uri = f"exec:cat > '{state}'"
    for execute, given in (
        ("qmp_capabilities", {}),
        ("migrate-set-parameters", {"max-bandwidth": 1 << 40}),
        ("migrate", {"uri": uri}),
    ):
        if "return" not in _asked(machine, execute, given):
            return False
    while True:
        told = _asked(machine, "query-migrate", {}).get("return", {}).get("status")
        if told not in ("setup", "active", "device"):
            return bool(told == "completed")
        time.sleep(LOOK / 5)


def _asked(machine: subprocess.Popen[bytes], execute: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what QEMU answers to a command; nothing where it has ended."""
    assert machine.stdin is not None
    assert machine.stdout is not None
    with suppress(BrokenPipeError):
        machine.stdin.write(json.dumps({"execute": execute, "arguments": given}).encode() + b"\n")
        machine.stdin.flush()
    for line in machine.stdout:
        answer: dict[str, Any] = json.loads(line)
        if "return" in answer or "error" in answer:
            return answer
    return {}

"""Consoles that ask for one thing and are killed, SIGKILL, at one point of their journal.

Run as a program it has all that a console loads, and forks one console for each line it reads: a
fresh interpreter for each would cost half a second. It answers with the console's exit status.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

import core.engine.runner
import core.fleet_hosts
import core.fleet_migration_hosts
import core.migration.execution.foreign
import core.migration.execution.table  # noqa: F401 - a console loads them when it is opened
from core.engine.executor import Executor
from core.errors import VirtdeckError
from core.fleet import Fleet
from core.hypervisor.calls import connecting
from core.model import ObjectKey
from core.model.secret_value import Secret
from core.state.subject import owner_of, subject_of
from core.verbs.parameter import parameters
from core.verbs.registry import VERBS
from core.volumes.brick.place import brick_host
from core.volumes.protocols import PROTOCOLS
from tests.driver.watching import until
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL


class Errand(msgspec.Struct):
    """What a console is to do, and when it is killed."""

    uri: str
    journal: str
    verb: str
    subject: str
    """The UUID."""
    options: dict[str, Any]
    point: int
    """1: right before its first commit; 2: right after; 3: right before the second..."""
    others: dict[str, str] = {}
    """URIs of the other hosts that it opens, by name."""
    brick: bool = False
    """os-brick's connector of GPFS, which needs no root, is told to be needed."""


class Starter:
    """Starts consoles; see `starter`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def run(self, errand: Errand) -> int:
        """Run one console to its end and return its exit status, negative for a signal."""
        async with self._turn:
            return await asyncio.to_thread(self._ask, msgspec.json.encode(errand).decode())

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def starter() -> Iterator[Starter]:
    """Have a process that starts consoles."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.driver.killed_console"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # the end of its input ends it
        yield Starter(process)


async def carry_out(errand: Errand) -> None:
    """Do the errand, and die on the way."""
    points = count(1)

    def at_commit() -> None:
        if next(points) == errand.point:
            os.kill(os.getpid(), signal.SIGKILL)

    Executor.at_commit = staticmethod(at_commit)  # type: ignore[method-assign]
    if errand.brick:
        have_brick(errand.uri)
    verb = VERBS[errand.verb]
    key = ObjectKey(verb.subject, "alpha", "alpha" if verb.makes else errand.subject)
    secret = {each.name for each in parameters(verb.request) if each.secret}
    options = {
        name: Secret(value) if name in secret else value for name, value in errand.options.items()
    }
    options = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    hosts = {"alpha": errand.uri, **errand.others}
    fleet = Fleet.open(
        [f"{name}={uri}" for name, uri in hosts.items()], journal=Path(errand.journal)
    )
    async with fleet:
        assert await fleet.ready(20 * PATIENCE)
        if verb.subject == "snapshot":
            await fleet.snapshots(owner_of(key))
        await until(lambda: subject_of(fleet.state, key) is not None)
        # A verb that needs a volume, or takes one away, is refused while a disk is not known.
        await until(lambda: all(row.described for row in fleet.state.instances.values()))
        if any(map(errand.options.get, verb.storage_for)):
            await until(lambda: bool(fleet.state.pools) and _read(fleet, "alpha"))
        if errand.others and verb.storage_for:
            await until(lambda: all(_read(fleet, name) for name in hosts))
        if verb.makes or verb.subject == "volume":
            await until(lambda: _read(fleet, "alpha"))
        operation = await fleet.submit(verb.at(key, errand.subject, options))
        with suppress(VirtdeckError):  # of an operation that ends otherwise than done
            await operation


def have_brick(uri: str) -> None:
    """Have os-brick connect the volumes of GPFS, which needs no kernel and no root."""
    here = replace(brick_host(uri), root=False)
    PROTOCOLS["gpfs"] = replace(PROTOCOLS["gpfs"], brick=True)
    connecting.place_of = lambda *_: here


def _read(fleet: Fleet, name: str) -> bool:
    """Whether all that something is planned from is known of a host."""
    return _listed(fleet, name) and all(one.described for one in fleet.state.volumes.values())


def _listed(fleet: Fleet, name: str) -> bool:
    host = fleet.state.hosts[name]
    return bool(host.facts and {"pools", "volumes", "networks"} <= host.listed)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(carry_out(msgspec.json.decode(line, type=Errand)))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

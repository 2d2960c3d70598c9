"""Records the tape the screens are tested with, on a lab of its own.

`python -m tests.screens.record_tapes FILE` brings up two real hosts with their guests, works on
them, kills a hypervisor process and then a daemon, and writes what the core observed. What names
the machine it ran on is replaced.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.errors import VirtdeckError
from core.fleet import Fleet
from core.journal.record import Recorder
from core.lab import Lab, wait_ready
from core.model import InstanceState, LinkStatus, ObjectKey
from tests.verbs import REQUESTS

LAB = "tapes"
AUTHOR = "ann@console"


async def main(path: Path) -> None:
    lab = Lab(LAB)
    lab.up(say=print)
    for host, guest in (("alpha", "web"), ("alpha", "db"), ("beta", "mail")):
        wait_ready(lab.host(host), guest)
    lab.host("beta").virsh("snapshot-create-as", "mail", "before-upgrade", "clean state")
    lab.host("beta").virsh("snapshot-create-as", "mail", "after-upgrade", "new kernel")
    with tempfile.TemporaryDirectory() as directory:
        raw = Path(directory) / "raw.jsonl"
        try:
            await record(lab, raw, Path(directory) / "journal.db")
        finally:
            lab.down(say=print)
        write_clean(raw, path)


async def record(lab: Lab, raw: Path, journal: Path) -> None:
    uris = [f"{host.name}={host.uri}" for host in lab.hosts]
    fleet = Fleet.open(uris, journal=journal)
    recorder = Recorder(raw, fleet.links.names, virtdeck="0.1.0")
    started = asyncio.get_running_loop().time()

    def mark(what: str) -> None:
        print(f"{asyncio.get_running_loop().time() - started:6.1f} s: {what}")

    fleet.tap = recorder.write
    async with fleet:
        await fleet.ready(30)
        await until(lambda: all(one.described for one in fleet.state.instances.values()))
        for key in fleet.state.instances:
            await fleet.detail(key)
        mark("listed")
        await asyncio.sleep(30)
        mark("loaded")
        for verb, name in (("pause", "web"), ("resume", "web"), ("start", "archive")):
            await operate(fleet, verb, name)
            await asyncio.sleep(3)
        mark("operated")
        await fleet.submit(REQUESTS["shutdown"](subject=key_of(fleet, "db")))
        await asyncio.sleep(1)
        mark("shutting down")
        await asyncio.sleep(6)
        os.kill(lab.host("beta").qemu_pid("mail"), signal.SIGKILL)
        await until(lambda: state_of(fleet, "mail") is InstanceState.SHUTOFF)
        await asyncio.sleep(5)
        mark("mail crashed")
        os.kill(lab.host("beta").pid, signal.SIGKILL)
        await until(lambda: fleet.state.hosts["beta"].link.status is LinkStatus.DOWN)
        await asyncio.sleep(8)
        mark("beta lost")
        fleet.tap = None
    recorder.close()


async def operate(fleet: Fleet, verb: str, name: str) -> None:
    try:
        await (await fleet.submit(REQUESTS[verb](subject=key_of(fleet, name))))
    except VirtdeckError as error:
        print(f"{verb} {name}: {error}")


def key_of(fleet: Fleet, name: str) -> ObjectKey:
    return next(key for key, one in fleet.state.instances.items() if one.name == name)


def state_of(fleet: Fleet, name: str) -> InstanceState:
    return fleet.state.instances[key_of(fleet, name)].state


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of many kinds, seldom
            await asyncio.sleep(0.05)


def write_clean(raw: Path, path: Path) -> None:
    """Copy a tape without the names of this machine, its user and its folders."""
    text = raw.read_text()
    lines = text.splitlines()
    author = next(
        (line.split('"author":"')[1].split('"')[0] for line in lines if '"author":"' in line), ""
    )
    for machine, plain in (
        (author, AUTHOR),
        (f'"hostname":"{socket.gethostname()}"', '"hostname":"node1"'),
        (f"/tmp/vd-{account_of(lines)}/{LAB}", "/run/lab"),
    ):
        if machine:
            text = text.replace(machine, plain)
    with path.open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        packed.write(text.encode())


def account_of(lines: list[str]) -> str:
    """The number in the lab's folder name."""
    marked = next(line for line in lines if "/tmp/vd-" in line)
    return marked.split("/tmp/vd-")[1].split("/")[0]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

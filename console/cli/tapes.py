"""`record` and `replay`: tapes; `demo`: the lab with the console on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import click

from console.cli.completeness import (
    INCOMPLETE,
    complete,
    descriptions,
    listed,
    networks,
    tell,
)
from console.cli.invocation import Invocation, called, common, version
from console.cli.live import on_fleet
from console.cli.output import note
from console.cli.storage_gaps import volume_sizes
from console.format import duration, plural, size
from core.errors import NotFoundError, TapeError, VirtdeckError
from core.fleet import Fleet
from core.journal.record import FLUSH_EVERY, Recorder
from core.model import Delta, ObjectKey, Observation

_PICTURE = (networks, listed("volumes"), descriptions, volume_sizes)
"""What a tape has of every host before its time begins to count."""
FILE = click.Path(path_type=Path, dir_okay=False)


class _Taping:
    """A recorder as a fleet's tap: a tape that cannot be written ends the recording, not the link.

    Runs on the command's loop.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, observation: Observation) -> None:
        if self.failed.done():
            return
        try:
            self.recorder.write(observation)
        except TapeError as error:
            self.failed.set_exception(error)

    async def run(self) -> None:
        """Flush while nothing comes either, until cancelled; raises TapeError."""
        while not self.failed.done():
            await asyncio.wait({self.failed}, timeout=FLUSH_EVERY)
            if not self.failed.done():
                self.recorder.flush()
        self.failed.result()


@click.command()
@click.argument("file", type=FILE)
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after so long; else at Ctrl-C.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common
@click.pass_obj
def record(invocation: Invocation, file: Path, seconds: float | None, force: bool) -> int:
    """Record every event and figure of the hosts to FILE (compressed when it ends in .gz)."""
    tapings: list[_Taping] = []
    status = 0

    def prepare(fleet: Fleet) -> None:
        recorder = Recorder(file, fleet.links.names, virtdeck=version(), force=force)
        tapings.append(_Taping(recorder))
        fleet.tap = tapings[0]

    async def work(fleet: Fleet) -> int:
        nonlocal status
        status = tell(await complete(fleet, *_PICTURE))
        changes = fleet.changes()
        there = set(fleet.state.instances)
        if not await _read_details(fleet, there):
            status = INCOMPLETE
        end = f"for {duration(seconds)}" if seconds is not None else "until Ctrl-C"
        note(f"Recording {plural(len(fleet.state.hosts), 'host')} {end}.")
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(tapings[0].run(), _follow(fleet, changes, there))
        except TimeoutError:
            return status
        finally:
            fleet.tap = None  # that we leave is nothing that happened to the hosts
        return status

    try:
        return on_fleet(invocation, work, prepare=prepare)
    except KeyboardInterrupt:
        return status
    finally:
        for taping in tapings:
            _finish(taping.recorder, file)


def _finish(recorder: Recorder, file: Path) -> None:
    try:
        recorder.close()
    finally:
        note(
            f"{file}: {plural(recorder.written, 'observation')}, {size(file.stat().st_size)}. "
            f"Watch it with: virtdeck replay {file}"
        )


async def _read_details(fleet: Fleet, keys: Iterable[ObjectKey]) -> bool:
    """Put the details of instances on the tape; those that cannot be read are told.

    Returns whether none was left out; one that is gone by then is none.
    """

    async def read(key: ObjectKey) -> bool:
        instance = fleet.state.instances.get(key)
        name = key.id if instance is None else instance.name
        try:
            await fleet.detail(key)
        except VirtdeckError as error:
            note(f"{name}: no details on the tape: {error.message}")
            return isinstance(error, NotFoundError)
        return True

    return all(await asyncio.gather(*map(read, keys)))


async def _follow(fleet: Fleet, changes: AsyncIterator[Delta], there: set[ObjectKey]) -> None:
    """Put the details of every instance that appears on the tape, until cancelled."""
    async for delta in changes:
        there -= delta.gone
        new = {key for key in delta.changed if key.kind == "instance"} - there
        there |= new
        await _read_details(fleet, new)


@click.command()
@click.argument("file", type=FILE)
@click.option("--speed", type=click.FloatRange(0.25, 64), default=1.0, show_default=True,
              help="Seconds of tape per second.")  # fmt: skip
@click.option("--at", "at_", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS",
              help="Begin so far into the tape.")  # fmt: skip
@click.option("--check", is_flag=True, help="Only check the tape and say what is on it.")
@common
@click.pass_obj
def replay(invocation: Invocation, file: Path, speed: float, at_: float, check: bool) -> int:
    """Open the console on a tape that `virtdeck record` wrote; libvirt is not needed."""
    from console.cli.opening import open_console
    from core.journal.replay import Replay

    source = Replay(file)
    try:
        if source.tape.warning:
            note(f"{source.tape.warning} What is there is played.")
        if check:
            header = source.tape.header
            note(
                f"{file}: {plural(len(source.tape), 'observation')} of {', '.join(header.hosts)}, "
                f"{duration(source.tape.duration)}, by virtdeck {header.virtdeck}"
            )
            return 0
        source.player.speed = speed
        source.player.seek(at_)
        return open_console(invocation, lambda: source)
    finally:
        source.close()


@click.command()
@click.option("--name", default="demo", show_default=True, help="Which lab.")
@common
@click.pass_obj
def demo(invocation: Invocation, name: str) -> int:
    """Bring the lab up, two real hosts with small guests, and open the console on it."""
    from console.cli.opening import open_console, require_terminal
    from core.lab import Lab

    require_terminal()
    lab = Lab(name)
    lab.up(say=note)
    invocation.connect[:] = [f"{host.name}={host.uri}" for host in lab.hosts]
    status = open_console(invocation)
    which = "" if name == "demo" else f" --name {name}"
    note(f"The lab {name} keeps running; `{called()} lab down{which}` ends it.")
    return status

"""`console`: a guest's serial console on this terminal, as `virsh console` has it, but careful."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import click

from console.cli import lookup
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common
from console.cli.live import on_fleet, once
from console.cli.output import note
from console.terminal.filters import LEAVE, TerminalFilter
from core.errors import (
    HypervisorError,
    OutcomeUnknownError,
    UnreachableError,
    UsageError,
    VirtdeckError,
)
from core.fleet import Fleet, Reading
from core.model import Instance
from core.model.console import ConsoleEnd
from core.model.text import clean
from core.source import OpenConsole
from core.verbs.caution import Caution, Danger

DETACH = b"\x1d"
"""ctrl+], as in virsh and telnet."""


@click.command()
@click.argument("name")
@click.option("--device", metavar="ALIAS", default="", help="Which console: serial1, console0 ...")
@click.option("--force", is_flag=True, help="Take it over from whoever has it open.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask before taking it over.")
@common
@click.pass_obj
def console(invocation: Invocation, name: str, device: str, force: bool, sure: bool) -> int:
    """Type into the serial console of the instance NAME; ctrl+] lets go.

    Of what the guest sends only what draws reaches this terminal: no titles, no clipboard, no
    window commands. Exit status: 0 after ctrl+] or when the instance stopped, 1 when another
    client has the console or took it, 3 when the link broke.
    """
    if not (os.isatty(0) and os.isatty(1)):
        cure = "Over ssh: `ssh -t HOST virtdeck console NAME`; in a script: `virtdeck exec`."
        raise UsageError("A console needs a terminal.", cure)

    async def work(fleet: Fleet) -> int:
        found = lookup.instance(fleet.state, name)
        if force:
            confirm(_danger(found), sure=sure)
        opened = await fleet.consoles.open(found.key, device, force=force)
        try:
            return await _talk(opened, found)
        finally:
            await opened.close()

    return on_fleet(invocation, work, tolerate_down=True, **once(Reading.INSTANCES))


def _danger(found: Instance) -> Danger:
    text = f"Whoever has the console of {found.name} open is cut off in the middle of it."
    return Danger(Caution.TYPE, text, found.name)


async def _talk(opened: OpenConsole, found: Instance) -> int:
    """Pass keys one way and what draws the other, until either side ends it."""
    note(f"The console of {clean(found.name)} on {clean(found.host)}. ctrl+] lets go.")
    with _raw(sys.stdin.fileno()):
        reading = asyncio.ensure_future(_show(opened))
        typing = asyncio.ensure_future(_type(opened))
        try:
            await asyncio.wait((reading, typing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, typing):
                task.cancel()
            await asyncio.gather(reading, typing, return_exceptions=True)
            _write(LEAVE.encode() + b"\r\n")
    if reading.done() and not reading.cancelled():
        reading.result()
        return _ended(opened)
    typing.result()
    note("Let go.")
    return 0


async def _show(opened: OpenConsole) -> None:
    passing = TerminalFilter()
    while data := await opened.read():
        _write(passing.pass_on(data))


async def _type(opened: OpenConsole) -> None:
    """Send what is typed, until ctrl+] or the end of the terminal."""
    loop, typed = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    fd = sys.stdin.fileno()

    def read() -> None:
        try:
            typed.put_nowait(os.read(fd, 4096))
        except OSError:  # the terminal is gone
            typed.put_nowait(b"")

    # Read there and then: where nothing is left a later reading waits for the next key, and with
    # it all that the guest writes.
    loop.add_reader(fd, read)
    try:
        while True:
            data = await typed.get()
            before, detach, _ = data.partition(DETACH)
            try:
                await opened.write(before)
            except UsageError as error:
                _write(f"\r\n{error}\r\n".encode())
            if detach or not data:
                return
    finally:
        loop.remove_reader(fd)


def _ended(opened: OpenConsole) -> int:
    """Say why it ended: the exit status, or the error that has it."""
    why = opened.why
    error: VirtdeckError
    if opened.end is ConsoleEnd.OFF:
        note(why)
        return 0
    if opened.end is ConsoleEnd.LOST:
        error = UnreachableError(why, "The guest goes on; open the console again.")
    elif opened.end is ConsoleEnd.TAKEN:
        error = HypervisorError(why, "--force takes it back.")
    else:
        error = OutcomeUnknownError(why, "Open it again.")
    raise error


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


@contextmanager
def _raw(fd: int) -> Iterator[None]:
    """Have each key at once and unchanged, as long as it lasts."""
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSADRAIN)  # what was typed meanwhile goes to the guest
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)

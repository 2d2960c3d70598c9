"""Runs the README's two commands on the machine, as a person would: until the console opens."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence

from core.lab.guests import GUESTS
from tests.bench.terminal import Terminal
from tests.debian.machine import Machine

INSTANCES = [guest.name for guests in GUESTS.values() for guest in guests]
HANG = 1800.0
"""Seconds after which a command on the terminal is taken to hang. The first one installs it all."""


class ReadmeError(Exception):
    """A command of the README did not do what it says; the text has what the terminal showed."""


def check(machine: Machine) -> None:
    """Raise ReadmeError unless both commands open the console on the lab and leave it well."""
    _open_console(machine, ["demo"])
    listed = machine.command(["./dev", "run", "lab", "status", "--json"])
    done = subprocess.run(listed, stdout=subprocess.PIPE, check=True)
    hosts = json.loads(done.stdout)["hosts"]
    named = [word for host in hosts for word in ("-c", f"{host['name']}={host['uri']}")]
    _open_console(machine, ["run", *named])
    machine.run(["./dev", "run", "lab", "down"])


def _open_console(machine: Machine, words: Sequence[str]) -> None:
    """Run `./dev WORDS` until the console shows every instance of the lab, then leave it."""
    shown = " ".join(["./dev", *words])
    print(f"$ {shown}", flush=True)
    with Terminal(command=machine.command(["./dev", *words], "xterm-256color")) as terminal:
        _read_until(terminal, lambda: _shows_instances(terminal))
        if not _shows_instances(terminal):
            raise ReadmeError(f"{shown}: no console with instances\n{_text(terminal)}")
        print(_text(terminal), flush=True)
        terminal.press("q")
        _read_until(terminal, terminal.ended)
        if terminal.status != 0:
            raise ReadmeError(f"{shown}: exit status {terminal.status}\n{_text(terminal)}")


def _read_until(terminal: Terminal, condition: Callable[[], bool]) -> None:
    """Read until the condition holds, the command has ended, or it hangs."""
    end = time.monotonic() + HANG
    while not condition() and time.monotonic() < end:
        if not terminal.feed(0.2) and terminal.ended():
            return


def _shows_instances(terminal: Terminal) -> bool:
    words = {word for line in terminal.screen.display for word in line.split()}
    return words.issuperset(INSTANCES)


def _text(terminal: Terminal) -> str:
    return "\n".join(line.rstrip() for line in terminal.screen.display).strip("\n")

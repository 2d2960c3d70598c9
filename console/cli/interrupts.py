"""Ctrl-C as a question: what becomes of what runs is the operator's to say."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from console.cli.output import note

ABORT, STOP, LEAVE, CONTINUE = "abort", "stop", "leave", "continue"
_CHOICES = {"a": ABORT, "l": LEAVE, "c": CONTINUE, "": CONTINUE}
_WITH_STOP = {**_CHOICES, "s": STOP}


def can_ask() -> bool:
    """Whether there is a terminal to ask on."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


@contextmanager
def caught() -> Iterator[asyncio.Event]:
    """While inside, Ctrl-C only sets the event; where nobody can be asked it does what it did."""
    pressed = asyncio.Event()
    if not can_ask():
        yield pressed
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, pressed.set)
    try:
        yield pressed
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


async def choice(question: str, pressed: asyncio.Event, *, may_stop: bool = False) -> str:
    """Ask until the answer is `a`, `l` or `c` (or enter); Ctrl-C once more, or no answer: leave.

    With `may_stop` it may be `s`, too.

    The loop goes on meanwhile: what is asked about must not stand still.
    """
    pressed.clear()
    choices = _WITH_STOP if may_stop else _CHOICES
    while True:
        note(question)
        line = await _line(pressed)
        if line is None:
            return LEAVE
        if (chosen := choices.get(line.strip().lower()[:1])) is not None:
            return chosen


async def _line(pressed: asyncio.Event) -> str | None:
    """A line typed on the terminal; None at its end and after Ctrl-C."""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    stdin = sys.stdin.fileno()
    loop.add_reader(stdin, typed.set)
    waits = [asyncio.ensure_future(event.wait()) for event in (typed, pressed)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if pressed.is_set():
            return None
        return os.read(stdin, 1024).decode(errors="replace") or None
    finally:
        loop.remove_reader(stdin)
        for wait in waits:
            wait.cancel()

"""The calls that are made to one migration: noted before they are made, and when they returned."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec.structs import replace

from core.clock import Clock
from core.errors import VirtdeckError
from core.model import OperationStep
from core.model.text import clean

T = TypeVar("T")

Note = Callable[[OperationStep, OperationStep | None], None]
"""Takes a call that is about to be made; or, second, one it took before, with what came of it."""

UriOf = Callable[[str], str]
"""Returns the address of a host by its name here; empty for one that is not open."""


class CallNotes:
    """Notes each call with its virsh line, its time and its result. On the core's loop only."""

    def __init__(self, clock: Clock, uri_of: UriOf, note: Note) -> None:
        self._clock = clock
        self._uri_of = uri_of
        self._note = note

    def begin(self, host: str, word: str, text: str, virsh: str) -> OperationStep:
        """Note a call about to be made: its name, the line for the log, and what virsh calls it."""
        step = self.step(host, word, text, virsh)
        self._note(step, None)
        return step

    def step(self, host: str, word: str, text: str, virsh: str) -> OperationStep:
        """Return what is noted of a call."""
        return OperationStep(self._clock.now(), text, word, _connected(virsh, self._uri_of(host)))

    def take_back(self, step: OperationStep) -> None:
        """Note that a call was not made after all; its line stays in the log."""
        self._note(OperationStep(step.at, step.text), step)

    async def answer(self, step: OperationStep, work: Awaitable[T]) -> T:
        """Make the call of a step, and note what came of it; raises what `work` raises."""
        began = self._clock.monotonic()
        try:
            result = await work
        except VirtdeckError as error:
            self._note(replace(step, took=self._since(began), error=error.message), step)
            raise
        self._note(replace(step, took=self._since(began)), step)
        return result

    async def make(self, host: str, word: str, text: str, virsh: str, work: Awaitable[T]) -> T:
        """Note a call, make it, and note what came of it; raises what `work` raises."""
        return await self.answer(self.begin(host, word, text, virsh), work)

    def _since(self, began: float) -> float:
        return self._clock.monotonic() - began


def _connected(virsh: str, uri: str) -> str:
    """Return a virsh command with the host it goes to, as those of all other calls have it."""
    program, _, rest = virsh.partition(" ")
    if not rest or rest.startswith("-c ") or not uri:
        return virsh
    return f"{program} -c {shlex.quote(clean(uri))} {rest}"

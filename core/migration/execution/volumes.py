"""Volumes that hosts connect: at the destination before a move, and let go of after it.

Each is an operation of its own, which any console goes on with; what is left over is in the ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from core.errors import VirtdeckError
from core.model import ObjectKey, OperationRecord, OperationStatus, Request, State
from core.model.text import clean
from core.state.connections import connections_of
from core.verbs.connected import left_behind
from core.verbs.device.host_requests import ConnectVolume, DisconnectVolume
from core.verbs.migration.requests import Migrate
from core.verbs.situation import End

Submit = Callable[[Request], Awaitable[Awaitable[OperationRecord]]]
"""Has something done; what it returns is waited for, and raises what became of it."""


class MovedVolumes:
    """The volumes of instances that migrate. On the core's loop only."""

    def __init__(self, submit: Submit, state: Callable[[], State]) -> None:
        self._submit = submit
        self._state = state
        self._connecting: dict[ObjectKey, Awaitable[OperationRecord]] = {}
        """By instance: what was asked for last."""

    async def connect(self, request: Migrate, say: Callable[[str], None]) -> bool:
        """Have the destination connect what it has not; whether there was any. Raises
        VirtdeckError: what was connected before that is let go of by `settle`."""
        left = left_behind(self._state(), request.subject, request.to, request.rewrites)
        for target, one in left.items():
            say(f"having {request.to} connect {clean(one.word)}")
            wanted = ConnectVolume(
                _host(request.to), request.subject.id, target, multipath=one.multipath
            )
            self._connecting[request.subject] = operation = await self._submit(wanted)
            await operation
        return bool(left)

    async def settle(self, subject: ObjectKey, to: str, end: End) -> End:
        """Have the host that the instance is not on let go of its volumes; nothing raises.

        Of a move of which nobody saw what became both keep them.
        """
        if (connecting := self._connecting.pop(subject, None)) is not None:
            with suppress(VirtdeckError):  # it may be under way yet: it was aborted
                await connecting
        if end.status is OperationStatus.UNKNOWN:
            return end
        host = subject.host if end.status is OperationStatus.DONE else to
        volumes = connections_of(self._state(), ObjectKey("instance", host, subject.id))
        notes = []
        for one in volumes.values():
            word = clean(one.word)
            try:
                await (await self._submit(DisconnectVolume(_host(host), one.handle)))
            except VirtdeckError as error:
                notes.append(f"; {word} stays connected on {host}: {error.message.rstrip('.')}")
            else:
                notes.append(f"; {word} is disconnected from {host}")
        return replace(end, outcome=f"{end.outcome.rstrip('.')}{''.join(notes)}") if notes else end


def _host(name: str) -> ObjectKey:
    return ObjectKey("host", name, name)

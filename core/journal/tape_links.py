"""The links of a tape: it has none, and all that it knows is in its state."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.errors import NotFoundError
from core.model import ObjectKey
from core.model.checkpoint import Checkpoint
from core.verbs.call import Call


class TapeLinks:
    """A `core.source.Links`: a tape has none."""

    async def reconnect(self, host: str) -> None:
        """Do nothing: a tape has no links."""
        del host

    async def refresh(self) -> None:
        """Do nothing: a tape never changes."""

    async def look(self, key: ObjectKey) -> None:
        """Do nothing: what is on the tape is all there is."""
        del key

    async def ask(self, subject: ObjectKey, calls: Sequence[Call]) -> None:
        """Do nothing: there is nobody to ask."""
        del subject, calls

    async def checkpoints(self, key: ObjectKey) -> tuple[Checkpoint, ...] | None:
        """Raise NotFoundError: what a tape has of them is in its state."""
        del key
        raise NotFoundError("A tape does not read the checkpoints of an instance.")

    async def host_devices(self, host: str, names: Collection[str] = ()) -> None:
        """Do nothing: what a tape has of them is in its state."""
        del host, names

    async def network_use(self, key: ObjectKey) -> None:
        """Return nothing: a tape reads no leases."""
        del key

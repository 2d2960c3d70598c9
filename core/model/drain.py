"""A host being emptied: which of its instances go where, and how far each of them is."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value


class Stage(StrEnum):
    """Where one instance of a drain stands."""

    WAITING = "waiting"
    MOVING = "moving"
    """Its migration was asked for: an operation of its own."""
    MOVED = "moved"
    STAYS = "stays"
    """It was skipped or failed: the host is not empty of it."""
    LEFT = "left"
    """It is off, or gone: nothing of it runs on the host, and nothing was done to it."""

    @property
    def settled(self) -> bool:
        """Whether nothing more is done about it."""
        return self not in (Stage.WAITING, Stage.MOVING)


class DrainItem(Value, frozen=True):
    """One instance of a drain."""

    uuid: str
    name: str
    memory: int = 0
    """Bytes it may have, which its destination must have free."""
    to: str = ""
    stage: Stage = Stage.WAITING
    operation: str = ""
    """The id of its migration; empty while it waits, or when the console died as it asked."""
    bandwidth: int | None = None
    """MiB/s it was last given of what is shared; None: nothing is shared with it."""
    reason: str = ""
    """Why it stays or was left, in the words of whoever said no."""


class DrainProgress(Value, frozen=True):
    """What is kept of a drain: enough for another console to go on with it."""

    planned: bool = False
    """The whole set was looked at; until then it can be looked at again."""
    items: tuple[DrainItem, ...] = ()
    """In the order they are begun."""
    stopped: str = ""
    """Why no further one is begun; empty: it goes on."""

    def at(self, *stages: Stage) -> tuple[DrainItem, ...]:
        """The items in some stages, in their order."""
        return tuple(item for item in self.items if item.stage in stages)

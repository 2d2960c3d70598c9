"""Both hosts of a cold migration, found by the marks that it has left. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.model import Instance, ObjectKey, Request, State
from core.verbs.around import around
from core.verbs.situation import Situation


@dataclass(frozen=True, slots=True)
class Sides:
    """Both hosts of a cold migration, and what they have of it."""

    move: str
    source: str
    destination: str
    at_source: Instance | None
    """None: it is gone there, or not that move's any more."""
    at_destination: Instance | None


def sides_of(state: State, key: ObjectKey) -> Sides | None:
    """Return both sides of the cold migration of an instance; None: it has no mark of one."""
    here = state.instances.get(key)
    return None if here is None else sides_in(here, around(state, key).twins.values())


def sides_in(here: Instance, twins: Iterable[Instance]) -> Sides | None:
    """Return both sides from what one host, and the others, have of an instance."""
    if here.cold is None:
        return None
    twin = next((one for one in twins if _matches(here, one)), None)
    other = here.cold.other if twin is None else twin.host
    if here.cold.role == "source":
        return Sides(here.cold.id, here.host, other, here, twin)
    return Sides(here.cold.id, other, here.host, twin, here)


def _matches(one: Instance, other: Instance) -> bool:
    if one.cold is None or other.cold is None:
        return False
    return one.cold.id == other.cold.id and one.cold.role != other.cold.role


def has_mark(instance: Instance | None, move: str) -> bool:
    """Whether an instance, where it is there, has the mark of a move."""
    return instance is not None and instance.cold is not None and instance.cold.id == move


def sides_now(now: Situation) -> Sides | None:
    """Return both sides as they were read last; None: it has no mark, or is gone."""
    return None if now.instance is None else sides_in(now.instance, now.around.twins.values())


def all_described(state: State, request: Request) -> bool:
    """Whether all of what hosts have of an instance was read: its mark is only in its XML."""
    here = state.instances.get(request.subject)
    twins = around(state, request.subject).twins.values()
    return here is not None and all(one.described for one in (here, *twins))


def volumes_of(instance: Instance | None) -> tuple[str, ...]:
    """Return the volumes that are a side's own."""
    if instance is None or instance.cold is None:
        return ()
    return tuple(one.path for one in instance.cold.volumes)

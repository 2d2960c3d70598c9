"""What evacuating a dead host would do, instance by instance: looked at before anybody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase

from core.errors import NotFoundError, VirtdeckError
from core.model import LinkStatus, ObjectKey, PoolState, State
from core.model.base import Value
from core.model.kept import KeptDefinition, KeptHost
from core.model.text import clean, did_you_mean
from core.source import Source
from core.state.checkpoints import known_names
from core.verbs.connected import moves
from core.verbs.create.calls import ProveCall
from core.verbs.evacuation.plan import planned
from core.verbs.evacuation.requests import Evacuate

AT_ONCE = 4
"""Instances that are looked at together: their disks are opened for it."""


class SurveyedInstance(Value, frozen=True):
    """What would be done about one instance."""

    request: Evacuate
    read: float
    """When its definition was read."""
    notes: tuple[str, ...] = ()
    """What is not as it was, a clause each."""
    against: str = ""
    """Why it is left alone, a sentence; empty: it is evacuated."""
    there: bool = False
    """Its new host has it already, as it was: nothing is left to do."""


class Survey(Value, frozen=True):
    """What would be done about a dead host."""

    source: str
    to: str
    seen: float
    """When it was seen last."""
    instances: tuple[SurveyedInstance, ...] = ()
    unseen: tuple[str, ...] = ()
    """Other hosts that do not answer: nobody sees what runs there."""

    @property
    def requests(self) -> tuple[Evacuate, ...]:
        """What is asked for, once it is stated that the host is fenced."""
        return tuple(one.request for one in self.instances if not one.against)


async def survey(
    source: Source,
    dead: str,
    to: str,
    names: Sequence[str] = (),
    *,
    shared: bool = False,
) -> Survey:
    """Look at everything: whether the host answers, where its instances are, at their disks.

    Changes nothing. On the source's loop. Raises NotFoundError for a name that nothing kept has,
    and for a host of which nothing is kept; JournalError, ReadOnlyError, UnreachableError.
    """
    await source.kept.knock(dead)
    kept = await source.kept.host(dead)
    wanted = _wanted(kept, dead, names)
    await source.kept.look_again(to, _pools(source.state, to))
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(definition: KeptDefinition) -> SurveyedInstance:
        async with turns:
            return await _look(source, kept, definition, dead, to, shared=shared)

    found = await asyncio.gather(*map(look, wanted))
    unseen = tuple(
        host.name
        for host in source.state.hosts.values()
        if host.name not in (dead, to) and host.link.status is not LinkStatus.UP
    )
    return Survey(dead, to, kept.seen, tuple(found), unseen)


def _wanted(kept: KeptHost, dead: str, names: Sequence[str]) -> list[KeptDefinition]:
    if not kept.definitions:
        raise NotFoundError(
            f"No definitions of {clean(dead)} are kept.",
            "They are read while a console is open on a host: that must have been so before.",
        )
    if not names:
        return list(kept.definitions)
    found: dict[str, KeptDefinition] = {}
    for name in names:
        fitting = [
            one
            for one in kept.definitions
            if name in (one.name, one.uuid) or fnmatchcase(one.name, name)
        ]
        if not fitting:
            near = did_you_mean(name, [one.name for one in kept.definitions])
            raise NotFoundError(
                f"Nothing called {clean(name)!r} is kept of {clean(dead)}.",
                near or "Leave the names out to see all.",
            )
        found |= {one.uuid: one for one in fitting}
    return list(found.values())


def _pools(state: State, host: str) -> list[str]:
    return [
        pool.uuid
        for pool in state.pools.values()
        if pool.host == host and pool.state is PoolState.ACTIVE
    ]


def _answers(state: State, name: str) -> bool:
    host = state.hosts.get(name)
    return host is not None and host.link.status is LinkStatus.UP


async def _look(
    source: Source,
    kept: KeptHost,
    definition: KeptDefinition,
    dead: str,
    to: str,
    *,
    shared: bool,
) -> SurveyedInstance:
    state, lost = source.state, ObjectKey("instance", dead, definition.uuid)
    request = Evacuate(
        ObjectKey("instance", to, definition.uuid),
        source=dead,
        fenced=dead,
        name=definition.name,
        start=definition.ran,
        autostart=definition.autostart,
        shared=shared,
        checkpoints=known_names(state, lost),
    )
    host = state.hosts.get(to)
    listed = host is not None and "networks" in host.listed
    networks = tuple(one for one in state.networks.values() if one.host == to) if listed else None
    volumes = tuple(one for one in state.volumes.values() if one.host == to)
    plan = planned(request, kept, definition, host, networks, volumes, moves(state, lost, to))
    row = state.instances.get(request.subject)
    answers = _answers(state, dead)
    if row is not None and not answers and (row.state.active or not definition.ran):
        is_so = "runs" if row.state.active else "is defined"
        there = f"it {is_so} on {to} already."
        return SurveyedInstance(request, definition.read, (), there, there=True)
    against = " ".join(map(str, source.check(request)))
    if not against and plan.against:
        against = f"{plan.against}."
    if not against:
        try:
            await source.links.ask(request.subject, (ProveCall(plan.plan), plan.disks))
        except VirtdeckError as error:
            against = str(error)
    return SurveyedInstance(request, definition.read, plan.notes, against)

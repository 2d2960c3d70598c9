"""What only the XML of instances tells, read before a verb is judged. On the source's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from core.errors import NotFoundError, VirtdeckError
from core.model import Instance, ObjectKey, OperationStatus, Preflight, Request, State
from core.source import Source
from core.verbs.around import around
from core.verbs.migration.requests import Migrate
from core.verbs.preview import planned, situation_of
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.registry import verb_of
from core.verbs.situation import End
from core.verbs.verb import Verb

LOOKED_AT = 50
"""With more instances than this the check of the operation itself has to do."""
AT_ONCE = 4
"""Definitions that are read together."""


def undescribed(state: State, verb: Verb, keys: Sequence[ObjectKey]) -> list[ObjectKey]:
    """Return the instances and networks of which a verb needs what nobody has read.

    Of the first few.
    """
    wanted = list(keys[:LOOKED_AT])
    bare = [found for key in wanted if (found := state.networks.get(key)) and not found.described]
    if bare and verb.needs_description:
        return [network.key for network in bare]
    if verb.two_hosts:
        wanted += [one.key for key in wanted for one in around(state, key).twins.values()]
    rows = [state.instances.get(key) for key in wanted]
    return [
        row.key
        for row in rows
        if row is not None
        and (
            (verb.needs_description and not row.described)
            or ("snapshots" in verb.looks_at and row.key not in state.snapshots)
            or ("checkpoints" in verb.looks_at and row.key not in state.checkpoints)
        )
    ]


async def definitions_of(
    source: Source, keys: Sequence[ObjectKey]
) -> dict[ObjectKey, Instance | None]:
    """Read how the next start of instances would have them, a few at a time.

    None: it has none, it is transient. What could not be read is not in it.
    """
    from core.xml.instance import read_instance

    turns = asyncio.Semaphore(AT_ONCE)
    found: dict[ObjectKey, Instance | None] = {}

    async def read(key: ObjectKey) -> None:
        async with turns:
            try:
                found[key] = read_instance(await source.definitions.document(key), key.host)
            except NotFoundError:
                found[key] = None
            except VirtdeckError:
                return

    await asyncio.gather(*map(read, keys))
    return found


async def trial(source: Source, request: Request) -> Refusal | None:
    """Have the host judge what a request would make, without making it; None: it would take it."""
    calls = [send.call for send in planned(source.state, request) if send.call.probe]
    verb = verb_of(request)
    try:
        if verb.preflight is not None:
            asked = verb.preflight(source.state, request)
            assert isinstance(asked, Migrate), "whose preflight it is"
            return _blocked(await source.migrations.preflight(asked))
        await source.links.ask(request.subject, calls)
        return await _refused_by_document(source, request)
    except VirtdeckError as error:
        cure = f"{error.hint[:1].lower()}{error.hint[1:]}".rstrip(".")
        return Refusal(RefusalCode.PARAMETER, error.message.rstrip("."), cure)


async def _refused_by_document(source: Source, request: Request) -> Refusal | None:
    """Have a verb decide with the definition as it is now, as its operation would first.

    Raises UnreachableError, DeadlineError.
    """
    verb = verb_of(request)
    if verb.decide is None or not verb.tries_document:
        return None
    if (key := verb.document_of(source.state, request)) is None:
        return None
    try:
        document = await source.definitions.document(key)
    except NotFoundError:  # it is transient: the operation has none either
        return None
    end = verb.decide(replace(situation_of(source.state, request), document=document))
    if not isinstance(end, End) or end.status is not OperationStatus.REFUSED:
        return None
    return Refusal(RefusalCode(end.refused), end.outcome, end.hint)


def _blocked(found: Preflight) -> Refusal | None:
    blockers = found.against_cold
    text = " ".join(finding.text for finding in blockers).rstrip(".")
    cures = " ".join(dict.fromkeys(finding.cure for finding in blockers if finding.cure))
    return Refusal(RefusalCode.DESTINATION, text, cures.rstrip(".")) if blockers else None


async def describe_volumes(source: Source, verb: Verb, requests: Sequence[Request]) -> None:
    """Read of the volumes that requests name what a listing does not tell.

    Raises UnreachableError, DeadlineError, NotFoundError.
    """
    wanted = [key for request in requests for key in verb.volumes(source.state, request)]
    for key in dict.fromkeys(wanted):
        volume = source.state.volumes.get(key)
        if volume is not None and not volume.described:
            await source.links.look(key)


async def describe_devices(source: Source, verb: Verb, requests: Sequence[Request]) -> None:
    """Read the devices of the hosts by whose devices requests are judged, unless they were.

    Raises UnreachableError, DeadlineError, NotFoundError, HypervisorError.
    """
    for host in dict.fromkeys(host for request in requests for host in verb.devices(request)):
        if host not in source.state.devices:
            await source.links.host_devices(host)


async def describe(source: Source, verb: Verb, keys: Sequence[ObjectKey]) -> None:
    """Read what the XML of instances tells, and their snapshots, as far as a verb needs them.

    Raises UnreachableError, DeadlineError, NotFoundError.
    """
    for key in undescribed(source.state, verb, keys):
        if key.kind == "network":
            await source.links.look(key)
        elif verb.needs_description:  # what `detail` reads of the XML is not the state's
            await source.read(key)
        if "snapshots" in verb.looks_at:
            await source.snapshots(key)
        if "checkpoints" in verb.looks_at:
            await source.links.checkpoints(key)

"""What each verb of a menu could be done to, and why not, before it is chosen. Any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.describing import describe, undescribed
from console.screens.form_choices import choices_of
from core.errors import VirtdeckError
from core.model import LinkStatus, ObjectKey, Request, State
from core.model.lists import plural
from core.model.secret_value import Secret
from core.source import Source
from core.verbs import second_copy
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import Parameter, parameters
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.verb import Verb

_OF_VALUES = (RefusalCode.PARAMETER,)
"""What another value of the request is the cure for: no reason not to ask for one."""
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""The UUID of what would be made."""
AT_A_TIME = 50
"""Checks between which the source gets on with its own."""


@dataclass(frozen=True, slots=True)
class VerbVerdict:
    """How many of the chosen objects a verb could be done to now."""

    able: int
    of: int
    why: str = ""
    """Why not to one that it could not be done to, as a sentence."""
    wants_values: bool = False
    """Its defaults alone would be refused: somebody has to give values."""
    unread: str = ""
    """That the XML it depends on is not read, as a sentence: what speaks against it may come."""


READING = "The XML that tells whether it can be done is being read."


async def verdicts_when_read(
    source: Source, verbs: Iterable[Verb], keys: Sequence[ObjectKey]
) -> dict[str, VerbVerdict]:
    """The same once the XML that the verbs depend on is read; what cannot be read is told."""
    known = list(verbs)
    failed = ""
    for verb in known:
        try:
            await describe(source, verb, keys)
        except VirtdeckError as error:
            failed = str(error)
    found = await verdicts(source, known, keys)
    for verb in known:
        if failed and undescribed(source.state, verb, keys):
            unread = f"Whether it can be done is not known, the XML could not be read: {failed}"
            found[verb.name] = replace(found[verb.name], unread=unread)
    return found


async def verdicts(
    source: Source, verbs: Iterable[Verb], keys: Sequence[ObjectKey]
) -> dict[str, VerbVerdict]:
    """Check each verb for each object, by the source's newest picture."""
    found = {}
    count = 0
    alone = len(keys) == 1
    for verb in verbs:
        if verb.single and not alone:
            found[verb.name] = VerbVerdict(0, len(keys), one_at_a_time(verb, len(keys)))
            continue
        reasons = []
        for key in keys:
            reasons.append(source.check(probe(source.state, verb, key, alone=alone)))
            count += 1
            if count % AT_A_TIME == 0:
                await asyncio.sleep(0)
        found[verb.name] = verdict(reasons)
    return found


def one_at_a_time(verb: Verb, count: int) -> str:
    """Why a verb cannot be done to several that are chosen, and what to do."""
    chosen = plural(count, verb.subject)
    return f"{verb.title} is done to one at a time, and {chosen} are marked. {LEAVE_ONE}"


LEAVE_ONE = "Leave one marked: space unmarks a row, ^\\ all of them."


def verdict(reasons: Sequence[Sequence[Refusal]]) -> VerbVerdict:
    """Sum up what speaks against a verb for each of several objects."""
    against = [[each for each in some if each.code not in _OF_VALUES] for some in reasons]
    why = next((str(some[0]) for some in against if some), "")
    of_values = any(each.code in _OF_VALUES for some in reasons for each in some)
    return VerbVerdict(sum(not some for some in against), len(reasons), why, of_values)


def probe(state: State, verb: Verb, key: ObjectKey, *, alone: bool) -> Request:
    """Return a request that is checked before its values are known."""
    given = {
        each.name: _any_value(state, key, each)
        for each in parameters(verb.request)
        if each.required
    }
    if verb.of_dead:
        key, given = _elsewhere(state, key), {**given, "source": key.id, "fenced": key.id}
    request = verb.at(key, _NOBODY, {**given, **_of_state(state, verb, key)})
    return second_copy.overriding(state, request) if alone else request


def _elsewhere(state: State, dead: ObjectKey) -> ObjectKey:
    """Return a host that answers, in the place of one that does not; that one where none does."""
    up = (host for host in state.hosts.values() if host.link.status is LinkStatus.UP)
    return next((host.key for host in up if host.key != dead), dead)


def wants_values(verb: Verb) -> bool:
    """Whether a verb cannot be asked for without giving it a value."""
    return any(each.required for each in parameters(verb.request))


def _any_value(state: State, key: ObjectKey, parameter: Parameter) -> Any:
    offered = choices_of(state, key, parameter.source)
    if parameter.many:
        return tuple(name for name, _ in offered[:1])
    if offered:
        return offered[0][0]
    if parameter.choices:
        return parameter.choices[0]
    if parameter.kind in (int, float):
        return parameter.kind(parameter.least or 0)
    return Secret("") if parameter.secret else parameter.kind()


def _of_state(state: State, verb: Verb, key: ObjectKey) -> Mapping[str, Any]:
    """Migrations go to any other host, and offline where it is off: as their dialog has it."""
    row = state.instances.get(key)
    if verb.request is not Migrate or row is None:
        return {}
    to = next((name for name, _ in choices_of(state, key, "hosts")), "")
    return {"offline": not row.state.active, "to": to}

"""The commands of the verbs, made from their declarations (`core.verbs`).

A verb about instances is a command of its own; one about pools or networks is a command of the
group of that kind: `virtdeck pool start NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from console.cli import interrupts
from console.cli.completeness import complete, descriptions, facts, listed, networks, tell
from console.cli.confirming import confirm
from console.cli.finding import meant, read_for
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.lookup import down_hosts, unreachable
from console.cli.making import making_command
from console.cli.output import complain
from console.cli.parameters import option, set_values
from console.cli.rehearsing import rehearse
from console.cli.storage_gaps import volume_sizes
from console.cli.subjects import is_pattern
from console.cli.verb_names import GROUPS, commands
from console.cli.waiting import carry_out, worth_asking
from console.describing import describe, describe_devices
from core.errors import RefusedError, UnreachableError, UsageError, VirtdeckError
from core.fleet import Fleet
from core.model import Request, State
from core.model.lists import listed as in_words
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.danger import danger_of
from core.verbs.parameter import parameters
from core.verbs.places import local_places
from core.verbs.registry import VERBS
from core.verbs.second_copy import overriding
from core.verbs.verb import Verb
from core.verbs.wording import name_of

STORAGE_LOOKS = (listed("pools", "volumes"), volume_sizes, descriptions)
"""What must be known before a request is judged by storage: each volume, and who uses it."""


def command(name: str) -> click.Command | None:
    """Return a command or a group; None where no verb has that name."""
    if name in GROUPS:
        made = [_made(verb, verb.command[-1]) for verb in commands(name)]
        return click.Group(name, {one.name or "": one for one in made}, help=GROUPS[name])
    verb = VERBS.get(name)
    if verb is None or verb not in commands():
        return None
    return _made(verb, name)


def _made(verb: Verb, name: str) -> click.Command:
    if verb.by_hand:
        from console.cli.edit import edit_command

        return edit_command(verb)
    return _command(verb, name) if verb.makes is None else making_command(verb, name)


_NAMED = {
    "instance": "NAME is a name, an id, HOST/NAME, or a pattern such as 'web-*'.",
    "volume": "NAME is a volume: POOL/NAME, HOST/POOL/NAME, its name alone, or a pattern.",
    "pool": "NAME is a pool: its name, HOST/NAME, or a pattern.",
    "network": "NAME is a network: its name, HOST/NAME, or a pattern.",
    "host": "NAME is a host: its name, or a pattern.",
}
"""What a command is given, by the kind of its subjects."""


def _command(verb: Verb, name: str) -> click.Command:
    def callback(
        invocation: Invocation,
        subjects: tuple[str, ...] | str,
        yes: bool,
        dry_run: bool,
        **given: Any,
    ) -> int:
        named = (subjects,) if isinstance(subjects, str) else subjects
        return _run(invocation, verb, named, given, sure=yes, dry_run=dry_run)

    decorated: Callable[..., Any] = click.pass_obj(callback)
    found = parameters(verb.request)
    alone = any(one.rest for one in found)
    for decorate in reversed(
        (
            click.argument("subjects", metavar="NAME", required=True)
            if alone
            else click.argument("subjects", metavar="NAME...", nargs=-1, required=True),
            *(option(one) for one in found),
            click.option("--dry-run", is_flag=True, help="Tell what would be sent, and end."),
            click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        )
    ):
        decorated = decorate(decorated)
    about = f"{verb.help}\n\n{_NAMED.get(verb.subject, _NAMED['instance'])}"
    return click.command(name, help=about)(common(json_option(decorated)))


def _run(
    invocation: Invocation,
    verb: Verb,
    names: Sequence[str],
    given: dict[str, Any],
    *,
    sure: bool,
    dry_run: bool,
) -> int:
    found = parameters(verb.request)
    values = set_values(found, given)
    stored = verb.subject == "volume" or any(map(values.get, verb.storage_for))

    async def work(fleet: Fleet) -> int:
        keys = await meant(fleet, verb, names)
        kind = verb.request
        asked = [kind(subject=key, **local_places(kind, values, key.host)) for key in keys]
        await _known(fleet, verb, asked, stored=stored)
        requests = _allowed(fleet.state, asked, given)
        if dry_run:
            status = await rehearse(fleet, requests, as_json=invocation.json)
            return _beside(fleet.state, names, status)
        named = any(given[one.name] for one in found if one.names_subject)
        if len(asked) == 1 and not named and not sure and interrupts.can_ask():
            # the name is typed at the question, if it comes to that; never for --yes
            asked = requests = [overriding(fleet.state, asked[0])]
        asks = not sure and danger_of(fleet.state, asked).caution > Caution.KEY
        left = await worth_asking(fleet, requests) if asks else requests
        status = 0 if len(left) == len(requests) else RefusedError.exit_status
        if left:
            subjects = {one.subject for one in left}
            _confirm(fleet.state, [one for one in asked if one.subject in subjects], sure=sure)
            status = max(status, await carry_out(fleet, left, as_json=invocation.json))
        return _beside(fleet.state, names, status)

    reads = OPERATE["reads"] | read_for(verb, stored=stored)
    return on_fleet(invocation, work, tolerate_down=True, **{**OPERATE, "reads": reads})


def _confirm(state: State, requests: Sequence[Request], *, sure: bool) -> None:
    places = [f"{name_of(state, item)} on {item.subject.host}" for item in requests]
    more = [f"They are: {in_words(places)}."] if len(requests) > 1 else []
    confirm(danger_of(state, requests), sure=sure, more=more)


async def _known(fleet: Fleet, verb: Verb, asked: Sequence[Request], *, stored: bool) -> None:
    """Wait until what requests are judged by was read, and what their confirmation tells."""
    keys = [one.subject for one in asked]
    await describe(fleet, verb, keys)
    hosts = [key.host for key in keys]
    if verb.needs_facts:
        tell(await complete(fleet, facts, of=hosts))
    if verb.needs_description and verb.subject in ("network", "pool", "host"):
        await complete(fleet, descriptions)  # who uses it; of whom that is not known is told too
    if verb.needs_host:
        await complete(fleet, listed("pools", "volumes", "networks"))
    if verb.needs_networks:
        fleet.prefer([key for key in fleet.state.networks if key.host in hosts])
        tell(await complete(fleet, networks, of=hosts))
    if stored:
        tell(await complete(fleet, *STORAGE_LOOKS))
    with suppress(VirtdeckError):  # of what is not known it is asked all the same
        await describe_devices(fleet, verb, asked)


def _beside(state: State, words: Sequence[str], status: int) -> int:
    """Say which hosts a pattern was not looked up on; returns the exit status with that."""
    down = down_hosts(state)
    if not down or not any(map(is_pattern, words)):
        return status
    complain(unreachable(down))
    return status or UnreachableError.exit_status


def _allowed(state: State, requests: Sequence[Request], given: dict[str, Any]) -> list[Request]:
    """Return the requests with each option that names subjects put into those it names.

    Raises UsageError for a name that none of them has.
    """
    made = list(requests)
    for found in parameters(type(requests[0])) if requests else ():
        if found.names_subject and given[found.name]:
            made = _naming(state, made, found.name, given[found.name])
    return made


def _naming(
    state: State, requests: Sequence[Request], field: str, typed: Sequence[str]
) -> list[Request]:
    spellings = {
        request.subject: (name_of(state, request), request.subject.id) for request in requests
    }
    for word in typed:
        if not any(word in names for names in spellings.values()):
            raise UsageError(
                f"--{field.replace('_', '-')} names {clean(word)!r}, which is none of the "
                f"{requests[0].subject.kind}s named.",
                "Type the name of the instance that is to run in spite of the danger.",
            )
    return [
        _with(request, field, request.subject.id)
        if not set(typed).isdisjoint(spellings[request.subject])
        else request
        for request in requests
    ]


def _with(request: Request, field: str, value: object) -> Request:
    from msgspec.structs import replace

    return replace(request, **{field: value})

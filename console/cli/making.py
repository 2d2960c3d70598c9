"""The commands of the verbs that make something on a host: `virtdeck create NAME --host HOST`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import uuid4

import click

from console.cli.completeness import Gap, complete, facts, listed, tell, unread_networks
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.lookup import down_hosts, host, unreachable
from console.cli.parameters import option, set_values
from console.cli.rehearsing import rehearse
from console.cli.waiting import carry_out, worth_asking
from console.describing import describe_volumes
from core.errors import RefusedError, UsageError
from core.fleet import Fleet, Reading
from core.model import LinkStatus, State
from core.verbs.caution import Caution
from core.verbs.danger import danger_of
from core.verbs.parameter import parameters
from core.verbs.places import local_places
from core.verbs.verb import Verb

HOST_LOOKS = (listed("instances", "pools", "volumes", "networks"), facts)
"""What must be known of a host before something is planned for it."""
HOST_READS = frozenset({Reading.STORAGE, Reading.VOLUMES, Reading.NETWORKS})


def making_command(verb: Verb, name: str) -> click.Command:
    """Return the command of a verb that makes something."""

    def callback(
        invocation: Invocation, on_host: str, yes: bool, dry_run: bool, **given: Any
    ) -> int:
        return _run(invocation, verb, on_host, given, sure=yes, dry_run=dry_run)

    found = sorted(parameters(verb.request), key=lambda each: not each.argument)
    decorated: Callable[..., Any] = click.pass_obj(callback)
    for decorate in reversed(
        (
            *(option(each) for each in found),
            click.option(
                *("--host", "on_host"),
                metavar="HOST",
                default="",
                help="Where it is made. [default: the host that is open, where it is one]",
            ),
            click.option(
                "--dry-run", is_flag=True, help="Tell what would be sent, have it checked, and end."
            ),
            click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        )
    ):
        decorated = decorate(decorated)
    arguments = "\n".join(each.help for each in found if each.argument)
    return click.command(name, help=f"{verb.help}\n\n{arguments}")(common(json_option(decorated)))


def _run(
    invocation: Invocation,
    verb: Verb,
    on_host: str,
    given: dict[str, Any],
    *,
    sure: bool,
    dry_run: bool,
) -> int:
    values = set_values(parameters(verb.request), given)

    async def work(fleet: Fleet) -> int:
        key = host(fleet.state, on_host or _only(fleet.state)).key
        if fleet.state.hosts[key.id].link.status is not LinkStatus.UP:
            raise unreachable([one for one in down_hosts(fleet.state) if one.key == key])
        if verb.needs_host:
            tell(await _looked_at(fleet, verb, key.host))
        request = verb.at(key, str(uuid4()), local_places(verb.request, values, key.host))
        await describe_volumes(fleet, verb, [request])
        if dry_run:
            return await rehearse(fleet, [request], as_json=invocation.json)
        danger = danger_of(fleet.state, [request])
        asks = not sure and danger.caution > Caution.KEY
        if asks and not await worth_asking(fleet, [request]):
            return RefusedError.exit_status
        confirm(danger, sure=sure)
        return await carry_out(fleet, [request], as_json=invocation.json)

    reads = OPERATE["reads"] | (HOST_READS if verb.needs_host else frozenset())
    return on_fleet(invocation, work, tolerate_down=True, **{**OPERATE, "reads": reads})


async def _looked_at(fleet: Fleet, verb: Verb, on_host: str) -> Sequence[Gap]:
    """Wait until what something is planned by is known; returns what is not."""
    gaps = await complete(fleet, *HOST_LOOKS)
    if gaps or not verb.needs_networks:
        return gaps

    def addresses(state: State, up: Sequence[str]) -> Iterable[Gap]:
        return unread_networks(state, [name for name in up if name == on_host])

    # What is not looked at is described after every instance.
    fleet.prefer([key for key in fleet.state.networks if key.host == on_host])
    return await complete(fleet, *HOST_LOOKS, addresses)


def _only(state: State) -> str:
    if len(state.hosts) == 1:
        return next(iter(state.hosts))
    raise UsageError(
        "On which host is it to be made?", f"Give --host: one of {', '.join(state.hosts)}."
    )

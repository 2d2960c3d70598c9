"""`start`, `shutdown`, `stop`, `reboot`, `reset`, `pause`, `resume`: operations on instances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from msgspec.structs import replace

from console.cli import interrupts, lookup
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.parameter_options import type_of
from console.cli.waiting import carry_out
from core.errors import UsageError
from core.fleet import Fleet
from core.model import ObjectKey, Request, State
from core.model.text import clean
from core.verbs.danger import danger_of
from core.verbs.parameter import parameter_of
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.second_copy import overriding
from core.verbs.wording import listed, name_of

MakeRequest = Callable[[ObjectKey], Request]


def requests_for(state: State, names: Sequence[str], make: MakeRequest) -> list[Request]:
    """Return a request for each instance named, once even if it is named twice.

    Raises what `lookup.instance` raises, before anything is done to any of them.
    """
    keys = dict.fromkeys(lookup.instance(state, name).key for name in names)
    return [make(key) for key in keys]


def overridden(state: State, requests: Sequence[Request], typed: Sequence[str]) -> list[Request]:
    """Return the requests with --second-copy put into those it names, by the name or the UUID.

    Raises UsageError for a name that none of them has.
    """
    spellings = {key: (item.name, item.uuid) for key, item in state.instances.items()}
    meant = [word for request in requests for word in spellings[request.subject]]
    for word in typed:
        if word not in meant:
            raise UsageError(
                f"--second-copy names {clean(word)!r}, which is none of the instances named.",
                "Type the name of the instance that is to run in spite of the danger.",
            )
    return [
        replace(request, second_copy=request.subject.id)
        if isinstance(request, Start | Reset | Resume)
        and not set(typed).isdisjoint(spellings[request.subject])
        else request
        for request in requests
    ]


def _run(
    invocation: Invocation,
    names: Sequence[str],
    make: MakeRequest,
    sure: bool,
    second_copy: Sequence[str] = (),
) -> int:
    async def work(fleet: Fleet) -> int:
        asked = requests_for(fleet.state, names, make)
        requests = overridden(fleet.state, asked, second_copy)
        if len(asked) == 1 and not second_copy and not sure and interrupts.can_ask():
            # the name is typed at the question, if it comes to that; never for --yes
            asked = requests = [overriding(fleet.state, asked[0])]
        names_ = [f"{name_of(fleet.state, item)} on {item.subject.host}" for item in requests]
        more = [f"They are: {listed(names_)}."] if len(requests) > 1 else []
        confirm(danger_of(fleet.state, asked), sure=sure, more=more)
        return await carry_out(fleet, requests, as_json=invocation.json)

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


def _verb(help_: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Any]:
    """A command that takes instances and `--yes` beside its own options."""

    def decorate(function: Callable[..., Any]) -> Any:
        decorated = click.pass_obj(function)
        for option in (
            *options,
            click.option("--yes", "-y", is_flag=True, help="Do not ask."),
            click.argument("names", metavar="NAME...", nargs=-1, required=True),
        ):
            decorated = option(decorated)
        return click.command(help=help_)(common(json_option(decorated)))

    return decorate


def _timeout(default: float) -> Callable[[Any], Any]:
    return click.option(
        "--timeout", type=type_of(parameter_of(Shutdown, "timeout")), default=default,
        show_default=True, metavar="SECONDS", help="How long the guest may take.",
    )  # fmt: skip


_SECOND_COPY = click.option(
    "--second-copy", multiple=True, metavar="NAME",
    help="Let NAME run although it may run on another host: two of it destroy its disks.",
)  # fmt: skip


@_verb("Start instances.", _SECOND_COPY)
def start(
    invocation: Invocation, names: tuple[str, ...], yes: bool, second_copy: tuple[str, ...]
) -> int:
    """`virtdeck start NAME...`."""
    return _run(invocation, names, lambda key: Start(subject=key), yes, second_copy)


@_verb(
    "Ask guests to power off, and wait until they have.",
    _timeout(60.0),
    click.option("--then-stop", is_flag=True, help="Cut the power of those that do not obey."),
)
def shutdown(
    invocation: Invocation, names: tuple[str, ...], yes: bool, timeout: float, then_stop: bool
) -> int:
    """`virtdeck shutdown NAME...`."""
    return _run(
        invocation,
        names,
        lambda key: Shutdown(subject=key, timeout=timeout, then_stop=then_stop),
        yes,
    )


@_verb("Cut the power of instances.")
def stop(invocation: Invocation, names: tuple[str, ...], yes: bool) -> int:
    """`virtdeck stop NAME...`."""
    return _run(invocation, names, lambda key: Stop(subject=key), yes)


@_verb("Ask guests to reboot, and wait until they have.", _timeout(120.0))
def reboot(invocation: Invocation, names: tuple[str, ...], yes: bool, timeout: float) -> int:
    """`virtdeck reboot NAME...`."""
    return _run(invocation, names, lambda key: Reboot(subject=key, timeout=timeout), yes)


@_verb("Press the reset button of instances.", _SECOND_COPY)
def reset(
    invocation: Invocation, names: tuple[str, ...], yes: bool, second_copy: tuple[str, ...]
) -> int:
    """`virtdeck reset NAME...`."""
    return _run(invocation, names, lambda key: Reset(subject=key), yes, second_copy)


@_verb("Stop the vCPUs of instances.")
def pause(invocation: Invocation, names: tuple[str, ...], yes: bool) -> int:
    """`virtdeck pause NAME...`."""
    return _run(invocation, names, lambda key: Pause(subject=key), yes)


@_verb("Let paused or sleeping instances run again.", _SECOND_COPY)
def resume(
    invocation: Invocation, names: tuple[str, ...], yes: bool, second_copy: tuple[str, ...]
) -> int:
    """`virtdeck resume NAME...`."""
    return _run(invocation, names, lambda key: Resume(subject=key), yes, second_copy)

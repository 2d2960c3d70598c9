"""What pools and networks have in common: a host starts them, stops them, and starts them with it.

The last it does with instances, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec

from core.model import Instance, Network, Pool, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.subject import subject_of
from core.verbs.call import Call
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Verb

Kind = Literal["pool", "network"]
Off = Annotated[bool, parameter("Start it no longer with its host.")]
Refusals = Callable[[State, Request, str], Iterator[Refusal]]


class MarkCall(Call, frozen=True):
    """Have something started with its host, or no longer."""

    on: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh autostart`, `pool-autostart`, `net-autostart`."""
        return (self.command, name) if self.on else (self.command, name, "--disable")


def start(kind: Kind, request: type[Request], call: type[Call], undone_by: type[Request]) -> Verb:
    """Return the verb that starts one; `undone_by` stops it."""

    def steps(now: Situation) -> list[Step]:
        return [Step(call(), f"starting {now.name}", lambda later: _active(later) is True)]

    return Verb(
        request,
        title="Start",
        help=f"Start the {kind}.",
        doing="starting",
        group=kind,
        key="o",
        subject=kind,
        decide=sequence(steps, lambda now: f"the {kind} {now.name} is active"),
        steps=steps,
        calls=(call,),
        refusals=_unless(active=False, why="is already active", cure="stop it first"),
        undo=lambda now: undone_by(subject=now.request.subject) if _active(now) is False else None,
    )


def stop(
    kind: Kind,
    request: type[Request],
    call: type[Call],
    undone_by: type[Request],
    risk: Risk,
    *,
    stays: str = "",
) -> Verb:
    """Return the verb that stops one; `undone_by` starts it, `stays` tells what is not lost."""

    def undo(now: Situation) -> Request | None:
        found = now.subject
        again = isinstance(found, Pool | Network) and found.active and found.persistent
        return undone_by(subject=now.request.subject) if again else None

    def steps(now: Situation) -> list[Step]:
        return [Step(call(), f"stopping {now.name}", lambda later: not _active(later))]

    return Verb(
        request,
        title="Stop",
        help=f"Stop the {kind}{stays}.",
        doing="stopping",
        group=kind,
        key="f",
        subject=kind,
        decide=sequence(steps, lambda now: f"the {kind} {now.name} is stopped"),
        steps=steps,
        calls=(call,),
        refusals=UNLESS_ACTIVE,
        undo=undo,
        risk=risk,
        needs_description=True,
    )


def autostart(
    kind: Literal["instance", "pool", "network"],
    request: type[Request],
    call: type[MarkCall],
    **more: Any,
) -> Verb:
    """Return the verb that has one started with its host, or no longer."""
    the = "" if kind == "instance" else f"the {kind} "

    def steps(now: Situation) -> list[Step]:
        on = not _is_off(now.request)

        def shows(later: Situation) -> bool:
            found = later.subject
            return isinstance(found, Instance | Pool | Network) and found.autostart == on

        text = f"{'marking' if on else 'unmarking'} {now.name} to start with its host"
        return [Step(call(on), text, shows)]

    def outcome(now: Situation) -> str:
        how = "no longer starts" if _is_off(now.request) else "starts"
        return f"{the}{now.name} {how} with its host"

    return Verb(
        request,
        title="Autostart",
        help=f"Have {the.strip() or 'it'} started with its host, or no longer.",
        doing="setting autostart",
        group="define" if kind == "instance" else kind,
        key="a",
        subject=kind,
        decide=sequence(steps, outcome),
        steps=steps,
        calls=(call,),
        refusals=_against_transient,
        undo=_unmarked,
        **more,
    )


def untold(state: State, requests: Sequence[Request], what: str) -> list[str]:
    """Say which instances have not told their devices: whether one of them `what` is not known."""
    hosts = {request.subject.host for request in requests}
    rows = [row for row in state.instances.values() if row.host in hosts and not row.described]
    if not rows:
        return []
    names = listed([clean(row.name) for row in rows])
    return [
        f"Whether {names} {what} is not known: {'they were' if len(rows) > 1 else 'it was'} "
        "not read."
    ]


def _unmarked(now: Situation) -> Request | None:
    found, off = now.subject, _is_off(now.request)
    marked = found.autostart if isinstance(found, Instance | Pool | Network) else None
    changes = marked is not None and marked == off
    return msgspec.structs.replace(now.request, off=not off) if changes else None


def _is_off(request: Request) -> bool:
    return bool(getattr(request, "off", False))


def _active(now: Situation) -> bool | None:
    """Whether it is active; None: it is gone."""
    return now.subject.active if isinstance(now.subject, Pool | Network) else None


def _unless(*, active: bool, why: str, cure: str) -> Refusals:
    def against(state: State, request: Request, _: str) -> Iterator[Refusal]:
        found = subject_of(state, request.subject)
        if isinstance(found, Pool | Network) and found.active is not active:
            text = f"The {request.subject.kind} {found.name} {why}"
            yield Refusal(RefusalCode.STATE, text, cure)

    return against


UNLESS_ACTIVE = _unless(active=True, why="is not active", cure="start it first")


def _against_transient(state: State, request: Request, _: str) -> Iterator[Refusal]:
    found = subject_of(state, request.subject)
    if isinstance(found, Instance | Pool | Network) and not found.persistent:
        kind = request.subject.kind
        text = f"{'' if kind == 'instance' else f'The {kind} '}{found.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "only what is defined starts with its host")

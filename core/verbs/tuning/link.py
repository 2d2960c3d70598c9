"""Whether the cable of a network device is plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Instance, Request, State
from core.verbs.applied import KNOWN, Applied, When, affects, against_when, shown
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.tuning.limit_requests import Mac
from core.verbs.tuning.limits import against_device
from core.verbs.verb import Verb


class SetLink(Request, frozen=True):
    """Pull the cable of a network device, or plug it in (virDomainUpdateDeviceFlags)."""

    verb: ClassVar[str] = "set-link"
    interface: Mac
    state: Annotated[Literal["up", "down"], parameter("Of the link.")]
    when: When = "both"


class LinkCall(Applied, frozen=True):
    """virDomainUpdateDeviceFlags with another state of the link."""

    repeatable: ClassVar[bool] = True
    interface: str
    up: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domif-setlink`, which does one of both at a time."""
        config = ("--config",) if self.config and not self.live else ()
        return ("domif-setlink", name, self.interface, "up" if self.up else "down", *config)


def _link_steps(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, SetLink)
    up = request.state == "up"
    call = LinkCall(*affects(now, request.when), request.interface, up)

    def fits(instance: Instance) -> bool:
        mac = request.interface.lower()
        return any(one.mac.lower() == mac and one.link_up == up for one in instance.interfaces)

    doing = "plugging in" if up else "pulling"
    text = f"{doing} the cable of {request.interface} of {now.name}"
    return [Step(call, text, shown(call, fits))]


def _linked(now: Situation) -> str:
    assert isinstance(now.request, SetLink)
    return f"the link of {now.request.interface} of {now.name} is {now.request.state}"


def _against_link(state: State, request: Request, but: str) -> Iterator[Refusal]:
    yield from against_when(state, request, but)
    yield from against_device(state, request, "network")


SET_LINK = Verb(
    SetLink,
    title="Link",
    help="Pull the cable of one of its network devices, or plug it in.",
    doing="setting its link",
    group="tuning",
    key="l",
    decide=sequence(_link_steps, _linked),
    steps=_link_steps,
    resumable=True,
    calls=(LinkCall,),
    states=KNOWN,
    refusals=_against_link,
    needs_description=True,
    single=True,
    looks_at=frozenset({"definition"}),
)

VERBS = (SET_LINK,)

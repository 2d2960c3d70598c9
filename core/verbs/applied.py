"""Whether a change is of what runs, of what is defined, or of both (VIR_DOMAIN_AFFECT_*)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, TypeVar

from core.model import Instance, InstanceState, Request, State
from core.verbs.call import Call
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Situation
from core.verbs.states import NOT_KNOWN

When = Annotated[
    Literal["both", "now", "next-start"],
    parameter("Whether what runs is changed, its definition, or both."),
]
"""both: what runs, and what is defined; of one that is off, what is defined."""

KNOWN = {InstanceState.UNKNOWN: NOT_KNOWN}


class Applied(Call, frozen=True):
    """A call that changes what runs, what is defined, or both (VIR_DOMAIN_AFFECT_*)."""

    live: bool
    config: bool

    @property
    def prepares(self) -> bool:
        """Whether it only makes room for the one that follows."""
        return False

    @property
    def defines(self) -> bool:
        """Whether it changes what is defined."""
        return self.config

    def affected(self) -> tuple[str, ...]:
        """What virsh calls that."""
        live = ("--live",) if self.live else ()
        return (*live, "--config") if self.config else live


def affects(situation: Situation, when: str) -> tuple[bool, bool]:
    """Return whether what runs is changed and what is defined; once it was sent, as it was then."""
    for sent in situation.sent:
        if isinstance(sent.call, Applied) and not sent.call.prepares:
            return sent.call.live, sent.call.config
    instance = situation.instance
    active = instance is not None and instance.state.active
    persistent = instance is not None and instance.persistent
    return active and when != "next-start", persistent and when != "now"


V = TypeVar("V", int, str)


def before(now: Situation, when: str, read: Callable[[Instance], V]) -> V | None:
    """Return what is changed as it is before that; None where it is not known.

    Nor where both are changed, what runs and what is defined, and differ: nothing sets both back.
    """
    live, config = affects(now, when)
    runs, defined = now.instance, now.defined
    if runs is None or not runs.described:
        return None
    if not runs.state.active:
        return read(runs)
    of_defined = None if defined is None else read(defined)
    if not config:
        return read(runs)
    return of_defined if not live or of_defined == read(runs) else None


def shown(
    call: Applied, fits: Callable[[Instance], bool], *, observed: bool = False
) -> Callable[[Situation], bool]:
    """Return whether all that a call changes shows it: what runs and what is defined.

    `fits` reads what was set from either. libvirt's yes is believed of what is defined, and of what
    runs unless that must be `observed`. Of one that is off by now, what is defined is all there is:
    libvirt changes it last.
    """

    def shows(now: Situation) -> bool:
        heard = any(sent.call == call and sent.accepted for sent in now.sent)
        instance = now.instance
        active = instance is not None and instance.state.active
        defined = now.defined if active else instance
        if call.live and not (heard and not observed):
            runs = instance is not None and fits(instance) if active else call.config
        else:
            runs = True
        return runs and (not call.config or heard or (defined is not None and fits(defined)))

    return shows


def against_when(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell why what is asked to be changed is not there: nothing runs, or nothing is defined."""
    instance = state.instances.get(request.subject)
    when = getattr(request, "when", "both")
    if instance is None:
        return
    if when == "now" and not instance.state.active:
        text = f"{instance.name} is shut off"
        yield Refusal(RefusalCode.STATE, text, "nothing of it runs now", "when")
    if when == "next-start" and not instance.persistent:
        text = f"{instance.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "it has no next start", "when")

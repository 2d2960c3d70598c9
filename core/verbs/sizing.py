"""How many vCPUs and how much memory an instance has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import msgspec

from core.model import Instance, OperationStatus, Request, State
from core.verbs.applied import KNOWN, Applied, When, affects, against_when, before, shown
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation
from core.verbs.verb import Risk, Verb
from core.verbs.wording import name_of, shortened

MOST_VCPUS = 4096
MOST_MEMORY = 1 << 24
"""MiB."""

vcpu_count = partial(parameter, least=1, most=MOST_VCPUS)
mib = partial(parameter, least=1, most=MOST_MEMORY, unit="MiB")


class SetVcpus(Request, frozen=True):
    """Set how many vCPUs an instance has (virDomainSetVcpusFlags)."""

    verb: ClassVar[str] = "set-vcpus"
    count: Annotated[int, vcpu_count("How many vCPUs it has.", present="vcpus")]
    maximum: (
        Annotated[
            int,
            vcpu_count("How many it may have, from its next start on.", present="vcpus-most"),
        ]
        | None
    ) = None
    when: When = "both"


class SetMemory(Request, frozen=True):
    """Set how much memory an instance has (virDomainSetMemoryFlags)."""

    verb: ClassVar[str] = "set-memory"
    size: Annotated[int, mib("How much memory it has.", present="memory")]
    maximum: (
        Annotated[int, mib("How much it may have, of one that is off.", present="memory-most")]
        | None
    ) = None
    when: When = "both"


class VcpusCall(Applied, frozen=True):
    """virDomainSetVcpusFlags."""

    count: int
    maximum: bool = False
    previous: int | None = None
    """How many there were, for its undo."""

    @property
    def prepares(self) -> bool:
        """Whether it is of the maximum."""
        return self.maximum

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh setvcpus`."""
        most = ("--maximum",) if self.maximum else ()
        return ("setvcpus", name, str(self.count), *self.affected(), *most)


class MemoryCall(Applied, frozen=True):
    """virDomainSetMemoryFlags."""

    mebibytes: int
    maximum: bool = False
    previous: int | None = None
    """How much there was, for its undo."""

    @property
    def prepares(self) -> bool:
        """Whether it is of the maximum."""
        return self.maximum

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh setmem`, `virsh setmaxmem`."""
        word = "setmaxmem" if self.maximum else "setmem"
        return (word, name, f"{self.mebibytes}MiB", *self.affected())


def _vcpus(count: int) -> str:
    return f"{count:,} vCPU{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What an instance has some of, and may have more of: all in which the verbs differ."""

    call: type[VcpusCall] | type[MemoryCall]
    field: str
    """The field of the request that says how much."""
    counted: Callable[[int], str]
    unit: int
    """How many of what `has` and `most` count one of those asked for is."""
    has: Callable[[Instance], int]
    most: Callable[[Instance], int]
    observed: bool
    """What runs shows soon whether it was given that; else libvirt only hands the wish on."""
    given: str
    """`web has 2 vCPUs`: what one that runs does then."""
    raised_off: bool
    """The maximum can be changed of one that is off only."""
    cure: str
    """What to do where the maximum is too low."""
    costs: str
    """What it may cost a guest to be left less."""

    def wanted(self, request: Request) -> int:
        """How much is asked for."""
        return int(getattr(request, self.field))

    def steps(self, now: Situation) -> list[Step]:
        """Raise the maximum where that is asked for, then give the instance what it gets."""
        request, name = now.request, now.name
        assert isinstance(request, SetVcpus | SetMemory)
        amount, maximum, steps = self.wanted(request), request.maximum, []
        if maximum is not None:
            raised = self.call(False, True, maximum, True, self._previous(now))
            before = raised.previous
            undo = None if before is None else self.call(False, True, before, True)
            text = f"letting {name} have {self.counted(maximum)} from its next start on"
            shows = shown(raised, lambda instance: self.most(instance) == maximum * self.unit)
            steps.append(Step(raised, text, shows, undo))
        call = self.call(*affects(now, request.when), amount)
        fits = shown(call, lambda one: self.has(one) == amount * self.unit, observed=self.observed)
        return [*steps, Step(call, f"giving {name} {self.counted(amount)}", fits)]

    def _previous(self, now: Situation) -> int | None:
        """The maximum before the first call."""
        for sent in now.sent:
            if isinstance(sent.call, self.call):
                return sent.call.previous
        instance = now.defined or now.instance
        if instance is None or not instance.described:
            return None
        return self.most(instance) // self.unit

    def decide(self, now: Situation) -> Action:
        """Refuse what the next start could not have; else make the calls, in their order."""
        if not now.sent and (refusal := self._against_definition(now)) is not None:
            return End(OperationStatus.REFUSED, str(refusal), refused=refusal.code)
        return sequence(self.steps, self.outcome)(now)

    def _against_definition(self, now: Situation) -> Refusal | None:
        """Tell why the definition of one that runs cannot have so much: it may differ from it."""
        request, defined = now.request, now.defined
        assert isinstance(request, SetVcpus | SetMemory)
        amount, (_, config) = self.wanted(request), affects(now, request.when)
        if defined is None or not config or request.maximum is not None:
            return None
        most = self.most(defined) // self.unit
        if not most or amount <= most:
            return None
        text = f"{now.name} may have {self.counted(most)} from its next start on, not {amount:,}"
        cure = self.cure if self.raised_off else "give it a larger maximum as well"
        return Refusal(RefusalCode.PARAMETER, text, cure, self.field)

    def undo(self, now: Situation) -> Request | None:
        """Return the request for what it had before, and might have."""
        request = now.request
        assert isinstance(request, SetVcpus | SetMemory)
        has = before(now, request.when, lambda one: self.has(one) // self.unit)
        raised = request.maximum is not None
        most = self._previous(now) if raised else None
        same = (has, most) == (self.wanted(request), request.maximum)
        if not has or same or (raised and most is None):
            return None
        return msgspec.structs.replace(request, maximum=most, **{self.field: has})

    def outcome(self, now: Situation) -> str:
        """Say what it has, and since when."""
        request = now.request
        assert isinstance(request, SetVcpus | SetMemory)
        live, config = affects(now, request.when)
        when = " now" if not config else "" if live else " from its next start on"
        has = self.given if live else "has"
        return f"{now.name} {has} {self.counted(self.wanted(request))}{when}"

    def refusals(self, state: State, request: Request, but: str) -> Iterator[Refusal]:
        """Tell why it cannot have so much, or its maximum cannot be changed."""
        assert isinstance(request, SetVcpus | SetMemory)
        yield from against_when(state, request, but)
        instance = state.instances.get(request.subject)
        if instance is None or not instance.described:
            return
        amount, over = self.wanted(request), request.maximum
        most = self.most(instance) // self.unit
        if over is not None:
            yield from self._against_maximum(instance, request.when, amount, over)
        now = instance.state.active and request.when != "next-start"
        if instance.state.active and not now:
            return  # its definition counts, which is read before the call: `decide`
        if most and amount > most and (over is None or (now and amount <= over)):
            text = f"{instance.name} may have {self.counted(most)}, not {amount:,}"
            yield Refusal(RefusalCode.PARAMETER, text, self.cure, self.field)

    def _against_maximum(
        self, instance: Instance, when: str, amount: int, maximum: int
    ) -> Iterator[Refusal]:
        if not instance.persistent:
            text = f"{instance.name} is transient"
            yield Refusal(RefusalCode.STATE, text, "its maximum cannot be changed", "maximum")
        elif instance.state.active and self.raised_off:
            text, cure = f"{instance.name} is on", "its maximum is changed while it is off"
            yield Refusal(RefusalCode.STATE, text, cure, "maximum")
        if when == "now":
            text = "A maximum is of the definition"
            cure = "leave out --when now, or the maximum"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "when")
        if amount > maximum:
            text = f"{self.counted(amount)} are more than the maximum of {maximum:,}"
            yield Refusal(RefusalCode.PARAMETER, text, "give a larger maximum", "maximum")

    def less(self, state: State, request: Request) -> Caution:
        """Ask where a guest that runs is left less than it has."""
        instance = state.instances.get(request.subject)
        if instance is None or not instance.state.active:
            return Caution.NONE
        now = getattr(request, "when", "") != "next-start"
        less = self.wanted(request) * self.unit < self.has(instance)
        return Caution.CONFIRM if less and now else Caution.NONE

    def taken(self, state: State, requests: Sequence[Request]) -> list[str]:
        """Say what those are left that get less."""
        return shortened([
            f"Leaves {name_of(state, one)} on {one.subject.host} "
            f"{self.counted(self.wanted(one))}: {self.costs}"
            for one in requests
            if self.less(state, one) is not Caution.NONE
        ])  # fmt: skip


VCPUS = Resource(
    VcpusCall,
    "count",
    _vcpus,
    unit=1,
    has=lambda instance: instance.vcpus,
    most=lambda instance: instance.vcpus_maximum,
    observed=True,
    given="has",
    raised_off=False,
    cure="raise its maximum, which needs a restart",
    costs="guests that cannot give one up refuse.",
)
MEMORY = Resource(
    MemoryCall,
    "size",
    lambda size: f"{size} MiB",
    unit=1 << 20,
    has=lambda instance: instance.memory,
    most=lambda instance: instance.memory_maximum,
    observed=False,
    given="was told to make do with",
    raised_off=True,
    cure="raise its maximum, while it is off",
    costs="a guest that needs more may kill its programs.",
)


def _verb(request: type[Request], resource: Resource, key: str, title: str, help_: str) -> Verb:
    return Verb(
        request,
        title=title,
        help=help_,
        doing=f"setting its {title.removeprefix('Set ')}",
        group="resources",
        key=key,
        decide=resource.decide,
        steps=resource.steps,
        resumable=True,
        needs_description=True,
        looks_at=frozenset({"definition"}),
        undo=resource.undo,
        calls=(resource.call,),
        states=KNOWN,
        refusals=resource.refusals,
        risk=Risk(raised=resource.less, after=resource.taken),
    )


SET_VCPUS = _verb(SetVcpus, VCPUS, "c", "Set vCPUs", "Set how many vCPUs it has.")
SET_MEMORY = _verb(SetMemory, MEMORY, "m", "Set memory", "Set how much memory it has.")

VERBS = (SET_VCPUS, SET_MEMORY)

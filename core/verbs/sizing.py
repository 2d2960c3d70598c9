"""How many vCPUs and how much memory an instance has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Instance, Request, State
from core.verbs.applied import KNOWN, Applied, When, affects, against_when
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Verb
from core.verbs.wording import name_of, shortened


class SetVcpus(Request, frozen=True):
    """Set how many vCPUs an instance has (virDomainSetVcpusFlags)."""

    verb: ClassVar[str] = "set-vcpus"
    count: Annotated[int, parameter("How many it has.", least=1, most=4096)]
    maximum: (
        Annotated[
            int, parameter("How many it may have, from its next start on.", least=1, most=4096)
        ]
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


def _vcpus(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetVcpus)
    live, config = affects(situation, request.when)
    steps = []
    if request.maximum is not None:
        most = _counted(request.maximum)
        text = f"letting {situation.name} have {most} from its next start on"
        raised = VcpusCall(False, True, request.maximum, True, _previous(situation))
        undo = None if raised.previous is None else VcpusCall(False, True, raised.previous, True)
        steps.append(Step(raised, text, undo=undo))

    def shows(now: Situation) -> bool:
        return now.instance is not None and now.instance.vcpus == request.count

    text = f"giving {situation.name} {_counted(request.count)}"
    steps.append(Step(VcpusCall(live, config, request.count), text, shows if live else None))
    return steps


def _counted(vcpus: int) -> str:
    return f"{vcpus} vCPU{'' if vcpus == 1 else 's'}"


def _previous(situation: Situation) -> int | None:
    """The maximum before the first call."""
    for sent in situation.sent:
        if isinstance(sent.call, VcpusCall):
            return sent.call.previous
    instance = situation.instance
    return None if instance is None or not instance.described else instance.vcpus_maximum


def _against_vcpus(state: State, request: Request, but: str) -> Iterator[Refusal]:
    assert isinstance(request, SetVcpus)
    yield from against_when(state, request, but)
    instance = state.instances.get(request.subject)
    if instance is None or not instance.described:
        return
    most = instance.vcpus_maximum
    if request.maximum is not None:
        if not instance.persistent:
            text = f"{instance.name} is transient"
            yield Refusal(RefusalCode.STATE, text, "its maximum cannot be changed")
        if request.when == "now":
            text = "A maximum is of the definition"
            yield Refusal(RefusalCode.PARAMETER, text, "leave out --when now, or the maximum")
        if request.count > request.maximum:
            text = f"{_counted(request.count)} are more than the maximum of {request.maximum}"
            yield Refusal(RefusalCode.PARAMETER, text, "give a larger maximum")
        elif instance.state.active and request.when != "next-start" and request.count > most:
            yield _too_many(instance, request.count)
    elif most and request.count > most:
        yield _too_many(instance, request.count)


def _too_many(instance: Instance, count: int) -> Refusal:
    text = f"{instance.name} may have {_counted(instance.vcpus_maximum)}, not {count}"
    return Refusal(RefusalCode.PARAMETER, text, "raise its maximum, which needs a restart")


def _has_vcpus(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, SetVcpus)
    live, config = affects(situation, request.when)
    when = "now" if not config else "" if live else "from its next start on"
    return f"{situation.name} has {_counted(request.count)} {when}".rstrip()


def _fewer_vcpus(state: State, request: Request) -> Caution:
    assert isinstance(request, SetVcpus)
    instance = state.instances.get(request.subject)
    fewer = instance is not None and instance.state.active and request.count < instance.vcpus
    return Caution.CONFIRM if fewer and request.when != "next-start" else Caution.NONE


def _takes_vcpus(state: State, requests: Sequence[Request]) -> list[str]:
    taken = [
        f"Leaves {name_of(state, one)} on {one.subject.host} {_counted(one.count)}: guests that "
        "cannot give one up refuse."
        for one in requests
        if isinstance(one, SetVcpus) and _fewer_vcpus(state, one) is not Caution.NONE
    ]
    return shortened(taken)


SET_VCPUS = Verb(
    SetVcpus,
    title="Set vCPUs",
    help="Set how many vCPUs it has.",
    doing="setting its vCPUs",
    group="resources",
    key="c",
    decide=sequence(_vcpus, _has_vcpus),
    steps=_vcpus,
    resumable=True,
    needs_description=True,
    calls=(VcpusCall,),
    states=KNOWN,
    refusals=_against_vcpus,
    risk=Risk(raised=_fewer_vcpus, after=_takes_vcpus),
)


class SetMemory(Request, frozen=True):
    """Set how much memory an instance has (virDomainSetMemoryFlags)."""

    verb: ClassVar[str] = "set-memory"
    size: Annotated[int, parameter("How much it has.", least=1, most=1 << 24, unit="MiB")]
    maximum: (
        Annotated[
            int,
            parameter(
                "How much it may have, of one that is off.", least=1, most=1 << 24, unit="MiB"
            ),
        ]
        | None
    ) = None
    when: When = "both"


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


def _memory(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetMemory)
    live, config = affects(situation, request.when)
    steps = []
    if request.maximum is not None:
        text = f"letting {situation.name} have {request.maximum} MiB"
        raised = MemoryCall(False, True, request.maximum, True, _previous_memory(situation))
        undo = None if raised.previous is None else MemoryCall(False, True, raised.previous, True)
        steps.append(Step(raised, text, undo=undo))
    text = f"giving {situation.name} {request.size} MiB of memory"
    steps.append(Step(MemoryCall(live, config, request.size), text))
    return steps


def _previous_memory(situation: Situation) -> int | None:
    for sent in situation.sent:
        if isinstance(sent.call, MemoryCall):
            return sent.call.previous
    instance = situation.instance
    known = instance is not None and instance.described
    return instance.memory_maximum >> 20 if known and instance is not None else None


def _against_memory(state: State, request: Request, but: str) -> Iterator[Refusal]:
    assert isinstance(request, SetMemory)
    yield from against_when(state, request, but)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if request.maximum is not None and instance.state.active:
        text = f"{instance.name} is on"
        yield Refusal(RefusalCode.STATE, text, "its maximum is changed while it is off")
    most = request.maximum or (instance.memory_maximum >> 20 if instance.described else 0)
    if most and request.size > most:
        text = f"{instance.name} may have {most} MiB, not {request.size}"
        yield Refusal(RefusalCode.PARAMETER, text, "raise its maximum, while it is off")


def _has_memory(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, SetMemory)
    live, _ = affects(situation, request.when)
    if live:
        return f"{situation.name} was told to make do with {request.size} MiB"
    return f"{situation.name} has {request.size} MiB from its next start on"


def _less_memory(state: State, request: Request) -> Caution:
    assert isinstance(request, SetMemory)
    instance = state.instances.get(request.subject)
    less = instance is not None and instance.state.active and request.size << 20 < instance.memory
    return Caution.CONFIRM if less and request.when != "next-start" else Caution.NONE


def _takes_memory(state: State, requests: Sequence[Request]) -> list[str]:
    taken = [
        f"Leaves {name_of(state, one)} on {one.subject.host} {one.size} MiB: a guest that needs "
        "more may kill its programs."
        for one in requests
        if isinstance(one, SetMemory) and _less_memory(state, one) is not Caution.NONE
    ]
    return shortened(taken)


SET_MEMORY = Verb(
    SetMemory,
    title="Set memory",
    help="Set how much memory it has.",
    doing="setting its memory",
    group="resources",
    key="m",
    decide=sequence(_memory, _has_memory),
    steps=_memory,
    resumable=True,
    needs_description=True,
    calls=(MemoryCall,),
    states=KNOWN,
    refusals=_against_memory,
    risk=Risk(raised=_less_memory, after=_takes_memory),
)

VERBS = (SET_VCPUS, SET_MEMORY)

"""vCPUs that a guest uses or leaves alone, as its agent has it do: they stay plugged."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.agent.asking import agent_verb
from core.verbs.call import Call
from core.verbs.parameter import parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation


class GuestVcpus(Request, frozen=True):
    """Have the guest use some of its vCPUs, or leave them alone (virDomainSetGuestVcpus)."""

    verb: ClassVar[str] = "guest-vcpus"
    cpus: Annotated[
        str,
        parameter(
            "Their numbers.",
            pattern=r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*",
            shape="numbers such as 1 or 1-3,5",
        ),
    ]
    offline: Annotated[bool, parameter("It leaves them alone, instead of using them.")] = False


class GuestVcpusCall(Call, frozen=True):
    """virDomainSetGuestVcpus."""

    cpus: str
    offline: bool
    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh setguestvcpus`."""
        what = "--disable" if self.offline else "--enable"
        return ("setguestvcpus", name, "--cpulist", self.cpus, what)


def _steps(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, GuestVcpus)
    doing = "leave alone" if request.offline else "use"
    call = GuestVcpusCall(request.cpus, request.offline)
    return [Step(call, f"having {situation.name} {doing} its vCPUs {request.cpus}")]


def _done(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, GuestVcpus)
    does = "leaves alone" if request.offline else "uses"
    return f"{situation.name} {does} its vCPUs {request.cpus}"


GUEST_VCPUS = agent_verb(
    GuestVcpus,
    title="Use vCPUs or not",
    help="Have the guest use some of its vCPUs, or leave them alone, through its agent.",
    doing="changing the vCPUs it uses",
    key="v",
    decide=sequence(_steps, _done),
    steps=_steps,
    calls=(GuestVcpusCall,),
)

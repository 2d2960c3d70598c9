"""What is sent to a guest through its virtual hardware or its agent: interrupts, keys, the time."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.agent.asking import without_agent
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.keycodes import KEYCODES, codes_of
from core.verbs.parameter import parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_ANSWER, TO_BE_ON
from core.verbs.verb import Risk, Subjects, Verb


class Nmi(Request, frozen=True):
    """Send the guest a non-maskable interrupt (virDomainInjectNMI)."""

    verb: ClassVar[str] = "nmi"


class NmiCall(Call, frozen=True):
    """virDomainInjectNMI."""

    command: ClassVar[str] = "inject-nmi"


def _nmi(situation: Situation) -> list[Step]:
    return [Step(NmiCall(), f"sending an interrupt to {situation.name}")]


def _interrupts(_: Request, subjects: Subjects) -> str:
    return (
        f"Sends a non-maskable interrupt to {subjects.whom}: many guests write a dump and restart "
        "at one, others ignore it."
    )


NMI = Verb(
    Nmi,
    title="Send NMI",
    help="Send the guest a non-maskable interrupt: many write a crash dump at one.",
    doing="sending an interrupt",
    group="guest",
    key="n",
    decide=sequence(_nmi, lambda situation: f"{situation.name} was sent the interrupt"),
    steps=_nmi,
    calls=(NmiCall,),
    states=TO_BE_ON,
    risk=Risk(Caution.CONFIRM, _interrupts),
)


def _against_keys(keys: str) -> str:
    unknown = [name for name in keys.split("+") if name.strip().lower() not in KEYCODES]
    known = "letters, digits, F1 to F12, ctrl, alt, shift, meta, delete, enter, esc, sysrq ..."
    return f"There is no key called {unknown[0]!r}: there are {known}" if unknown else ""


class SendKey(Request, frozen=True):
    """Press keys together on the guest's keyboard (virDomainSendKey)."""

    verb: ClassVar[str] = "send-key"
    keys: Annotated[
        str,
        parameter(
            "The keys pressed together, joined by +: ctrl+alt+delete, alt+sysrq+s, F1.",
            rule=_against_keys,
        ),
    ] = "ctrl+alt+delete"
    hold: Annotated[
        int,
        parameter("How long they are held.", least=1, most=5000, unit="ms", advanced=True),
    ] = 100


class SendKeyCall(Call, frozen=True):
    """virDomainSendKey, with the key codes of Linux."""

    codes: tuple[int, ...]
    hold: int
    """Milliseconds."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh send-key`."""
        codes = tuple(map(str, self.codes))
        return ("send-key", name, "--codeset", "linux", "--holdtime", str(self.hold), *codes)


def _send_key(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SendKey)
    codes = codes_of(request.keys)
    return [Step(SendKeyCall(codes, request.hold), f"pressing {request.keys}")]


def _pressed(situation: Situation) -> str:
    assert isinstance(situation.request, SendKey)
    return f"{situation.request.keys} was pressed on {situation.name}"


SEND_KEY = Verb(
    SendKey,
    title="Send keys",
    help="Press keys together on the guest's keyboard.",
    doing="pressing keys",
    group="guest",
    key="k",
    decide=sequence(_send_key, _pressed),
    steps=_send_key,
    calls=(SendKeyCall,),
    states=TO_ANSWER,
)


class SetTime(Request, frozen=True):
    """Set the guest's clock through its agent (virDomainSetTime)."""

    verb: ClassVar[str] = "set-time"
    from_rtc: Annotated[
        bool, parameter("Take the time of its own hardware clock instead of this machine's.")
    ] = False


class SetTimeCall(Call, frozen=True):
    """virDomainSetTime."""

    seconds: int
    """Since the epoch."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domtime --time`."""
        return ("domtime", name, "--time", str(self.seconds))


class SyncTimeCall(Call, frozen=True):
    """virDomainSetTime, VIR_DOMAIN_TIME_SYNC: the guest takes the time of its hardware clock.

    That clock goes on while the vCPUs are stopped, by the host's, unless its XML says otherwise.
    """

    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domtime --sync`."""
        return ("domtime", name, "--sync")


def _set_time(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetTime)
    began = situation.sent[0].at if situation.sent else situation.now
    call = SyncTimeCall() if request.from_rtc else SetTimeCall(int(began))
    return [Step(call, f"setting the clock of {situation.name}")]


SET_TIME = Verb(
    SetTime,
    title="Set its clock",
    help="Set the guest's clock, through its agent: after a long pause it is late.",
    doing="setting its clock",
    group="guest",
    key="t",
    decide=sequence(_set_time, lambda situation: f"the clock of {situation.name} is set"),
    steps=_set_time,
    calls=(SetTimeCall, SyncTimeCall),
    states=TO_ANSWER,
    refusals=without_agent,
    needs_description=True,
)

VERBS = (NMI, SEND_KEY, SET_TIME)

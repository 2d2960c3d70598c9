"""Devices that a guest is given: a channel for its agent, a watchdog, an RNG, a TPM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Request, State
from core.model.text import clean
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.tuning.documents import against_transient, document_verb


class AddAgentChannel(Request, frozen=True):
    """Give an instance a channel for the guest's agent."""

    verb: ClassVar[str] = "add-agent-channel"


class SetWatchdog(Request, frozen=True):
    """Give an instance a watchdog, or none."""

    verb: ClassVar[str] = "set-watchdog"
    model: Annotated[
        Literal["i6300esb", "itco", "ib700", "diag288", "none"],
        parameter("Of the watchdog; itco is what a q35 has built in."),
    ] = "i6300esb"
    action: Annotated[
        Literal["reset", "shutdown", "poweroff", "pause", "dump", "inject-nmi", "none"],
        parameter("What is done when the guest no longer feeds it."),
    ] = "reset"


class AddRng(Request, frozen=True):
    """Give an instance a random number generator."""

    verb: ClassVar[str] = "add-rng"
    source: Annotated[
        str,
        parameter(
            "The file of the host that feeds it.",
            pattern=r"/.+",
            shape="a path such as /dev/urandom",
            longest=PATH_BYTES,
        ),
    ] = "/dev/urandom"


class AddTpm(Request, frozen=True):
    """Give an instance a TPM: an emulated one of version 2.0, or that of its host."""

    verb: ClassVar[str] = "add-tpm"
    model: Annotated[
        Literal["tpm-crb", "tpm-tis", "tpm-spapr"], parameter("As the guest sees it.")
    ] = "tpm-crb"
    host_device: Annotated[
        str,
        parameter(
            "The TPM of the host that is passed through, /dev/tpm0; empty: an emulated one.",
            pattern=r"|/dev/[^\x00-\x1f\x7f-\x9f]+",
            shape="a path such as /dev/tpm0",
            longest=PATH_BYTES,
        ),
    ] = ""


def _channel(document: str, _: AddAgentChannel) -> str:
    from core.xml.definition.tuning import with_agent_channel

    return with_agent_channel(document)


def _watchdog(document: str, request: SetWatchdog) -> str:
    from core.xml.definition.tuning import with_watchdog

    return with_watchdog(document, request.model, request.action)


def _rng(document: str, request: AddRng) -> str:
    from core.xml.definition.tuning import with_rng

    return with_rng(document, request.source)


def _tpm(document: str, request: AddTpm) -> str:
    from core.xml.definition.tuning import with_tpm

    return with_tpm(document, request.model, request.host_device)


def _against_tpm(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell who has the TPM of the host: it is one guest's at a time."""
    assert isinstance(request, AddTpm)
    yield from against_transient(state, request, but)
    for other in state.instances.values() if request.host_device else ():
        if other.host != request.subject.host or other.key == request.subject:
            continue
        tpms = [one.summary.split(" ") for one in other.devices if one.kind == "tpm"]
        if any("passthrough" in words and request.host_device in words for words in tpms):
            runs = "has" if other.state.active else "is defined with"
            text = f"{clean(other.name)} {runs} {clean(request.host_device)}"
            cure = "one at a time can have it: take it out there first, or have an emulated one"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "host_device")


def _tpm_of(request: AddTpm) -> str:
    if request.host_device:
        return f"has the TPM of its host, {clean(request.host_device)}, as {request.model}"
    return f"has a TPM 2.0, {request.model}"


def _guarded(request: SetWatchdog) -> str:
    if request.model == "none":
        return "has no watchdog"
    return f"has a watchdog, {request.model}, whose action is {request.action}"


ADD_AGENT_CHANNEL = document_verb(
    *(AddAgentChannel, _channel, lambda _: "has a channel for its guest's agent"),
    title="Agent channel",
    help_="Give it a channel for the guest's agent.",
    key="a",
)
SET_WATCHDOG = document_verb(
    *(SetWatchdog, _watchdog, _guarded),
    title="Watchdog",
    help_="Give it a watchdog, or none.",
    key="w",
)
ADD_RNG = document_verb(
    *(AddRng, _rng, lambda one: f"has a random number generator, fed from {one.source}"),
    title="Random numbers",
    help_="Give it a random number generator.",
    key="r",
)
ADD_TPM = document_verb(
    *(AddTpm, _tpm, _tpm_of),
    title="TPM",
    help_="Give it a TPM: an emulated one of version 2.0, or that of its host.",
    key="t",
    refusals=_against_tpm,
)

VERBS = (ADD_AGENT_CHANNEL, SET_WATCHDOG, ADD_RNG, ADD_TPM)

"""Devices that a guest is given: a channel for its agent, a watchdog, an RNG, a TPM."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.tuning.documents import document_verb


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
    """Give an instance an emulated TPM 2.0."""

    verb: ClassVar[str] = "add-tpm"
    model: Annotated[
        Literal["tpm-crb", "tpm-tis", "tpm-spapr"], parameter("As the guest sees it.")
    ] = "tpm-crb"


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

    return with_tpm(document, request.model)


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
    *(AddTpm, _tpm, lambda one: f"has a TPM 2.0, {one.model}"),
    title="TPM",
    help_="Give it an emulated TPM 2.0.",
    key="t",
)

VERBS = (ADD_AGENT_CHANNEL, SET_WATCHDOG, ADD_RNG, ADD_TPM)

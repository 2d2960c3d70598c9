"""What every verb that asks a guest's agent has in common."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated

from core.model import AgentState, Request, State
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.states import TO_ANSWER
from core.verbs.verb import Verb

AGENT_SECONDS = 20
"""How long an agent may take to answer. One that stops in the middle would block for ever."""


def without_agent(state: State, request: Request, _: str) -> Iterable[Refusal]:
    """Refuse what no agent can carry out: an instance that has none, or none that is connected."""
    instance = state.instances.get(request.subject)
    if instance is None or not instance.described:
        return
    if instance.agent is AgentState.NONE:
        text = f"{instance.name} has no guest agent channel"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "add one, and run qemu-guest-agent in it")
    elif instance.agent is AgentState.DISCONNECTED:
        text = f"{instance.name} has a guest agent channel, and no agent on it"
        yield Refusal(RefusalCode.STATE, text, "start qemu-guest-agent in the guest")


User = Annotated[
    str,
    parameter(
        "The account in the guest: root, or Administrator of a Windows.",
        pattern=r"[^\s:/\\][^:/\\\n]{0,255}",
        shape="an account's name, without colons and slashes",
    ),
]
"""An account in the guest."""

agent_verb = partial(
    Verb, group="guest", states=TO_ANSWER, refusals=without_agent, needs_description=True
)
"""A verb that the agent of an instance carries out."""

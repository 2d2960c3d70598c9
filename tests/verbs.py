"""Requests, calls and checks as tests ask for them."""

from __future__ import annotations

from core.model import Request, State
from core.verbs import checks, power
from core.verbs.call import Call
from core.verbs.power.calls import WITHOUT_ARGUMENTS
from core.verbs.registry import VERBS

POWER_VERBS: dict[str, type[Request]] = {verb.name: verb.request for verb in power.VERBS}
REQUESTS: dict[str, type[Request]] = {name: verb.request for name, verb in VERBS.items()}
POWER_CALLS: list[Call] = list(WITHOUT_ARGUMENTS.values())


def check(state: State, request: Request, but: str = "") -> tuple[str, ...]:
    """Return what speaks against a request, as sentences."""
    return tuple(map(str, checks.check(state, request, but)))

"""Every verb by its request."""

from __future__ import annotations

from core.model import Request
from core.operations.guest import REBOOT, RESET, SHUTDOWN
from core.operations.immediate import PAUSE, RESUME, START, STOP
from core.operations.verb import Verb

REGISTRY: dict[type[Request], Verb] = {
    verb.request: verb for verb in (START, SHUTDOWN, STOP, REBOOT, RESET, PAUSE, RESUME)
}


def verb_of(request: Request) -> Verb:
    """Return the verb that carries a request out; KeyError if there is none."""
    return REGISTRY[type(request)]

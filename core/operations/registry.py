"""Every verb by its request."""

from __future__ import annotations

from core.model import VERBS, Drain, Migrate, Request, ResumeMigration
from core.operations.guest import REBOOT, RESET, SHUTDOWN
from core.operations.immediate import PAUSE, RESUME, START, STOP
from core.operations.verb import Step, Verb

MIGRATE = Verb(Migrate, None)
RESUME_MIGRATION = Verb(ResumeMigration, None)
DRAIN = Verb(Drain, None)

REGISTRY: dict[type[Request], Verb] = {
    verb.request: verb
    for verb in (
        *(START, SHUTDOWN, STOP, REBOOT, RESET, PAUSE, RESUME),
        *(MIGRATE, RESUME_MIGRATION, DRAIN),
    )
}


def verb_of(request: Request) -> Verb:
    """Return the verb that carries a request out; KeyError if there is none."""
    return REGISTRY[type(request)]


def verb_steps(name: str) -> Step | None:
    """Return the decisions of a verb by its name; None where it is conducted, or not known."""
    request = VERBS.get(name)
    return None if request is None else REGISTRY[request].step

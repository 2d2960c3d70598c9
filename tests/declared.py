"""A verb that is declared while a test runs: nothing of the product knows it by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar, Literal

from core.model import InstanceState, Request
from core.model.secret_value import Secret
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.registry import VERBS
from core.verbs.verb import Risk, Subjects, Verb


class Poke(Request, frozen=True):
    """What the verb asks for: a field of each kind that a form has."""

    verb: ClassVar[str] = "poke"
    finger: Literal["index", "thumb"] = "index"
    times: Annotated[int, parameter("How often.", least=1, most=9)] = 1
    hard: Annotated[bool, parameter("So that it hurts.")] = False
    reason: Annotated[str, parameter("What for.")] = ""
    pin: Annotated[Secret, parameter("What proves who asks.", advanced=True)] | None = None
    pause: (
        Annotated[float, parameter("Between two.", least=0, most=60, unit="s", advanced=True)]
        | None
    ) = None


def _pokes(_: Request, subjects: Subjects) -> str:
    return f"Pokes {subjects.whom}."


POKE = Verb(
    Poke,
    title="Poke",
    help="Poke it, and see whether it moves.",
    doing="poking",
    group="guest",
    key="k",
    states={InstanceState.SHUTOFF: ("{name} is shut off", "start it first")},
    risk=Risk(Caution.KEY, _pokes),
)


PICTURED = (
    *("start", "shutdown", "stop", "reboot", "reset", "pause", "resume"),
    *("migrate", "resume-migration", "drain"),
)
"""The verbs that pictures of menus and of the help have."""


@contextmanager
def only(*names: str) -> Iterator[None]:
    """Have no other verbs inside: what is pictured does not change with every new one."""
    others = {name: verb for name, verb in VERBS.items() if name not in names}
    before = dict(VERBS)
    for name in others:
        del VERBS[name]
    try:
        yield
    finally:
        VERBS.clear()
        VERBS.update(before)


@contextmanager
def declared(*verbs: Verb) -> Iterator[None]:
    """Have the verbs declared inside."""
    for verb in verbs:
        VERBS[verb.name] = verb
    try:
        yield
    finally:
        for verb in verbs:
            del VERBS[verb.name]

"""Whether a request may make a second copy of an instance, and the override that lets it. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import Instance, Request, State
from core.model.text import clean
from core.state import second_copy
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.registry import verb_of

CURE = (
    "Only its name, typed for this, lets it run all the same: --second-copy {name} on the command "
    "line, or the question of a screen on which it alone is chosen."
)

_TWO = "Two of it would write to the same disks and destroy what is on them."


def against(state: State, request: Request, but: str = "") -> list[Refusal]:
    """Return why a request would make a second copy; empty: it would not, or may.

    `but` is the id of the request's own operation.
    """
    instance = state.instances.get(request.subject)
    if instance is None or allowed(request, instance):
        return []
    if not (signs := _signs(state, request, instance, but)):
        return []
    where = clean(request.subject.host)
    text = f"{clean(instance.name)} must not run on {where} too: {signs}. {_TWO}"
    return [Refusal(RefusalCode.SECOND_COPY, text)]


def danger(state: State, request: Request) -> str:
    """Return what a request that overrides the refusal puts at risk, in whole sentences."""
    instance = state.instances.get(request.subject)
    if instance is None or not allowed(request, instance):
        return ""
    signs = _signs(state, request, instance, "")
    where = clean(request.subject.host)
    return f"Lets {clean(instance.name)} run on {where} too: {signs}. {_TWO}" if signs else ""


def _signs(state: State, request: Request, instance: Instance, but: str) -> str:
    if not lets_run(request, instance):
        return ""
    return "; ".join(map(clean, second_copy.copies(state, request.subject, but)))


def lets_run(request: Request, instance: Instance) -> bool:
    """Whether a request lets an instance run that does not."""
    rule = verb_of(request).lets_run
    return rule is not None and rule(instance)


def allowed(request: Request, instance: Instance) -> bool:
    """Whether the operator has typed the instance's name to have it run in spite of the danger."""
    return getattr(request, "second_copy", "") in (instance.name, instance.uuid)


def overriding(state: State, request: Request) -> Request:
    """Return the request as an operator submits it who has typed the name: after the question."""
    if against(state, request):
        return replace(request, second_copy=request.subject.id)
    return request


def cure(state: State, request: Request) -> str:
    """Return what to do where `against` says no; empty where it does not."""
    instance = state.instances.get(request.subject)
    if instance is None or not against(state, request):
        return ""
    told = CURE.format(name=clean(instance.name))
    if to := second_copy.evacuated_to(state, instance.key):
        what = f"{clean(instance.host)}/{clean(instance.name)}"
        behind = f"It was evacuated to {clean(to)}, and this is what was left behind: undefine it "
        return f"{behind}with `virtdeck undefine {what}`, which leaves its disks. {told}"
    return told

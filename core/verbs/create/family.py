"""What the verbs that make an instance have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.model import Request, State
from core.model.text import clean
from core.verbs.create.making import Planned, plan_of
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Situation
from core.verbs.undefining import Undefine


def against_name(state: State, request: Request, name: str, field: str) -> Iterator[Refusal]:
    """Tell of what has the name or the UUID already, on the same host."""
    host = request.subject.host
    same = state.instances.get(request.subject)
    if same is not None:
        text = f"{clean(same.name)} on {host} has the UUID {same.uuid} already"
        yield Refusal(RefusalCode.PARAMETER, text, "leave <uuid> out: one is chosen", field)
    for other in state.instances.values():
        if other.host == host and other.name == name and other is not same:
            text = f"There is an instance {clean(name)} on {host} already"
            yield Refusal(RefusalCode.PARAMETER, text, "choose another name", field)


def made(situation: Situation) -> str:
    """Say what is there now."""
    plan = plan_of(situation)
    assert plan is not None
    runs = "runs" if plan.start else "is defined"
    return f"{plan.name} {runs} on {situation.request.subject.host}"


def undo_of(planned: Planned) -> Callable[[Situation], Request]:
    """Return what takes a creation back: its definition goes, and the volumes made for it."""

    def undo(situation: Situation) -> Request:
        plan, _ = planned(situation)
        targets = tuple(volume.target for volume in plan.volumes if volume.how != "seed")
        return Undefine(situation.request.subject, targets)

    return undo

"""Filters of network traffic: defined from their XML, and deleted. They are of a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import Request, State
from core.model.text import clean
from core.verbs.call import Call, Removal
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb


class DefineFilter(Request, frozen=True):
    """Define a network filter, or define it anew (virNWFilterDefineXML)."""

    verb: ClassVar[str] = "nwfilter-define"
    xml: Annotated[
        str, parameter("Its XML, as `virsh nwfilter-dumpxml` prints it.", label="XML", text=True)
    ]


class DeleteFilter(Request, frozen=True):
    """Delete a network filter (virNWFilterUndefine)."""

    verb: ClassVar[str] = "nwfilter-delete"
    filter: Annotated[str, parameter("The filter, by its name.", longest=255)]


class FilterDefineCall(Call, frozen=True):
    """virNWFilterDefineXML: what is bound to a filter of that name is filtered so at once."""

    repeatable: ClassVar[bool] = True
    xml: str

    @property
    def text(self) -> str:
        """The XML."""
        return self.xml

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh nwfilter-define`, which takes the XML from a file."""
        return ("nwfilter-define", "FILE")


class FilterUndefineCall(Removal, frozen=True):
    """virNWFilterUndefine."""

    filter: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh nwfilter-undefine`."""
        return ("nwfilter-undefine", self.filter)


def _define(now: Situation) -> list[Step]:
    assert isinstance(now.request, DefineFilter)
    call = FilterDefineCall(now.request.xml)
    return [Step(call, f"defining the filter {clean(_name(now.request))} on {now.name}")]


def _name(request: DefineFilter) -> str:
    from core.xml.node_device import read_filter

    try:
        return read_filter(request.xml).name
    except XmlError:
        return ""


def _against(_: State, request: Request, __: str) -> Iterator[Refusal]:
    from core.xml.node_device import read_filter

    assert isinstance(request, DefineFilter)
    try:
        name = read_filter(request.xml).name
    except XmlError as error:
        cure = "set it right; `virsh nwfilter-dumpxml` of another shows how it looks"
        yield Refusal(RefusalCode.PARAMETER, error.message.rstrip("."), cure, "xml")
        return
    if not name:
        text = "The XML has no name"
        yield Refusal(RefusalCode.PARAMETER, text, "give it: <filter name='...'>", "xml")


def _delete(now: Situation) -> list[Step]:
    assert isinstance(now.request, DeleteFilter)
    name = now.request.filter
    return [Step(FilterUndefineCall(name), f"deleting the filter {clean(name)} of {now.name}")]


def _deleted(now: Situation) -> str:
    assert isinstance(now.request, DeleteFilter)
    return f"{now.name} no longer has the filter {clean(now.request.filter)}"


def _takes(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, DeleteFilter)
    return f"Deletes the network filter {clean(request.filter)} of {subjects.whom}."


def _defined(now: Situation) -> str:
    assert isinstance(now.request, DefineFilter)
    return f"{now.name} has the filter {clean(_name(now.request))} as given"


VERBS = (
    Verb(
        DefineFilter,
        title="Define a filter",
        help="Define a filter of network traffic, or define it anew, from its XML.",
        doing="being given a filter",
        group="network",
        key="f",
        subject="host",
        decide=sequence(_define, _defined),
        steps=_define,
        calls=(FilterDefineCall,),
        refusals=_against,
        risk=Risk(),
    ),
    Verb(
        DeleteFilter,
        title="Delete a filter",
        part="filter",
        help="Delete a filter of network traffic that nothing uses.",
        doing="being rid of a filter",
        group="network",
        key="F",
        subject="host",
        decide=sequence(_delete, _deleted),
        steps=_delete,
        calls=(FilterUndefineCall,),
        risk=Risk(Caution.CONFIRM, _takes),
    ),
)

"""An instance is made from its XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from core.errors import XmlError
from core.model import Request, State
from core.model.secret_value import Secret
from core.model.text import clean
from core.verbs.create.calls import DefineCall, ProveCall, TakeBackCall
from core.verbs.create.family import against_name, made, undo_of
from core.verbs.create.making import making
from core.verbs.create.plan import InstancePlan
from core.verbs.definition import AutostartCall
from core.verbs.parameter import parameter
from core.verbs.power.calls import CreateCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Situation
from core.verbs.verb import Verb
from core.verbs.whole import whole

if TYPE_CHECKING:  # the help needs no XML
    from core.xml.authored import Authored


class CreateFromXml(Request, frozen=True):
    """Make an instance from its XML, which libvirt checks by its schema first."""

    verb: ClassVar[str] = "create-from-xml"
    xml: Annotated[
        Secret,
        parameter("Its XML, as `virsh dumpxml` prints it.", label="XML", text=True, argument=True),
    ]
    """A secret, for it may have passwords in it: the journal has it without them."""
    start: Annotated[bool, parameter("Start it.")] = False
    autostart: Annotated[bool, parameter("Have it started with its host.")] = False

    @property
    def makes(self) -> str:
        """The name that the XML has."""
        found = _read(self.xml)
        name = "" if found is None or isinstance(found, XmlError) else found.name
        return name or "a new instance"


def _read(xml: Secret) -> Authored | XmlError | None:
    """Return what the XML says of itself, or what is wrong with it; None: it is gone."""
    if xml == Secret(None):
        return None
    from core.xml.authored import read_authored

    try:
        return read_authored(xml.reveal())
    except XmlError as error:
        return error


def _own_id(values: Mapping[str, Any]) -> str:
    found = _read(values["xml"])
    return "" if found is None or isinstance(found, XmlError) else found.uuid


def _planned(situation: Situation) -> tuple[InstancePlan, Sequence[Secret]]:
    from core.xml.authored import completed

    request = situation.request
    assert isinstance(request, CreateFromXml)
    xml, passwords = completed(request.xml.reveal(), request.subject.id)
    given = bool(_own_id({"xml": request.xml}))
    plan = InstancePlan(request.makes, xml, (), request.start, request.autostart, given)
    return plan, tuple(map(Secret, passwords))


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CreateFromXml)
    found = _read(request.xml)
    if isinstance(found, XmlError):
        cure = f"{found.hint[:1].lower()}{found.hint[1:]}".rstrip(".")
        yield Refusal(RefusalCode.PARAMETER, found.message.rstrip("."), cure, "xml")
    elif found is not None and not found.name:
        text = "The XML has no name"
        yield Refusal(RefusalCode.PARAMETER, text, "give it a <name>", "xml")
    elif found is not None:
        yield from against_name(state, request, found.name, "xml")
        yield from _against_copy(state, request, found)


def _against_copy(state: State, request: CreateFromXml, found: Authored) -> Iterator[Refusal]:
    """Tell of another host that has an instance of the same UUID: it would be two of one."""
    for other in state.instances.values():
        if found.uuid and other.uuid == found.uuid and other.host != request.subject.host:
            text = f"{clean(other.name)} on {other.host} has the UUID {found.uuid}"
            cure = "leave <uuid> out of the XML, or migrate that one"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")


CREATE_FROM_XML = Verb(
    CreateFromXml,
    title="Create from XML",
    help="Make an instance from its XML, checked by libvirt before anything is made.",
    doing="being created",
    group="create",
    key="x",
    subject="host",
    makes="instance",
    own_id=_own_id,
    decide=whole(making(_planned), made),
    steps=making(_planned),
    resumable=True,
    calls=(ProveCall, DefineCall, AutostartCall, CreateCall, TakeBackCall),
    waits=True,
    single=True,
    refusals=_against,
    undo=undo_of(_planned),
    cancelled="What was made of it is removed again.",
)

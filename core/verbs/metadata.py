"""What a program keeps in an instance's definition: an element of its own namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import Request, State
from core.model.text import clean
from core.verbs.applied import KNOWN, Applied, When, affects, against_when
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb

OURS = "urn:virtdeck:"
"""What the namespaces begin with in which virtdeck itself keeps marks."""
LONGEST = 65_536
"""Bytes, as of a description: each reading of an instance brings it along."""


class SetMetadata(Request, frozen=True):
    """Set an element that a program keeps in an instance's definition (virDomainSetMetadata)."""

    verb: ClassVar[str] = "set-metadata"
    uri: Annotated[
        str,
        parameter(
            "The namespace of the element, which tells whose it is.",
            pattern=r"[^\s\x00-\x1f\x7f-\x9f<>\"'&]+",
            shape="a URI such as https://example.org/ours/1",
            longest=1024,
            label="URI",
        ),
    ]
    xml: Annotated[
        str,
        parameter(
            "The element, such as <ours owner='ada'/>; empty removes what is there.",
            longest=LONGEST,
            label="XML",
        ),
    ]
    prefix: Annotated[
        str,
        parameter(
            "The prefix of the namespace in the definition.",
            pattern=r"[A-Za-z_][A-Za-z0-9_.-]*",
            shape="a name of letters and digits",
            longest=100,
        ),
    ] = "app"
    when: When = "both"


class MetadataCall(Applied, frozen=True):
    """virDomainSetMetadata: an element."""

    repeatable: ClassVar[bool] = True
    uri: str
    prefix: str
    xml: str
    """Empty: what is there is removed."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh metadata`."""
        what = ("--key", self.prefix, "--set", self.xml) if self.xml else ("--remove",)
        return ("metadata", name, self.uri, *self.affected(), *what)


def _steps(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetMetadata)
    values = (request.uri, request.prefix, request.xml.strip())
    call = MetadataCall(*affects(situation, request.when), *values)
    return [Step(call, f"setting the metadata {clean(request.uri)} of {situation.name}")]


def _against(state: State, request: Request, name: str) -> Iterator[Refusal]:
    assert isinstance(request, SetMetadata)
    yield from against_when(state, request, name)
    if request.uri.startswith(OURS):
        text = f"{clean(request.uri)} is a namespace of virtdeck's own"
        yield Refusal(RefusalCode.PARAMETER, text, "choose one of your own", "uri")
    if not request.xml.strip():
        return
    from core.xml.tree import parse

    try:
        parse(request.xml)
    except XmlError as error:
        cure = "give one element, such as <ours owner='ada'/>"
        yield Refusal(RefusalCode.PARAMETER, error.message.rstrip("."), cure, "xml")


def _outcome(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, SetMetadata)
    done = "set" if request.xml.strip() else "gone"
    return f"the metadata {clean(request.uri)} of {situation.name} is {done}"


SET_METADATA = Verb(
    SetMetadata,
    title="Metadata",
    help="Set an element that a program keeps in its definition, under a namespace.",
    doing="setting its metadata",
    group="define",
    key="m",
    decide=sequence(_steps, _outcome),
    steps=_steps,
    calls=(MetadataCall,),
    states=KNOWN,
    refusals=_against,
)

VERBS = (SET_METADATA,)

"""The whole definition of an instance, as an operator edits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import ObjectKey, OperationStatus, Request, State
from core.model.secret_value import Secret
from core.verbs.applied import KNOWN
from core.verbs.caution import Caution
from core.verbs.defining import RedefineCall, defining
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation, done
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.xml_rule import definition_of

XML_BYTES = 4 << 20
"""The longest text that libvirt takes (VIR_NET_MESSAGE_STRING_MAX)."""
_against_text = definition_of("domain")


class Edit(Request, frozen=True):
    """Define an instance anew from its whole XML (virDomainDefineXMLFlags)."""

    verb: ClassVar[str] = "edit"
    xml: Annotated[
        str,
        parameter(
            "The new definition, its secrets left out.",
            longest=XML_BYTES,
            rule=_against_text,
            label="XML",
        ),
    ]
    base: Annotated[
        str,
        parameter(
            "The definition that it was made from; empty: as it is when this is begun.",
            advanced=True,
        ),
    ] = ""
    secrets: Annotated[
        tuple[Secret, ...],
        parameter("The secrets that are new, in their order.", advanced=True),
    ] = ()
    unchecked: Annotated[
        bool, parameter("Have libvirt take it without its schema.", advanced=True)
    ] = False


def edited(subject: ObjectKey, given: str, base: str, *, unchecked: bool = False) -> Edit:
    """Return the request for what was edited, the secrets that were typed taken out of it.

    What is no XML stays as it is: the check of the request says why.
    """
    from core.xml.definition.document import withheld

    try:
        xml, secrets = withheld(given)
    except XmlError:
        xml, secrets = given, ()
    return Edit(subject, xml, base, tuple(map(Secret, secrets)), unchecked)


def _call(now: Situation) -> RedefineCall:
    request = now.request
    assert isinstance(request, Edit)
    base = request.base or now.document or ""
    return RedefineCall(request.xml, base, request.secrets, request.unchecked, typed=True)


def _steps(now: Situation) -> list[Step]:
    return [defining(now, _call(now), f"defining {now.name} anew")]


def _decide(now: Situation) -> Action:
    """Refuse what is another instance's; else define it."""
    if not now.sent:
        from core.verbs.editing_xml import against_identity

        call = _call(now)
        if now.document is not None and (refusal := against_identity(now.document, call.xml)):
            return End(OperationStatus.REFUSED, str(refusal), refused=refusal.code)
        if now.document == call.xml:
            return done(f"{now.name} is defined like that already")
    return sequence(_steps, _outcome)(now)


def _outcome(now: Situation) -> str:
    return f"{now.name} is defined anew{since(now)}"


def since(now: Situation) -> str:
    """Say from when on a definition counts: of one that is off, it does already."""
    instance = now.instance
    return ", from its next start on" if instance is not None and instance.state.active else ""


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Edit)
    instance = state.instances.get(request.subject)
    if instance is not None and not instance.persistent:
        wrong = f"{instance.name} is transient, it has no definition"
        yield Refusal(RefusalCode.STATE, wrong, "define it first")
    if request.base and not _against_text(request.xml):
        from core.verbs.editing_xml import against_edit

        yield from against_edit(request.base, request.xml)


def _replaces(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, Edit)
    from core.verbs.editing_xml import changes_of
    from core.xml.definition.changes import in_words

    found = changes_of(request.base, request.xml)
    what = f": {in_words(found)}" if found else ""
    return f"Replaces the definition of {subjects.whom}{what}."


def _counts(state: State, requests: Sequence[Request]) -> list[str]:
    """Say from when on what was changed counts, and what helps against that."""
    from core.verbs.editing_xml import at_once

    said: list[str] = []
    for request in requests:
        instance = state.instances.get(request.subject)
        if instance is None:
            continue
        assert isinstance(request, Edit)
        if instance.state.active:
            said.append(f"{instance.name} runs on as it is: all of it counts from its next start.")
            said += at_once(request.base, request.xml)
        if instance.managed_save:
            text = (
                f"What was saved of {instance.name} wins: drop it (save-remove), or edit it later."
            )
            said.append(text)
    return said


def _as_before(now: Situation) -> Request | None:
    """Return the edit that puts back what was; refused where somebody changed it since."""
    call = _call(now)
    if now.document is None or now.document == call.xml:
        return None
    return Edit(now.request.subject, now.document, call.xml)


EDIT = Verb(
    Edit,
    title="Edit the XML",
    help="Change its whole definition as XML, validated by libvirt.",
    doing="being edited",
    group="define",
    key="e",
    decide=_decide,
    steps=_steps,
    resumable=True,
    calls=(RedefineCall,),
    states=KNOWN,
    refusals=_against,
    single=True,
    by_hand=True,
    looks_at=frozenset({"document"}),
    undo=_as_before,
    risk=Risk(Caution.CONFIRM, _replaces, after=_counts),
)

VERBS = (EDIT,)

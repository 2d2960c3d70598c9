"""Verbs that change one thing of a whole definition: a pure function from it to the new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core.errors import XmlError
from core.model import OperationStatus, Request, State
from core.model.secret_value import Secret
from core.verbs.applied import KNOWN
from core.verbs.defining import RedefineCall, defining
from core.verbs.editing import Edit, since
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation, done
from core.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What is changed of a definition, from the next start of an instance that runs on."""

    change: Callable[[str, Any], str]
    """Returns the document as a request has it; raises XmlError where that does not fit."""
    said: Callable[[Any], str]
    """Says of a request what is so then, as what follows the instance's name."""

    def steps(self, now: Situation) -> list[Step]:
        """Define it anew, as it was sent where it was."""
        made = RedefineCall("", "")
        if now.document is not None and not now.sent:
            new = self.change(now.document, now.request)
            made = RedefineCall(new, now.document, _secret(now.request))
        return [defining(now, made, f"changing the definition of {now.name}")]

    def decide(self, now: Situation) -> Action:
        """Refuse what does not fit, and do nothing where it is so already."""
        made = None if now.sent else self._made(now)
        if isinstance(made, XmlError):
            text = f"{made.message} {made.hint}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.PARAMETER)
        if made is not None and made == now.document:
            return done(f"{now.name} {self.said(now.request)} already")
        return sequence(self.steps, self.outcome)(now)

    def outcome(self, now: Situation) -> str:
        """Say what is so, and since when."""
        return f"{now.name} {self.said(now.request)}{since(now)}"

    def undo(self, now: Situation) -> Request | None:
        """Return the edit that puts the definition back."""
        made = self._made(now)
        if now.document is None or not isinstance(made, str) or made == now.document:
            return None
        return Edit(now.request.subject, now.document, made)

    def _made(self, now: Situation) -> str | XmlError | None:
        """Return the new document, or why there is none; None where the old one is not known."""
        try:
            return None if now.document is None else self.change(now.document, now.request)
        except XmlError as error:
            return error


def document_verb(
    request: type[Request],
    change: Callable[[str, Any], str],
    said: Callable[[Any], str],
    *,
    title: str,
    help_: str,
    key: str,
    refusals: Callable[[State, Request, str], Iterator[Refusal]] | None = None,
) -> Verb:
    """Return the verb of a change; its arguments are those of `DocumentChange` and `Verb`."""
    what = DocumentChange(change, said)
    return Verb(
        request,
        title=title,
        help=f"{help_} It counts from the next start.",
        doing="being changed",
        group="tuning",
        key=key,
        decide=what.decide,
        steps=what.steps,
        resumable=True,
        calls=(RedefineCall,),
        states=KNOWN,
        refusals=refusals or against_transient,
        looks_at=frozenset({"document"}),
        undo=what.undo,
    )


def _secret(request: Request) -> tuple[Secret, ...]:
    """Return the secret that a request gives the definition, which has `***0` in its place."""
    found = getattr(request, "password", None)
    return (found,) if isinstance(found, Secret) else ()


def against_transient(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell of an instance that has no definition to be changed."""
    instance = state.instances.get(request.subject)
    if instance is not None and not instance.persistent:
        text = f"{instance.name} is transient, it has no next start"
        yield Refusal(RefusalCode.STATE, text, "define it first")

"""What requests take away, and how they are confirmed for that: for every surface.

Pure: the state and the requests are all that is looked at. What each verb takes away is in its
declaration (`core.verbs.verb.Risk`); the screens and the command line ask what `danger_of` says, in
its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import OperationRecord, Request, State
from core.model.lists import plural
from core.model.text import clean
from core.verbs import second_copy
from core.verbs.caution import Caution, Danger
from core.verbs.registry import VERBS, verb_of
from core.verbs.verb import Subjects
from core.verbs.wording import name_of

CANCEL = Caution.KEY
"""Cancelling an operation is confirmed by a yes; Ctrl-C on a command line asks by itself."""


def least_caution(kind: type[Request]) -> Caution:
    """Return how a request is confirmed at least, whatever it is for: what a help page can say."""
    return VERBS[kind.verb].risk.caution


def danger(state: State, request: Request) -> Danger:
    """Return what one request takes away, as the state has it now."""
    return danger_of(state, (request,))


def danger_of(state: State, requests: Sequence[Request]) -> Danger:
    """Return what requests take away together: the strictest caution, every sentence once."""
    caution = max((_caution(state, request) for request in requests), default=Caution.NONE)
    kinds = dict.fromkeys(type(request) for request in requests)
    sentences = [
        sentence
        for kind in kinds
        for sentence in _sentences(state, [item for item in requests if type(item) is kind])
    ]
    sentences += filter(None, (second_copy.danger(state, request) for request in requests))
    word = _word(state, requests) if caution is Caution.TYPE else ""
    warnings = [
        sentence
        for kind in kinds
        for sentence in VERBS[kind.verb].risk.warns(
            state, [item for item in requests if type(item) is kind]
        )
    ]
    caution = max(caution, Caution.KEY) if warnings else caution
    return Danger(caution, "\n".join(sentences), word, "\n".join(warnings))


def danger_of_answer(record: OperationRecord, word: str) -> Danger:
    """Return what an answer to the question of an operation takes away."""
    choices = () if record.question is None else record.question.choices
    loss = next((choice.loss for choice in choices if choice.word == word), "")
    typed = _typable(record.name, record.subject.id)
    return Danger(Caution.TYPE, loss, typed) if loss else Danger()


def _caution(state: State, request: Request) -> Caution:
    if second_copy.danger(state, request):
        return Caution.TYPE
    risk = verb_of(request).risk
    return max(risk.caution, risk.raised(state, request))


def _word(state: State, requests: Sequence[Request]) -> str:
    """A name with blanks at its ends or signs that cannot be typed gives way to the id."""
    asked = verb_of(requests[0]).risk.word
    if asked is not None:
        return asked(state, requests)
    if len(requests) > 1:
        return str(len(requests))
    return _typable(name_of(state, requests[0]), requests[0].subject.id)


def _typable(name: str, id_: str) -> str:
    return name if name == clean(name).strip() else id_


def _sentences(state: State, requests: Sequence[Request]) -> list[str]:
    """What requests of one kind do, then what that costs some of them beside."""
    first, many = requests[0], len(requests) > 1
    risk = verb_of(first).risk
    whom = plural(len(requests), first.subject.kind) if many else _place(state, first)
    does = () if risk.sentence is None else (risk.sentence(first, Subjects(whom, many)),)
    return [*risk.before(state, requests), *does, *risk.after(state, requests)]


def _place(state: State, request: Request) -> str:
    name, host = clean(name_of(state, request)), clean(request.subject.host)
    kind = request.subject.kind
    if kind == "host":
        return host
    return f"{name} on {host}" if kind == "instance" else f"the {kind} {name} on {host}"


def danger_of_cancel(record: OperationRecord) -> Danger:
    """Return what cancelling an operation does."""
    verb = VERBS.get(record.verb)
    undone = "What it had begun is undone where that is possible."
    if record.started is None:  # it waits for its turn, or is prepared, as a migration is for long
        return Danger(CANCEL, f"Nothing of it has been sent yet: {record.name} stays as it is.")
    return Danger(CANCEL, undone if verb is None else verb.cancelled)

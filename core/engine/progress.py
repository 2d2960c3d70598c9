"""What the journal keeps of an operation beside its record: written, and read back. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from core.model.secret_value import read_back, written
from core.verbs.answer import kept
from core.verbs.call import Call
from core.verbs.situation import Progress, Sent
from core.verbs.verb import Verb


def progress_json(progress: Progress) -> str:
    """Return what the journal keeps of a verb's progress."""
    if any(one.answer is not None for one in progress.sent):
        sent = tuple(msgspec.structs.replace(one, answer=kept(one.answer)) for one in progress.sent)
        progress = msgspec.structs.replace(progress, sent=sent)
    return msgspec.json.encode(progress, enc_hook=written).decode()


class _Kept(Sent, frozen=True):
    """A call as the journal has it: of which kind it is, its verb knows."""

    call: Any


def progress_of(verb: Verb, text: str) -> Progress | None:
    """Read a progress back; None when another version wrote it."""
    if not text:
        return Progress()
    try:
        raw: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        sent = tuple(_sent(verb, each) for each in raw.pop("sent", ()))
        workflow = _workflow(verb, raw)
        rest = msgspec.convert(raw, Progress)
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError):
        return None
    return msgspec.structs.replace(rest, sent=sent, workflow=workflow)


def _sent(verb: Verb, raw: dict[str, Any]) -> Sent:
    fields = msgspec.structs.asdict(msgspec.convert(raw, _Kept))
    call, answer = _call(verb, fields["call"]), fields["answer"]
    if answer is not None and call.answers is not None:
        answer = msgspec.convert(answer, call.answers)
    return Sent(**{**fields, "call": call, "answer": answer})


def _call(verb: Verb, raw: str | dict[str, Any]) -> Call:
    if isinstance(raw, str):
        return verb.older_calls[raw]
    kinds = {kind.__struct_config__.tag: kind for kind in verb.calls}
    return msgspec.convert(raw, kinds[raw["call"]], dec_hook=read_back)


def _workflow(verb: Verb, raw: dict[str, Any]) -> object:
    if verb.workflow is None:
        return None
    found = raw.pop("workflow", None) or raw.pop(verb.workflow.kept_as, None)
    if found is None:
        return None
    return msgspec.convert(found, verb.workflow.progress, str_keys=True)

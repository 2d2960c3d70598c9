"""Taking back what an operation did: the request that does it, and why it cannot be. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from core.model import OperationRecord, OperationStatus, Request
from core.model.secret_value import read_back, written
from core.verbs.registry import VERBS
from core.verbs.situation import Situation
from core.verbs.verb import Verb


def undo_of(verb: Verb, situation: Situation) -> dict[str, Any]:
    """Return the request that takes it back, as JSON has it; empty: nothing does.

    From the situation before the first call: what was so then is to be so again.
    """
    request = None if verb.undo is None else verb.undo(situation)
    if request is None:
        return {}
    made: dict[str, Any] = msgspec.to_builtins(request, enc_hook=written)
    return {
        "verb": request.verb,
        **{key: made[key] for key in made if key not in ("verb", "subject")},
    }


def undoing(record: OperationRecord) -> Request | None:
    """Return the request that takes an operation back; None where its record tells of none."""
    verb = VERBS.get(record.undo.get("verb", ""))
    if verb is None:
        return None
    asked = {key: value for key, value in record.undo.items() if key != "verb"}
    try:
        whole = {**asked, "subject": record.subject}
        return msgspec.convert(whole, verb.request, strict=False, dec_hook=read_back)
    except msgspec.ValidationError:
        return None


def against_undo(record: OperationRecord) -> str:
    """Return why an operation cannot be taken back, a sentence; empty: that can be asked for."""
    if not record.status.final:
        return f"It is {record.status.value}: cancel it instead."
    if record.status is not OperationStatus.DONE:
        return f"It is over ({record.status.value}): there is nothing to undo."
    if undoing(record) is not None:
        return ""
    verb = VERBS.get(record.verb)
    if verb is not None and verb.undo is not None:
        return "What was so before is not known, or was so already."
    return f"{record.verb} has no undo."


def against_forgetting(record: OperationRecord) -> str:
    """Return why an operation cannot be forgotten, a sentence; empty: it can."""
    if not record.status.final:
        return f"It is {record.status.value}: it goes on."
    if record.result.keys() & {"connected", "released"}:
        return "It stays: it tells which volumes hosts have connected (`virtdeck connections`)."
    return ""

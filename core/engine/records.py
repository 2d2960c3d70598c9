"""The record of an operation as it is begun."""

from __future__ import annotations

import secrets

import msgspec

from core.engine.host_names import concerned
from core.model import OperationRecord, Request, State
from core.model.secret_value import written
from core.verbs.registry import verb_of
from core.verbs.wording import name_of


def new_record(
    request: Request, state: State, author: str, now: float, number: int
) -> OperationRecord:
    """Return the record of a request; `number` is larger than that of any before it."""
    options = msgspec.to_builtins(request, enc_hook=written)
    return OperationRecord(
        id=f"{number:012x}-{secrets.token_hex(3)}",
        verb=request.verb,
        host=request.subject.host,
        subject=request.subject,
        name=name_of(state, request),
        author=author,
        created=now,
        options={key: options[key] for key in options if key not in ("verb", "subject")},
        hosts=concerned(request, state.hosts),
        doing=verb_of(request).doing,
    )

"""Why something cannot be done now, as a value: a code for programs, a sentence and a cure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.model.base import Value
from core.model.lists import numbered


class RefusalCode(StrEnum):
    """What kind of reason speaks against a request."""

    READ_ONLY = "read-only"
    NOT_FOUND = "not-found"
    UNREACHABLE = "unreachable"
    PARAMETER = "parameter"
    BUSY = "busy"
    """Another operation, or a job of libvirt's, is under way."""
    STATE = "state"
    """The subject's state."""
    SECOND_COPY = "second-copy"
    DESTINATION = "destination"
    UNSUPPORTED = "unsupported"


class Refusal(Value, frozen=True):
    """One reason against a request. `str` makes a whole sentence of it."""

    code: RefusalCode
    text: str
    """What speaks against it, without a full stop."""
    cure: str = ""
    """What to do instead, to follow a colon, without a full stop."""
    field: str = ""
    """The field of the request whose value is wrong; empty: no single one."""

    def __str__(self) -> str:
        whole = f"{self.text}: {self.cure}" if self.cure else self.text
        return whole if whole.endswith((".", "?", "!")) else f"{whole}."


def told(refusals: Iterable[Refusal]) -> str:
    """Return all that speaks against a request, numbered where it is more than one thing."""
    return numbered(map(str, refusals))

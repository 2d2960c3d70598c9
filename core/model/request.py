"""Requests: what an operator can ask for. `Fleet.submit` turns one into an operation."""

from __future__ import annotations

from typing import ClassVar

from core.model.base import ObjectKey, Value, kebab


class Request(Value, frozen=True, tag_field="verb", tag=kebab):
    """Something to do to one object: the verbs of `core.verbs` declare theirs.

    Frozen; journalled as JSON, without the values of its secrets (`core.model.secret_value`).
    """

    verb: ClassVar[str] = ""
    """The operator's word for it, as on the command line."""

    subject: ObjectKey

    @property
    def makes(self) -> str:
        """The name of what it makes, where its subject is not there before; else empty."""
        return ""

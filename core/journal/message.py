"""What a console leaves in the journal for the one that runs an operation."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value

MessageKind = Literal["abort", "abort-refused", "answer", "call", "cancel"]
"""A journal of a newer version, which may have others, is not opened."""


class Message(Value, frozen=True):
    """One message about an operation, for whoever runs it."""

    operation: str
    at: float
    author: str
    """USER@MACHINE."""
    kind: MessageKind
    """abort: one is about to be sent to its migration; abort-refused: libvirt refused it;
    answer: one to its question; call: one was made to its migration; cancel: it is to be
    cancelled."""
    text: str = ""
    """The answer; the call, or the abort, an `OperationStep` as JSON."""
    about: str = ""
    """The key of the question that it answers."""

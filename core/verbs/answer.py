"""What a call answers beside libvirt's yes: a process id, an output, a figure. Pure.

A call says by `Call.answers` that it has one. The verb sees it in `Situation.sent`, the journal has
it with the call, and `End.result` passes it on: to the operation's record, to who waits for the
operation, to `--json`. What a guest answers is untrusted text: it is cleaned where it is shown.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec

from core.model.base import Value

ANSWER_BYTES = 64 << 10
"""The longest answer that is written down, as JSON: each state of an operation is journalled whole,
and every console keeps it."""


class CallAnswer(Value, frozen=True):
    """What a call brought back. The console that made the call has it whole."""

    def kept(self) -> Self:
        """Return what the journal, and with it every other console, has of it."""
        return self

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it, for who asked."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told


def kept(answer: CallAnswer | None) -> CallAnswer | None:
    """Return what is written down of an answer; None where that is nothing, or too long."""
    if answer is None:
        return None
    shorter = answer.kept()
    return shorter if len(msgspec.json.encode(shorter)) <= ANSWER_BYTES else None

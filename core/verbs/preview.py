"""What a request would send, told without sending anything. Pure."""

from __future__ import annotations

import re
import shlex

from core.model import ObjectKey, Request, State
from core.state.subject import subject_of
from core.verbs.around import around
from core.verbs.call import Call
from core.verbs.registry import verb_of
from core.verbs.situation import Progress, Send, Situation
from core.verbs.wording import name_of

_PLAIN = re.compile(r"[^\W_][\w.+@:, -]*")
"""Names that virsh takes for nothing else; the others look like options, or have odd signs."""


def situation_of(state: State, request: Request) -> Situation:
    """Return the situation in which a request would be begun now."""
    subject = subject_of(state, request.subject)
    return Situation(
        request,
        name_of(state, request),
        state.at,
        Progress(),
        subject,
        around=around(state, request.subject),
    )


def planned(state: State, request: Request) -> tuple[Send, ...]:
    """Return the calls of a request as it would be begun now: all of a sequence, else the first."""
    verb = verb_of(request)
    situation = situation_of(state, request)
    if verb.steps is not None:
        return tuple(Send(step.call, step.text, step.deadline) for step in verb.steps(situation))
    action = None if verb.decide is None else verb.decide(situation)
    return (action,) if isinstance(action, Send) else ()


def virsh_line(uri: str, name: str, subject: ObjectKey, call: Call) -> str:
    """Return the virsh command that does the same as a call; empty where there is none.

    A subject whose name could be misread, or not be typed, is named by its id.
    """
    words = call.virsh(name if _PLAIN.fullmatch(name) else subject.id)
    return " ".join(map(_quoted, ("virsh", "-c", uri, *words))) if words else ""


def _quoted(word: str) -> str:
    """Return a word for a shell; signs that are not printed by their numbers, as bash has it."""
    if word.isprintable():
        return shlex.quote(word)
    signs = (sign if sign.isprintable() and sign not in "'\\" else _numbered(sign) for sign in word)
    return f"$'{''.join(signs)}'"


def _numbered(sign: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in sign.encode(errors="surrogateescape"))

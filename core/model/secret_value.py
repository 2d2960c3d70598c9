"""Values that only what makes a call may see: passwords, keys, passphrases. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from core.errors import NotSentError

WITHHELD = "withheld"
"""Stands for a secret wherever its request or its call is written down."""
SHORT = 6
"""A secret of fewer characters than that stands within words by chance."""


class Secret:
    """A value that no text shows and nothing writes down.

    msgspec and pickle do not encode it: a place that writes a request or a call down without
    `written` fails. One that was read back is gone with the console it was given to.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        """`value` is None for one that is gone."""
        self._value = value

    def reveal(self) -> str:
        """Return the value: for what makes the call, in core.hypervisor.calls, and nothing else.

        Raises NotSentError for one that is gone.
        """
        if self._value is None:
            raise NotSentError(
                "It needs a secret, which is gone with the console it was given to.",
                "Ask for it again.",
            )
        return self._value

    def __str__(self) -> str:
        """Never the value."""
        return WITHHELD

    def __repr__(self) -> str:
        """Never the value."""
        return f"Secret({WITHHELD})"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same value."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """As equal ones have it."""
        return hash(self._value)

    def __reduce__(self) -> str:
        """Raise TypeError: it is written nowhere."""
        raise TypeError("a secret is written nowhere")


def written(value: object) -> object:
    """Return what is written down for a secret: msgspec's `enc_hook`."""
    if isinstance(value, Secret):
        return WITHHELD
    raise NotImplementedError(f"{type(value).__name__} is not written down")


def read_back(kind: type[object], _: object) -> object:
    """Return the secret that is gone, for what was written down: msgspec's `dec_hook`."""
    if kind is Secret:
        return Secret(None)
    raise NotImplementedError(f"{kind.__name__} is not read back")


def without_secrets_of(call: msgspec.Struct, text: str) -> str:
    """Return a text, such as libvirt's about a call, without the secrets of the call."""
    return without(text, _secrets_in(msgspec.structs.astuple(call)))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text without some secrets.

    A short one counts only as a word of its own: that "p" is taken out of every word helps nobody
    to keep it, and nobody could read what went wrong. Errors also tell it as a part of JSON, of
    what Python prints, or of a URL, which write some characters otherwise.
    """
    written = {each for one in secrets if one for each in _written(one)}
    known = sorted(written, key=len, reverse=True)
    if not known:
        return text
    words = "|".join(
        re.escape(one) if len(one) >= SHORT else rf"(?<!\w){re.escape(one)}(?!\w)" for one in known
    )
    return re.sub(words, WITHHELD, text)


def _written(secret: str) -> tuple[str, ...]:
    text = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    url = (quote(secret, safe, errors="replace") for safe in ("/", ""))
    return secret, *text, repr(secret)[1:-1], *url


def _secrets_in(values: tuple[object, ...]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Secret) and value != Secret(None):
            if revealed := value.reveal():
                yield revealed
        elif isinstance(value, tuple):
            yield from _secrets_in(value)
        elif isinstance(value, msgspec.Struct):
            yield from _secrets_in(msgspec.structs.astuple(value))

"""What an operation was asked for, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from core.model.sizes import percent
from core.model.text import clean
from core.verbs.parameter import parameters
from core.verbs.registry import VERBS


def option_words(verb: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Each option that is not as usual, in words; those of what a drain asks for among its own."""
    kind = VERBS[verb].request if verb in VERBS else None
    known = {} if kind is None else {one.name: one for one in parameters(kind)}
    for name, value in options.items():
        usual = known[name].default if name in known and not known[name].required else None
        if value in (None, "", [], (), {}) or value == msgspec.to_builtins(usual):
            continue
        if isinstance(value, Mapping) and "verb" in value:
            inner = {key: one for key, one in value.items() if key not in ("verb", "subject")}
            yield from option_words(str(value["verb"]), inner)
            continue
        words = known[name].words if name in known else name.replace("_", " ")
        unit = known[name].unit if name in known else ""
        said = percent(float(value) / 100) if unit == "%" else f"{_said(value)} {unit}".rstrip()
        yield clean(f"{_term(words)} {said}")


_TERMS = {
    "post copy": "post-copy", "auto converge": "auto-converge", "zero copy": "zero-copy",
    "tls": "TLS", "uri": "URI",
}  # fmt: skip
"""What the words of a field's name are as a term."""


def _term(words: str) -> str:
    for plain, term in _TERMS.items():
        words = re.sub(rf"\b{plain}\b", term, words)
    return words


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " and ".join(name.replace("_", " ") for name, one in value.items() if one)
    if isinstance(value, list | tuple):
        return " and ".join(_said(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Rewrites as an operator writes them in a file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import msgspec

from core.errors import UsageError
from core.model.rewrites import Rewrites
from core.model.text import clean
from core.xml.rewrite.check import problems

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*?)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>.*?)`")
_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*?)`$")


def read_rewrites(data: Mapping[str, object]) -> Rewrites:
    """Return the rewrites of a parsed TOML or JSON file, whose keys are the fields of `Rewrites`.

    Raises UsageError naming the key that is unknown, missing or of the wrong type, and every value
    that makes no sense. Pure: the file is its caller's.
    """
    try:
        rewrites = msgspec.convert(dict(data), Rewrites, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    wrong = problems(rewrites)
    if wrong:
        raise UsageError(" ".join(wrong), "Correct the rewrites.")
    return rewrites


def _explained(message: str) -> UsageError:
    found = _PATH.search(message)
    path = clean(found["path"]) if found else ""
    where = f" in {path}" if path else ""
    if unknown := _UNKNOWN.search(message):
        key = clean(unknown["key"])
        return UsageError(f"The rewrites have the unknown key '{key}'{where}.", _known(key, path))
    if missing := _MISSING.search(message):
        return UsageError(f"The rewrites lack the key '{missing['key']}'{where}.", "Add it.")
    reason = clean(message[: found.start()] if found else message).replace("`", "'")
    at = f", key {path}" if path else ""
    return UsageError(f"The rewrites{at}: {reason[:1].lower()}{reason[1:]}.", "Correct that value.")


def _known(key: str, path: str) -> str:
    if path:
        return "The reference of the rewrites names the keys of each table."
    names = [field.encode_name for field in msgspec.structs.fields(Rewrites)]
    near = difflib.get_close_matches(key, names, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(names)}."

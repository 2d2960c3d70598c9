"""Reading TOML an operator wrote: typed, and with errors that name the line or key and the cure."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from core.errors import SettingsError

T = TypeVar("T")

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<key>.*?)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<key>.*?)`")
_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*?)`$")


def decode_toml(text: str, kind: type[T], what: str) -> T:
    """Decode TOML text as `kind` (a msgspec struct); `what` opens every error sentence.

    Raises SettingsError naming the line (syntax) or the key (unknown, missing, wrong type).
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{what} is not valid TOML: {_lower_first(str(error))}.",
            "Mend that line; strings need quotes and tables need [brackets].",
        ) from None
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, what) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the nearest known word, or "" when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""


def _explained(message: str, kind: type, what: str) -> SettingsError:
    found = _PATH.search(message)
    path = found["path"] if found else ""
    if unknown := _UNKNOWN_FIELD.search(message):
        known = _known_keys(kind, path)
        hint = did_you_mean(unknown["key"], known) or f"Known keys: {', '.join(known)}."
        return SettingsError(f"{what} has the unknown key '{_join(path, unknown['key'])}'.", hint)
    if missing := _MISSING_FIELD.search(message):
        return SettingsError(
            f"{what} lacks the key '{_join(path, missing['key'])}'.", "Add it to the file."
        )
    reason = _lower_first(message[: found.start()] if found else message)
    return SettingsError(f"{what}, key '{path}': {reason}.", "Correct the value of that key.")


def _known_keys(kind: object, path: str) -> list[str]:
    for part in filter(None, path.split(".")):
        fields = _fields(kind)
        kind = fields.get(part) if fields else None
    return list(_fields(kind))


def _fields(kind: object) -> dict[str, object]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {}
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]

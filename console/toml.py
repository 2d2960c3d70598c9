"""Reading TOML an operator wrote: typed, and with errors that name the line or key and the cure."""

from __future__ import annotations

import re
from typing import TypeVar, get_args

import msgspec

from core.errors import SettingsError
from core.model.text import did_you_mean

T = TypeVar("T")

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<key>.*?)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<key>.*?)`")
_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*?)`$")


def decode_toml(text: str, kind: type[T], what: str) -> T:
    """Decode TOML text as `kind` (a msgspec struct); `what` opens every error sentence.

    Raises SettingsError naming the line (syntax) or the key (unknown, missing, wrong type).
    """
    import tomllib  # most commands meet no configuration file

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{what} is not valid TOML: {_lower_first(str(error))}.",
            "Mend that line; strings need quotes and tables need [brackets].",
        ) from None
    except ValueError:  # Python's limit on the digits that int() takes
        raise SettingsError(
            f"{what} has a number of thousands of digits.", "No setting is as large as that."
        ) from None
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, what, text) from None


def _explained(message: str, kind: type, what: str, text: str) -> SettingsError:
    found = _PATH.search(message)
    path = found["path"] if found else ""
    if unknown := _UNKNOWN_FIELD.search(message):
        known = _known_keys(kind, path)
        hint = did_you_mean(unknown["key"], known) or f"Known keys: {', '.join(known)}."
        full = _join(path, unknown["key"])
        return SettingsError(f"{what}{_line_of(text, full)} has the unknown key '{full}'.", hint)
    if missing := _MISSING_FIELD.search(message):
        return SettingsError(
            f"{what} lacks the key '{_join(path, missing['key'])}'.", "Add it to the file."
        )
    reason = _in_words(message[: found.start()] if found else message)
    where = f"{_line_of(text, path)}, key '{path}'"
    choices = [repr(choice) for choice in get_args(_type_at(kind, path))]
    hint = f"Choose one of: {', '.join(choices)}." if "enum" in message else ""
    return SettingsError(f"{what}{where}: {reason}.", hint or "Correct the value of that key.")


_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}


def _in_words(message: str) -> str:
    """msgspec's sentence with an operator's words for the types."""
    if message.startswith("Invalid enum value"):
        return message.replace("Invalid enum value ", "").replace("`", "") + " is not a choice"

    def worded(match: re.Match[str]) -> str:
        kinds = [_WORDS.get(kind, kind) for kind in match[1].split(" | ") if kind != "null"]
        return " or ".join(kinds)

    return _lower_first(re.sub(r"`([^`]*)`", worded, message))


def _line_of(text: str, path: str) -> str:
    """ ", line N" of the key at `path` ("table.key"), "" where it cannot be told."""
    wanted = path.split("[")[0]
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+([^\]]+)\]", line):
            table = header[1].strip()
            if table == wanted:
                return f", line {number}"
        elif (key := re.match(r"\s*([\w.\"-]+)\s*=", line)) and (
            _join(table, key[1].strip('"')) == wanted
        ):
            return f", line {number}"
    return ""


def _known_keys(kind: object, path: str) -> list[str]:
    return list(_fields(_type_at(kind, path)))


def _type_at(kind: object, path: str) -> object:
    for part in filter(None, path.split(".")):
        kind = _fields(kind).get(part.partition("[")[0])
    return kind


def _fields(kind: object) -> dict[str, object]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        within = [part for part in get_args(kind) if isinstance(part, type)]
        tables = [part for part in within if issubclass(part, msgspec.Struct)]
        return _fields(tables[0]) if tables else {}
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]

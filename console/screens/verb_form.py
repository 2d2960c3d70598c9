"""The fields of a verb's form, made from its declaration, and the requests they make.

Pure, any thread.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from console.screens.form import Choices, Field, Values
from console.screens.form_choices import choices_of
from console.screens.present_values import present_of
from core.model import ObjectKey, Request, State
from core.model.lists import listed
from core.model.secret_value import Secret
from core.state.subject import has_namesake
from core.verbs.checks import check
from core.verbs.parameter import UNITS, Parameter, parameters, separated
from core.verbs.preview import planned
from core.verbs.verb import Verb
from core.verbs.wording import name_of

UNSET = "unset"
"""Chosen where a field may be left open."""
_MOST_NAMES = 3
_ANY = (0, 0)
"""A number is typed; its range is the parameter's to check."""


@dataclass(frozen=True, slots=True)
class FormAnswers:
    """What the form says: a request for each subject, or what is wrong with which field."""

    requests: tuple[Request, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Field -> sentence; empty: the requests can be checked."""


def asked_parameters(verb: Verb) -> tuple[Parameter, ...]:
    """Return those a form asks for: what names the subject is typed at the question."""
    return tuple(each for each in parameters(verb.request) if not each.names_subject)


def fields_of(verb: Verb, state: State, key: ObjectKey, *, alone: bool = True) -> tuple[Field, ...]:
    """Return a field for each parameter, the choices as the first subject has them.

    What it has now is shown where it is `alone`.
    """
    fields: list[Field] = []
    for each in asked_parameters(verb):
        present = present_of(state, key, each.present) if alone else ""
        found = field_of(each, choices_of(state, key, each.source), present)
        fields.append(found)
        if each.typed_twice:
            note = "The same once more: what is typed is not shown."
            again = replace(found, id=_again(each), label=f"{found.label} again", note=note)
            fields.append(again)
    return tuple(fields)


def _again(parameter: Parameter) -> str:
    """Return the id of the field in which it is typed for the second time."""
    return f"{parameter.name}-again"


def field_of(parameter: Parameter, offered: Choices = (), present: str = "") -> Field:
    """Return the field of a parameter; `offered` is what its source has to choose from.

    `present` is what it has now; empty: nothing, or it is not known.
    """
    label = parameter.title
    default, help_, more = _shown(parameter), parameter.help, parameter.advanced
    unset = ((UNSET, "left as it is, or to libvirt"),) if parameter.optional else ()
    if parameter.kind is bool:
        choices = (*unset, ("no", help_), ("yes", help_))
        return Field(parameter.name, label, choices, default=default, more=more)
    if parameter.choices and not parameter.many:
        named = tuple((name, help_) for name in parameter.choices)
        return Field(parameter.name, label, (*unset, *named), default=default, more=more)
    if offered and not parameter.many and not parameter.typed:
        return Field(parameter.name, label, (*unset, *offered), default=default, more=more)
    return Field(
        parameter.name,
        label,
        note=_note(parameter, _named(parameter, offered), present),
        number=_ANY if parameter.kind in (int, float) else None,
        default=_there(parameter, default, offered),
        more=more,
        secret=parameter.secret and not parameter.text,
        text=parameter.text,
        proposed=tuple(name for name, _ in offered) if parameter.typed else (),
    )


def _there(parameter: Parameter, default: str, offered: Choices) -> str:
    """Return what stands in a field at first: the first that is there where the default is not."""
    names = [name for name, _ in offered] if parameter.typed else []
    return names[0] if default and names and default not in names else default


def _named(parameter: Parameter, offered: Choices) -> Sequence[str]:
    """Return what a note lists: of what is proposed as it is typed only the beginning."""
    return [name for name, _ in offered] or ([] if parameter.typed else parameter.choices)


def _note(parameter: Parameter, names: Sequence[str], present: str) -> str:
    unit = UNITS.get(parameter.unit, parameter.unit)
    now = f"{'now' if unit else 'Now'} {present}" if present else ""
    first = f"{', '.join(filter(None, (unit, now)))}: " if unit or now else ""
    several = f" Any of {', '.join(names)}, with commas." if names else ""
    if parameter.typed:
        several = f" There {_are(names)}: right takes what is proposed." if names else ""
    if parameter.many and not names:
        several = " Several with commas."
    empty = " May be empty." if parameter.optional else ""
    return f"{first}{parameter.help}{several}{empty}"


def _are(names: Sequence[str]) -> str:
    """What there is, its first few by name: there may be ten thousand."""
    few, rest = names[:_MOST_NAMES], len(names) - _MOST_NAMES
    shown = listed([*few, f"{rest:,} more"] if rest > 0 else few)
    return f"{'is' if len(names) == 1 else 'are'} {shown}"


def _shown(parameter: Parameter) -> str:
    default = parameter.default
    if parameter.required or default is None or default == ():
        return UNSET if parameter.optional and parameter.kind is bool else ""
    return _text(parameter, default)


def _text(parameter: Parameter, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if parameter.kind is float else str(value)


def read(verb: Verb, values: Values, keys: Sequence[ObjectKey], new: str = "") -> FormAnswers:
    """Turn the form into requests; every bad value is told at once, by its field.

    `new` is the id of what they make, where they make something.
    """
    given: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for parameter in asked_parameters(verb):
        try:
            given[parameter.name] = value_of(parameter, values[parameter.name])
        except ValueError as error:
            wrong[parameter.name] = str(error)
        if parameter.typed_twice and values[_again(parameter)] != values[parameter.name]:
            wrong[_again(parameter)] = f"It is not the {parameter.words} above."
    if wrong:
        return FormAnswers(wrong=wrong)
    return FormAnswers(tuple(verb.at(key, new, given) for key in keys))


def value_of(parameter: Parameter, text: str) -> object:
    """Return what a field of a form says; raises ValueError with a sentence."""
    if parameter.kind is bool:
        return {"yes": True, "no": False}.get(text)
    if parameter.many:
        return tuple(_one(parameter, part) for part in separated(text))
    if text == UNSET and parameter.optional:
        return None
    if not text.strip() and (parameter.optional or parameter.kind is not str):
        if parameter.optional:
            return None
        ends = f": {parameter.range}" if _has_range(parameter) else ""
        raise ValueError(f"{parameter.title} must be given{ends}.")
    return _one(parameter, text if parameter.secret else text.strip())


def _one(parameter: Parameter, text: str) -> object:
    """One value; raises ValueError with a sentence."""
    if parameter.kind is str:
        if parameter.secret:
            if not text:
                raise ValueError(f"{parameter.title} must be given.")
            return Secret(text)
        if (refusal := parameter.against(text)) is not None:
            raise ValueError(str(refusal))
        return text
    whole = parameter.kind is int
    if not re.fullmatch(r"-?\d{1,18}" if whole else r"-?\d{1,18}(\.\d{0,9})?", text, re.ASCII):
        ends = f", {parameter.range}" if _has_range(parameter) else ""
        number = "a whole number" if whole else "a number"
        raise ValueError(f"{parameter.title} is {number}{ends}.")
    value = int(text) if whole else float(text)
    if (refusal := parameter.against(value)) is not None:
        raise ValueError(str(refusal))
    return value


def _has_range(parameter: Parameter) -> bool:
    return parameter.least is not None or parameter.most is not None


def xml_of(state: State, request: Request) -> str:
    """Return the XML of what a request makes; empty: something speaks against it."""
    if check(state, request):
        return ""
    return next((one.call.text for one in planned(state, request) if one.call.text), "")


def command_of(verb: Verb, state: State, requests: Sequence[Request]) -> str:
    """Return the command that does the same; a secret is read from a file there."""
    first = requests[0]
    if verb.makes is not None:
        return _making_command(verb, first)
    shown = [shlex.quote(_typed(state, request)) for request in requests[:_MOST_NAMES]]
    words = ["virtdeck", *verb.command]
    words += shown if len(requests) <= _MOST_NAMES else [*shown, "..."]
    for parameter in asked_parameters(verb):
        words += _option(parameter, getattr(first, parameter.name))
    return " ".join(words)


def _making_command(verb: Verb, request: Request) -> str:
    """What it makes is named first; the text of a file by that file."""
    words, options = ["virtdeck", *verb.command], ["--host", shlex.quote(request.subject.host)]
    for parameter in asked_parameters(verb):
        value = getattr(request, parameter.name)
        if parameter.argument:
            words.append("FILE" if parameter.text else shlex.quote(_text(parameter, value)))
        else:
            options += _option(parameter, value)
    return " ".join([*words, *options])


def _typed(state: State, request: Request) -> str:
    """Return what names a subject on the command line, and nothing else of its kind."""
    key, name = request.subject, name_of(state, request)
    if not name.isprintable():
        return f"{key.host}/{key.id}"
    placed = has_namesake(state, key) or name.startswith("-")
    return f"{key.host}/{name}" if placed else name


def _option(parameter: Parameter, value: object) -> list[str]:
    if value is None or (value == parameter.default and not parameter.required):
        return []
    name = f"--{parameter.name.replace('_', '-')}"
    if parameter.secret:
        return [f"{name}-file", "FILE"]
    if isinstance(value, bool):
        return [name if value else f"--no-{name[2:]}"]
    if parameter.text:
        return [name, "FILE"]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (name, shlex.quote(_text(parameter, each)))]


def text_of(value: str) -> str:
    """Return a text, or what the file holds whose path it is; the path where that cannot be read.

    For UI threads: a file is small, and of this machine.
    """
    path = value.strip()
    if "\n" in path or not path.startswith(("/", "~", "./")):
        return value
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError, RuntimeError):
        return value

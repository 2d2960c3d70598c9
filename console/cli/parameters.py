"""The options of a command line that stand for the fields of a request."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from console.cli import interrupts
from core.errors import UsageError
from core.model.secret_value import Secret
from core.verbs.parameter import UNITS, Parameter, separated

Decorator = Callable[[Any], Any]


def type_of(parameter: Parameter) -> click.ParamType[Any]:
    """Return what one value of a field is on the command line, with its range."""
    if parameter.choices:
        return click.Choice(parameter.choices)
    if parameter.kind is int:
        least, most = (None if bound is None else int(bound) for bound in _bounds(parameter))
        return click.IntRange(least, most)
    if parameter.kind is float:
        return click.FloatRange(*_bounds(parameter))
    return click.BOOL if parameter.kind is bool else click.STRING


def _bounds(parameter: Parameter) -> tuple[float | None, float | None]:
    return parameter.least, parameter.most


def option(parameter: Parameter) -> Decorator:
    """Return the option of a field; of a secret one it takes a file, never the value."""
    name, help_ = f"--{parameter.name.replace('_', '-')}", parameter.help
    if parameter.rest:
        return _rest(parameter)
    if parameter.names_subject:
        check = _checked(parameter)
        return click.option(
            name, parameter.name, multiple=True, metavar="NAME", help=help_, callback=check
        )
    if parameter.argument:
        return click.argument(
            parameter.name,
            metavar="FILE" if parameter.text else parameter.name.upper(),
            callback=None if parameter.text else _checked(parameter),
        )
    if parameter.secret or parameter.text:
        return _of_file(parameter, name)
    if parameter.kind is bool:
        return _switch(parameter, name)
    if parameter.many:
        return several(name, parameter)
    default = parameter.default
    more: dict[str, Any] = {} if parameter.required or default is None else {"default": default}
    return click.option(
        name,
        parameter.name,
        type=type_of(parameter),
        required=parameter.required,
        show_default=bool(more) and default != "",
        metavar=None if parameter.choices else _metavar(parameter),
        help=help_,
        callback=_checked(parameter),
        **more,  # one with a default, None too, is never missing for click
    )


def _rest(parameter: Parameter) -> Decorator:
    """Return what takes the words behind `--`, as one text."""
    check = _checked(parameter)

    def read(context: click.Context, option: click.Parameter, given: Sequence[str]) -> Any:
        return check(context, option, shlex.join(given))

    shown = f"-- {parameter.name.upper()}..."
    return click.argument(parameter.name, nargs=-1, required=True, metavar=shown, callback=read)


def _of_file(parameter: Parameter, name: str) -> Decorator:
    """Return the option of what is read from a file."""
    help_ = f"{parameter.help} It is read from FILE, - is standard input."
    if not parameter.secret:
        return click.option(name, parameter.name, metavar="FILE", help=help_)
    if parameter.required:
        help_ += " Without it, it is typed at the terminal."
    return click.option(
        f"{name}-file", parameter.name, metavar="FILE", help=help_, callback=_typed(parameter)
    )


def several(name: str, parameter: Parameter) -> Decorator:
    """Return an option for any number of values: given again, or with commas, as in a form."""
    check = _checked(parameter)

    def read(context: click.Context, option: click.Parameter, given: Sequence[str]) -> Any:
        found = [separated(text) for text in given]
        if not all(found) and not context.resilient_parsing:
            cure = f"Leave {name} out for none; `{context.command_path} --help` says more."
            raise UsageError(f"{name} is given without a value.", cure)
        return check(context, option, tuple(dict.fromkeys(sum(found, ()))))

    def complete(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
        before, comma, last = begun.rpartition(",")
        return [f"{before}{comma}{one}" for one in parameter.choices if one.startswith(last)]

    shown = f"[{'|'.join(parameter.choices)}],..." if parameter.choices else "TEXT,..."
    return click.option(
        *(name, parameter.name),
        multiple=True,
        required=parameter.required,
        metavar=shown,
        help=f"{parameter.help} Several: with commas, or the option again.",
        callback=read,
        shell_complete=complete,
    )


def _typed(parameter: Parameter) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return what has a secret typed that must be given, and comes from no file."""

    def ask(context: click.Context, _: click.Parameter, value: Any) -> Any:
        if value is not None or not parameter.required or context.resilient_parsing:
            return value
        if not interrupts.can_ask():
            name = parameter.name.replace("_", "-")
            hint = "Give a file, or - for standard input: there is no terminal to type it at."
            raise UsageError(f"--{name}-file is missing.", hint)
        words, twice = parameter.title, parameter.typed_twice
        return Secret(click.prompt(words, hide_input=True, confirmation_prompt=twice, err=True))

    return ask


def _checked(parameter: Parameter) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return what raises UsageError for a value that makes no sense, whatever it is for."""

    def check(context: click.Context, _: click.Parameter, value: Any) -> Any:
        refusal = None if context.resilient_parsing else parameter.against(value)
        if refusal is not None:
            name = f"--{parameter.name.replace('_', '-')}"
            shown = parameter.name.upper() if parameter.rest else name
            raise UsageError(f"{shown}: {refusal}", f"`{context.command_path} --help` says more.")
        return value

    return check


def _switch(parameter: Parameter, name: str) -> Decorator:
    both = parameter.optional or parameter.default is True
    flag = f"{name}/--no-{name[2:]}" if both else name
    default = None if parameter.optional else bool(parameter.default)
    return click.option(
        flag,
        parameter.name,
        is_flag=True,
        default=default,
        show_default=both and default is not None,  # which of the two it is, not that it is off
        help=parameter.help,
    )


def _metavar(parameter: Parameter) -> str:
    if parameter.unit:
        return UNITS.get(parameter.unit, parameter.unit).upper()
    return "N" if parameter.kind in (int, float) else "TEXT"


def value_of(parameter: Parameter, given: object) -> object:
    """Return the value of a field from what its option was given.

    Raises UsageError for a file that cannot be read.
    """
    if parameter.secret and isinstance(given, str):
        return Secret(read_text(given))
    if parameter.text and isinstance(given, str):
        text = read_text(given)
        if (refusal := parameter.against(text)) is not None:
            raise UsageError(f"{given}: {refusal}")
        return text
    return tuple(given) if parameter.many and isinstance(given, list | tuple) else given


def read_text(file: str) -> str:
    """Return the text of a file, - is standard input; raises UsageError where there is none."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{file} cannot be read: {reason[:1].lower()}{reason[1:]}.") from None
    if not (value := text.removesuffix("\n")):
        raise UsageError(f"{'Standard input' if file == '-' else file} is empty.")
    return value


def set_values(found: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields that are the same for every subject, without what was not given."""
    return {
        one.name: value_of(one, given[one.name])
        for one in found
        if not one.names_subject and given[one.name] is not None
    }

"""The options of a command line that stand for the fields of a request."""

from __future__ import annotations

from typing import Any

import click

from core.verbs.parameter import Parameter


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

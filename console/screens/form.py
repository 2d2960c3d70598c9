"""The fields of a form, whatever it is for. Pure, any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Choices = tuple[tuple[str, str], ...]
"""What can be chosen, and what each means."""
Values = Mapping[str, str]
"""What stands in each field, as it is shown."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form; `id` is the field of the request that it fills."""

    id: str
    label: str
    choices: Choices = ()
    """Empty: it is typed."""
    note: str = ""
    """What is typed, or what an empty line means."""
    number: tuple[int, int] | None = None
    """The least and the most, of a typed number."""
    default: str = ""
    more: bool = False
    """Shown with "more options" only."""
    single: bool = False
    """Of one subject only."""
    since: int = 0
    """libvirt at the source from which there is such a thing, as libvirt counts versions."""
    listed: bool = False
    """It is chosen, although there may be nothing to choose."""
    secret: bool = False
    """What is typed is not shown."""
    text: bool = False
    """It has many lines, or is the path of a file with them."""
    proposed: tuple[str, ...] = ()
    """What is likely to be typed: shown once it begins so, the right arrow takes it."""

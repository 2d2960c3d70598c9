"""What commands print: plain aligned tables, JSON lines, and sentences on the error stream.

No colour and no cursor movement: the same bytes on a terminal and in a pipe.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from functools import cache
from itertools import islice
from typing import Any, Generic, TextIO, TypeVar

import msgspec

from console.cell_width import cells
from core.errors import VirtdeckError
from core.model.passed_on import PassedOn
from core.model.secret_value import WITHHELD, Secret, written
from core.model.text import clean

Row = TypeVar("Row")
UNKNOWN = "-"
"""What stands for a value that is not known or does not apply."""
_BLOCK = 256
"""Lines that are written together."""


class TextColumn(msgspec.Struct, Generic[Row], frozen=True):
    """One column of a table: its title, and how to read a row's cell ("" shows as unknown)."""

    title: str
    cell: Callable[[Row], str]
    right: bool = False
    """Aligned to the right, as figures are."""


def table(rows: Iterable[Row], columns: Sequence[TextColumn[Row]]) -> Iterator[str]:
    """Yield rows as lines of columns two blanks apart, below a title. No rows: the title alone."""
    titles = [column.title for column in columns]
    texts = [[clean(column.cell(row)) or UNKNOWN for column in columns] for row in rows]
    widths = [max(map(cells, each)) for each in zip(titles, *texts, strict=True)]
    pads = [(width, column.right) for width, column in zip(widths, columns, strict=True)]
    for line in (titles, *texts):
        padded = [_pad(text, *pad) for text, pad in zip(line, pads, strict=True)]
        yield "  ".join(padded).rstrip()


def _pad(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


_AS_THEY_ARE: set[type] = {str, int, float, bool, type(None)}
"""Types that msgspec writes as scripts read them; every enumeration, when it was met once."""


def plain(value: object) -> Any:
    """Turn a value of the model into what JSON can hold, every field present, unknown as null.

    Tapes leave defaults out; what scripts read must not.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Secret):
        return WITHHELD
    if isinstance(value, msgspec.Struct):
        return _plain_struct(value)
    if isinstance(value, Enum):
        _AS_THEY_ARE.add(type(value))
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _plain_struct(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct's fields: msgspec finds those that are not as by default, which are few."""
    found = dict(_defaults(type(value)))
    for name, item in msgspec.to_builtins(value, enc_hook=written).items():
        if name in found:  # else the tag of its kind
            # what it holds lacks the defaults of its own
            found[name] = item if type(item) in _AS_THEY_ARE else plain(getattr(value, name))
    return found


@cache
def _defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of a struct in their order, with their defaults as `plain` has them."""
    fields, defaults = kind.__struct_fields__, kind.__struct_defaults__
    found = dict.fromkeys(fields)
    for name, default in zip(fields[len(fields) - len(defaults) :], defaults, strict=True):
        factory = getattr(default, "factory", None)
        found[name] = plain(default if factory is None else factory())
    return found


def json_line(value: object) -> str:
    """One JSON document on one line."""
    return json_of_plain(plain(value))


def json_of_plain(value: object) -> str:
    """One JSON document on one line, of what `plain` returned."""
    return msgspec.json.encode(value).decode()


def say(text: str = "") -> None:
    """Print a line on standard output, at once; nothing where it is closed.

    Raises BrokenPipeError when the reader went away, VirtdeckError when the disk is full.
    """
    with _writing():
        print(text, flush=True)


def pass_on(passed: PassedOn) -> None:
    """Print the outputs that a command passes on: as they are, but on a terminal cleaned.

    Raises as `say` does.
    """
    with _writing():
        _pass_on(sys.stdout, passed.out)
    if sys.stderr is not None:
        with suppress(OSError):
            _pass_on(sys.stderr, passed.err)


def _pass_on(stream: TextIO | None, output: bytes) -> None:
    if stream is None or not output:
        return
    stream.flush()
    if stream.isatty():
        stream.write(clean(output.decode(errors="replace"), multiline=True))
    else:
        stream.buffer.write(output)
    stream.flush()


def say_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output, some hundred at a time: never all of them are in memory.

    Raises as `say` does.
    """
    waiting = iter(lines)
    with _writing():
        while block := list(islice(waiting, _BLOCK)):
            print("\n".join(block), flush=True)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # the interpreter's own flush at exit must not fail for the same reason
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise VirtdeckError(
            f"The output cannot be written: {error.strerror}.",
            "See where it goes: make room there.",
        ) from None


def note(text: str) -> None:
    """Print a line for the operator on the error stream; nothing where it is closed, or full.

    What is being done goes on, and the exit status tells how it ended.
    """
    if sys.stderr is not None:  # print would take standard output for it
        with suppress(OSError):
            print(clean(text), file=sys.stderr, flush=True)


def complain(error: VirtdeckError, of: str = "virtdeck") -> None:
    """Print what an error is `of`, its sentence, and its cure on a line of its own."""
    note(f"{of}: {error.message}")
    if error.hint:
        note(f"  {error.hint}")

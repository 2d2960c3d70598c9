"""What the fields of a request are: type, range, unit, help. Every surface reads it from here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from core.model.request import Request
from core.model.secret_value import Secret
from core.model.text import clean
from core.verbs.refusal import Refusal, RefusalCode

UNITS = {"s": "seconds", "ms": "milliseconds", "B": "bytes", "%": "percent"}
"""Units as words, where they follow a range."""

PATH_BYTES = 4095
"""The longest path Linux takes (PATH_MAX, without its NUL)."""
SHOWN = 40
"""Characters of a wrong text that are shown."""

_NO_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML can hold (XML 1.0, 2.2). Put into an instance's, it cannot be read any more; lone
surrogates, as bytes of an argument that are no UTF-8 become, cannot even be sent."""

Rule = Callable[[str], str]
"""Says of a text why it makes no sense, and the cure after a colon; empty: it does."""


def parameter(
    help_: str,
    *,
    least: float | None = None,
    most: float | None = None,
    unit: str = "",
    label: str = "",
    source: str = "",
    advanced: bool = False,
    names_subject: bool = False,
    pattern: str | None = None,
    shape: str = "",
    longest: int | None = None,
    rule: Rule | None = None,
    typed_twice: bool = False,
    rest: bool = False,
    argument: bool = False,
    text: bool = False,
    typed: bool = False,
    present: str = "",
    place: bool = False,
) -> Meta:
    """Return what `Annotated` says of a field of a request.

    `unit` is one of `UNITS` or a word of its own, `label` what it is called where its name will not
    do. `source` is where its choices come from in the state: `hosts`, `disks`, `pools`; `present`
    what of the state it sets, which a form shows. `advanced`: folded away in forms. A secret one is
    of the type `core.model.secret_value.Secret`, optional or required: no value of it is a default.
    One that `names_subject` is the subject's own name, for something dangerous: the question of a
    screen fills it in. `shape` says in words what fits `pattern`. A text is `longest` bytes of
    UTF-8 at most, and keeps a `rule` that neither can express. One that is `typed_twice` locks
    somebody out where a finger slipped. The `rest` of a command line, what follows `--`, is one
    text. An `argument` is named there without its option; a `text` has many lines and comes from a
    file there. A `typed` one may be none of what its source has. A `place`: `core.verbs.places`.
    """
    extra: dict[str, Any] = {"unit": unit, "label": label, "source": source, "advanced": advanced}
    extra |= {"names_subject": names_subject, "shape": shape, "longest": longest, "rule": rule}
    extra |= {"typed_twice": typed_twice, "rest": rest, "argument": argument, "text": text}
    extra |= {"typed": typed, "present": present, "place": place}
    return _meta(help_, (least, most), pattern, extra)


def _meta(
    help_: str,
    bounds: tuple[float | None, float | None],
    pattern: str | None,
    extra: dict[str, Any],
) -> Meta:
    number = Meta(ge=bounds[0], le=bounds[1], description=help_, extra=extra)
    return number if pattern is None else Meta(pattern=pattern, description=help_, extra=extra)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of a request, as the surfaces need it."""

    name: str
    kind: type
    """bool, int, float or str: what one value of it is."""
    default: object
    """`msgspec.NODEFAULT` where it must be given."""
    optional: bool = False
    """None is a value of it: libvirt, or the verb, chooses."""
    many: bool = False
    """It takes any number of values."""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    pattern: str = ""
    help: str = ""
    unit: str = ""
    label: str = ""
    source: str = ""
    advanced: bool = False
    secret: bool = False
    """Its values are of the type `Secret`; what `kind` says is what is typed."""
    names_subject: bool = False
    shape: str = ""
    longest: int | None = None
    rule: Rule | None = None
    typed_twice: bool = False
    rest: bool = False
    argument: bool = False
    text: bool = False
    typed: bool = False
    present: str = ""
    place: bool = False

    @property
    def words(self) -> str:
        """What it is called: `timeout`."""
        return self.label or self.name.replace("_", " ")

    @property
    def title(self) -> str:
        """The same at the beginning of a line: `Timeout`, `NVRAM`."""
        return f"{self.words[:1].upper()}{self.words[1:]}"

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is msgspec.NODEFAULT

    def against(self, value: object) -> Refusal | None:
        """Return why a value makes no sense; None: it does."""
        if isinstance(value, tuple):
            return next(filter(None, map(self.against, value)), None)
        if isinstance(value, str):
            return self._against_text(value)
        if value is None or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        if math.isfinite(value) and low <= value <= high:
            return None
        unit = f" {self.unit}" if self.unit else ""
        text = f"{self._article} {self.words} of {_number(value)}{unit} makes no sense"
        return Refusal(RefusalCode.PARAMETER, text, f"give {self.range}", self.name)

    def _against_text(self, value: str) -> Refusal | None:
        if self.choices and value not in self.choices:
            text = f"{clean(value)} is none of {', '.join(self.choices)}"
            return Refusal(RefusalCode.PARAMETER, text, field=self.name)
        shown = repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
        size = len(value.encode(errors="surrogatepass"))
        if self.pattern and not re.fullmatch(self.pattern, value):
            if not value:
                none = f"The {self.words} {'are' if self.many else 'is'} not given"
                return Refusal(RefusalCode.PARAMETER, none, f"give {self.shape}", self.name)
            wrong, cure = shown, f"give {self.shape}"
        elif _NO_XML.search(value):
            wrong, cure = shown, "give text that XML can hold, without control characters"
        elif self.longest is not None and size > self.longest:
            wrong, cure = f"{size:,} bytes", f"give at most {self.longest:,}"
        elif self.rule is not None and (why := self.rule(value)):
            return Refusal(RefusalCode.PARAMETER, why, field=self.name)
        else:
            return None
        one = f"{self._article} {self.words} of {wrong} makes no sense"
        text = f"{self.title} of {wrong} make no sense" if self.many else one
        return Refusal(RefusalCode.PARAMETER, text, cure, self.name)

    @property
    def _article(self) -> str:
        return "An" if self.words[0] in "aeiouI" else "A"  # I/O

    @property
    def range(self) -> str:
        """The values it may have, in words: `1 to 86,400 seconds`."""
        unit = UNITS.get(self.unit, self.unit)
        unit = f" {unit}" if unit else ""
        if self.most is None:
            return f"{_number(self.least)}{unit} or more"
        return f"{_number(self.least)} to {_number(self.most)}{unit}"


def separated(text: str) -> tuple[str, ...]:
    """Return the values that commas or blanks stand between, each once, in their order."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _number(value: float | None) -> str:
    if value is None:
        return "0"
    whole = math.isfinite(value) and value == int(value)
    return f"{value:,.0f}" if whole else f"{value:g}"


@cache
def parameters(kind: type[Request]) -> tuple[Parameter, ...]:
    """Return the fields of a request beside its subject, in their order."""
    hints = get_type_hints(kind, include_extras=True)
    found = msgspec.inspect.type_info(kind)
    assert isinstance(found, msgspec.inspect.StructType)
    return tuple(
        _parameter(field, hints[field.name]) for field in found.fields if field.name != "subject"
    )


def parameter_of(kind: type[Request], name: str) -> Parameter:
    """Return one field of a request."""
    return next(found for found in parameters(kind) if found.name == name)


def _parameter(field: msgspec.inspect.Field, hint: object) -> Parameter:
    meta = next(_metas(hint), None)
    extra: dict[str, Any] = dict(meta.extra or {}) if meta is not None else {}
    inner, optional, many = _shape(field.type)
    kind = _kind(inner)
    return Parameter(
        field.name,
        kind,
        field.default,
        optional=optional,
        many=many,
        choices=tuple(_choices(hint)),
        least=None if meta is None else meta.ge,
        most=None if meta is None else meta.le,
        pattern=(meta.pattern or "") if meta is not None else "",
        secret=isinstance(inner, msgspec.inspect.CustomType) and inner.cls is Secret,
        help=(meta.description or "") if meta is not None else "",
        **extra,
    )


def _metas(hint: object) -> Iterator[Meta]:
    """Find what `Annotated` says, also of the values of a tuple and beside a None."""
    yield from (item for item in getattr(hint, "__metadata__", ()) if isinstance(item, Meta))
    for part in get_args(hint):
        yield from _metas(part)


def _shape(found: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, bool, bool]:
    """Return one value's type, whether None will do, and whether there may be several."""
    optional = many = False
    while True:
        if isinstance(found, msgspec.inspect.Metadata):
            found = found.type
        elif isinstance(found, msgspec.inspect.UnionType):
            nothing, others = _split(found)
            optional, found = bool(nothing), others[0]
        elif isinstance(found, msgspec.inspect.VarTupleType):
            found, many = found.item_type, True
        else:
            return found, optional, many


def _split(
    found: msgspec.inspect.UnionType,
) -> tuple[list[msgspec.inspect.Type], list[msgspec.inspect.Type]]:
    empty = [isinstance(one, msgspec.inspect.NoneType) for one in found.types]
    return (
        [one for one, is_none in zip(found.types, empty, strict=True) if is_none],
        [one for one, is_none in zip(found.types, empty, strict=True) if not is_none],
    )


def _kind(found: msgspec.inspect.Type) -> type:
    if isinstance(found, msgspec.inspect.BoolType):
        return bool
    if isinstance(found, msgspec.inspect.IntType):
        return int
    return float if isinstance(found, msgspec.inspect.FloatType) else str


def _choices(hint: object) -> Iterator[str]:
    """Find the words of a `Literal`, in their order; msgspec has them sorted."""
    if get_origin(hint) is Literal:
        yield from map(str, get_args(hint))
        return
    for part in get_args(hint):
        yield from _choices(part)


def against_parameters(request: Request) -> Iterable[Refusal]:
    """Return what speaks against the values of a request."""
    for found in parameters(type(request)):
        if (refusal := found.against(getattr(request, found.name))) is not None:
            yield refusal

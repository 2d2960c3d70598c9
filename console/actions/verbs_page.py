"""The documentation's page of verbs, made from their declarations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import Parameter, parameters
from core.verbs.registry import VERBS
from core.verbs.verb import Verb

_ASKS: Mapping[Caution, str] = {
    Caution.NONE: "nothing",
    Caution.KEY: "a key asks for a yes, a command does not",
    Caution.CONFIRM: "a yes",
    Caution.TYPE: "a word is typed: the name, or how many they are",
}
_KINDS = {bool: "yes or no", int: "a number", float: "a number", str: "text"}


def verbs_page(verbs: Iterable[Verb] | None = None) -> str:
    """Return the page, as Markdown."""
    return "\n".join(_lines(list(VERBS.values() if verbs is None else verbs))) + "\n"


def _lines(verbs: list[Verb]) -> Iterator[str]:
    yield "# Verbs"
    yield ""
    yield "What can be done, made from the declarations in `core/verbs`; do not edit."
    for kind in dict.fromkeys(verb.subject for verb in verbs):
        yield ""
        yield f"## On {kind}s"
        for verb in verbs:
            if verb.subject == kind:
                yield from _about(verb)


def _about(verb: Verb) -> Iterator[str]:
    yield ""
    yield f"### {verb.title} (`{verb.name}`)"
    yield ""
    yield verb.help
    yield ""
    yield f"- In the menu {verb.group}. Asked before, at least: {_ASKS[verb.risk.caution]}."
    if sent := ", ".join(dict.fromkeys(map(_sends, verb.calls))):
        yield f"- Sends {sent}."
    if verb.workflow is not None or verb.waits:
        yield f"- Cancelled: {verb.cancelled}"
    for found in parameters(verb.request):
        yield f"- `{found.name}`: {_described(found)}"


def _sends(call: type[Call]) -> str:
    """The libvirt call a call makes: its docstring begins with that."""
    return (call.__doc__ or "").split(":")[0].split(",")[0].split(" ")[0].strip(" .\n")


def _described(found: Parameter) -> str:
    kind = ", ".join(f"`{word}`" for word in found.choices) or _KINDS[found.kind]
    limits = f", {found.range}" if found.least is not None or found.most is not None else ""
    if found.required:
        default = "; must be given"
    elif found.default is True:
        default = "; yes unless given"
    elif found.default and isinstance(found.default, str | int | float):
        default = f"; {found.default} unless given"
    else:
        default = ""
    text = f" {found.help}" if found.help else ""
    return f"{kind}{limits}{default}.{text}"

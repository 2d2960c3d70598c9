"""What the menu of verbs shows. Pure, any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.actions.verb_menu import VerbGroup, VerbLine, ViewLine
from console.glyphs import glyphs
from console.screens.verb_form import asked_parameters
from console.screens.verdicts import VerbVerdict, wants_values
from console.widgets.columns import Cell, CellValue
from core.model import ObjectKey, State
from core.model.lists import plural
from core.model.text import clean
from core.state.subject import subject_of
from core.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class MenuLine:
    """One line: its letter, what it is called, what it is for."""

    key: str
    title: str
    text: tuple[Cell, ...]
    greyed: bool = False
    detail: CellValue = ""
    """What there is no room for on the line, shown below when the cursor is on it."""
    begins: bool = True
    """The cursor may begin on it: enter there does no harm by itself."""


def first_able(lines: Sequence[MenuLine]) -> int:
    """The place of the first line on which the cursor may begin, of those that can be taken; the
    first where none can.
    """
    able = [place for place, line in enumerate(lines) if not line.greyed]
    return next((place for place in able if lines[place].begins), next(iter(able), 0))


def heading_of(state: State, keys: Sequence[ObjectKey], hidden: int) -> tuple[Cell, ...]:
    """To whom something would be done."""
    if len(keys) == 1:
        found = subject_of(state, keys[0])
        name = clean(keys[0].id if found is None else found.name)
        where = "" if keys[0].kind == "host" else f" on {clean(keys[0].host)}"
        return (Cell(f"{name}{where}", "strong"),)
    count = Cell(plural(len(keys), keys[0].kind), "strong")
    if not hidden:
        return (count,)
    return (count, Cell(f"   ! {hidden:,} of them hidden by the filter", "warning"))


def group_lines(
    groups: Sequence[VerbGroup], verdicts: Mapping[str, VerbVerdict], why: str
) -> list[MenuLine]:
    """The groups, each with its verbs: those that cannot be are grey. `why`: nothing can be."""
    return [
        MenuLine(
            group.key,
            group.title,
            _verbs_of(group, verdicts, grey=bool(why)),
            greyed=_nothing(group, verdicts, why),
            detail=Cell(why, "warning"),
        )
        for group in groups
    ]


def _nothing(group: VerbGroup, verdicts: Mapping[str, VerbVerdict], why: str) -> bool:
    """Whether nothing in a group can be taken."""
    none = bool(why) or all(_impossible(line.verb, verdicts) for line in group.lines)
    return none and not group.views


def _verbs_of(
    group: VerbGroup, verdicts: Mapping[str, VerbVerdict], *, grey: bool
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for line in group.lines:
        role = "muted" if grey or _impossible(line.verb, verdicts) else ""
        cells += [Cell(", " if cells else "", "muted"), Cell(line.verb.title, role)]
    for view in group.views:
        cells += [Cell(", " if cells else "", "muted"), Cell(view.action.title)]
    return tuple(cells)


def verb_lines(
    lines: Sequence[VerbLine], verdicts: Mapping[str, VerbVerdict], why: str, dialogs: Sequence[str]
) -> list[MenuLine]:
    """The verbs of a group: what each does, or why it cannot be done. `why`: why nothing can."""
    return [_verb_line(line, verdicts.get(line.verb.name), why, dialogs) for line in lines]


def view_lines(views: Sequence[ViewLine]) -> list[MenuLine]:
    """What only shows something, whatever can be done now."""
    return [
        MenuLine(
            view.key,
            view.action.title,
            (Cell(view.action.description, "muted"),),
            detail=view.action.description,
        )
        for view in views
    ]


def with_its_key(line: MenuLine, key: str) -> MenuLine:
    """The same line; below it the key that does it without the menu, where there is one."""
    if not key or line.greyed or not isinstance(line.detail, str):
        return line
    return replace(line, detail=f"{line.detail} Its own key: {key}.")


def _verb_line(
    line: VerbLine, verdict: VerbVerdict | None, why: str, dialogs: Sequence[str]
) -> MenuLine:
    verb = line.verb
    asks = verb.name in dialogs or wants_values(verb) or (verdict and verdict.wants_values)
    title = f"{verb.title}{glyphs().ellipsis if asks else ''}"
    reason = why or ("" if verdict is None or verdict.able else verdict.why)
    if reason:
        detail = reason if why or verdict is None or verdict.of == 1 else _to_none(verdict)
        return MenuLine(line.key, title, (Cell(reason, "muted"),), True, Cell(detail, "warning"))
    if verdict is not None and verdict.unread:
        detail = f"{verb.help} {verdict.unread}"
        text = (Cell("not read yet  ", "warning"), Cell(verb.help, "muted"))
        return MenuLine(line.key, title, text, detail=detail)
    if verdict is None or verdict.able == verdict.of:
        return MenuLine(line.key, title, (Cell(verb.help, "muted"),), detail=verb.help)
    count = f"{verdict.able:,} of {verdict.of:,}"
    text = (Cell(f"{count}  ", "warning"), Cell(verb.help, "muted"))
    detail = f"{verb.help} Not to {verdict.of - verdict.able:,} of them: {verdict.why}"
    return MenuLine(line.key, title, text, detail=detail)


def _to_none(verdict: VerbVerdict) -> str:
    return f"None of the {verdict.of:,}: {verdict.why}"


def keys_line(*, inside: bool, verb: Verb | None) -> str:
    """Which keys work: in a group, and on the line under the cursor."""
    if not inside:
        return "letter, enter open   esc close"
    options = "   tab its options" if verb is not None and asked_parameters(verb) else ""
    return f"letter, enter do it{options}   esc back"


def _impossible(verb: Verb, verdicts: Mapping[str, VerbVerdict]) -> bool:
    found = verdicts.get(verb.name)
    return found is not None and not found.able

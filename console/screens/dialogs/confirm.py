"""Asks before a verb: names every instance it means, who is left out, what is lost.

UI thread.
"""

from __future__ import annotations

from console import format as fmt
from console.cell_width import padded, widest
from console.screens.dialogs.question import TypedQuestionDialog, danger_lines
from console.screens.proposal import Proposal, Target
from console.widgets.columns import Cell, CellValue
from core.model.lists import numbered, plural
from core.model.text import clean
from core.verbs.verb import Verb

_MOST_NAMES = 8
_MOST_REASONS = 3


class ConfirmDialog(TypedQuestionDialog, inherit_bindings=True):
    """What is lost for good is confirmed by typing the word that the core asks for."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(
            heading(proposal), particulars(proposal), proposal.verb.title, proposal.danger.word
        )


def heading(proposal: Proposal) -> str:
    """The question: `Force off db on alpha?`, `Detach a disk: vdb of db on alpha?`."""
    able = proposal.able
    if len(able) == 1:
        return f"{proposal.verb.title}{_object(proposal.verb, able[0])}?"
    return f"{proposal.verb.title} {plural(len(able), proposal.verb.subject)}?"


def _object(verb: Verb, target: Target) -> str:
    whom = "" if target.key.kind == "host" else target.name
    if part := clean(str(getattr(target.request, verb.part, "") or "")):
        return f": {part} of {whom} on {target.host}" if whom else f": {part} on {target.host}"
    return f" {whom} on {target.host}" if whom else f" {target.host}"


def particulars(proposal: Proposal) -> list[CellValue]:
    """What happens, to whom, and who is left out and why."""
    lines = danger_lines(proposal.danger) or [Cell(proposal.verb.help)]
    if len(proposal.targets) > 1:
        lines += ["", *_named(proposal.able)]
    elif proposal.able and proposal.able[0].state:
        lines.append(Cell(f"It is {proposal.able[0].state} now.", "muted"))
    if proposal.hidden:
        words = fmt.plural(proposal.hidden, f"marked {proposal.verb.subject}")
        lines.append(Cell(f"! {words} hidden by the filter", "warning"))
    if proposal.unable:
        lines += ["", Cell(f"{len(proposal.unable):,} left out:", "warning")]
        lines += [
            Cell(f"  {numbered(target.reasons)}", "muted")
            for target in proposal.unable[:_MOST_REASONS]
        ]
        lines += _more(len(proposal.unable) - _MOST_REASONS)
    return lines


def _named(targets: tuple[Target, ...]) -> list[CellValue]:
    width = widest(target.name for target in targets[:_MOST_NAMES])
    lines: list[CellValue] = [
        (
            Cell(f"  {padded(target.name, width)}  ", "strong"),
            Cell(", ".join(filter(None, (target.host, target.state))), "muted"),
        )
        for target in targets[:_MOST_NAMES]
    ]
    return lines + _more(len(targets) - _MOST_NAMES)


def _more(rest: int) -> list[CellValue]:
    return [Cell(f"  and {rest:,} more", "muted")] if rest > 0 else []

"""The one question of the command line before something is lost: what the core says, and a yes."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

import click

from console.cli import interrupts
from console.cli.output import note
from core.errors import RefusedError
from core.model.text import clean
from core.verbs.caution import Caution, Danger


def confirm(danger: Danger, *, sure: bool, more: Sequence[str] = ()) -> None:
    """Ask for what a danger wants, its text and `more` lines first; raises RefusedError without it.

    What it warns of is told in any case.

    `sure` is --yes: nothing is asked. Where there is no terminal to ask on, only that will do.
    """
    _say(danger.warnings.splitlines())
    if sure or danger.caution <= Caution.KEY:
        return
    lines = [*danger.text.splitlines(), *map(clean, more)]
    if not interrupts.can_ask():
        raise RefusedError(f"Not done without a yes. {' '.join(lines)}", "Add --yes to do it.")
    _say(lines)
    if not _agreed(danger):
        raise RefusedError("Nothing was done.")


def _say(lines: Sequence[str]) -> None:
    width = shutil.get_terminal_size().columns
    for line in lines:
        for piece in textwrap.wrap(line, width) or [""]:  # a terminal breaks in the midst of a word
            note(piece)


def _agreed(danger: Danger) -> bool:
    if danger.caution is not Caution.TYPE:
        return click.confirm("Go on?", err=True)
    answer: str = click.prompt(
        f"Type {clean(danger.word)} to go on", default="", show_default=False, err=True
    )
    return answer.strip() == danger.word

"""What can be done to the chosen objects: groups with letters, in each the verbs with theirs.

UI thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from console.actions.registry import key_label
from console.actions.verb_menu import VerbGroup, menus
from console.actions.verbs import SCOPES, VIEWS
from console.describing import undescribed
from console.glyphs import glyphs
from console.screens.dialogs.line_menu import LineMenu
from console.screens.menu_lines import (
    MenuLine,
    group_lines,
    heading_of,
    keys_line,
    verb_lines,
    view_lines,
    with_its_key,
)
from console.screens.openers import OPENERS
from console.screens.verb_form import asked_parameters
from console.screens.verdicts import READING, VerbVerdict, verdicts, verdicts_when_read
from console.widgets.columns import Cell
from core.model import ObjectKey
from core.source import Source
from core.verbs.registry import VERBS
from core.verbs.verb import Verb

FEW = 20
"""With more objects than this, a group is looked at when it is opened."""


Judge = Callable[[Source, Sequence[Verb], Sequence[ObjectKey]], Awaitable[dict[str, VerbVerdict]]]
"""Says what speaks against each of some verbs for some objects."""


class Chosen(NamedTuple):
    """What was chosen in the menu."""

    verb: Verb
    options: bool
    """Whether its options are to be shown first."""


class MenuDialog(LineMenu[Chosen | str], inherit_bindings=True):
    """The groups first, then the verbs of one; `esc` goes back a level.

    Answers with a verb, or with the id of an action that only shows something.
    """

    def __init__(self, keys: Sequence[ObjectKey], *, hidden: int = 0, why_not: str = "") -> None:
        """`keys` are of one kind; `why_not` says why nothing can be done, if nothing can."""
        super().__init__()
        kind = keys[0].kind
        self._keys = tuple(keys)
        self._hidden = hidden
        self._why_not = why_not
        self._groups = menus(VERBS.values(), kind, VIEWS.get(kind, ()))
        self._open: VerbGroup | None = None
        self._verdicts: dict[str, VerbVerdict] = {}

    def on_mount(self) -> None:
        """Show the groups, and look at what can be done."""
        self.show_anew()
        if len(self._keys) <= FEW:
            self._look([line.verb for group in self._groups for line in group.lines])

    @property
    def verdicts(self) -> dict[str, VerbVerdict]:
        """What is known of each verb that was looked at."""
        return self._verdicts

    def _look(self, verbs: Sequence[Verb]) -> None:
        """Ask what speaks against verbs; the lines are there before the answer.

        Those that depend on XML that nobody has read are judged once it is read, and say so.
        """
        if self._why_not:
            return
        state, keys = self.console.view.state, self._keys
        unread = [verb for verb in verbs if undescribed(state, verb, keys)]
        self._ask([verb for verb in verbs if verb not in unread], verdicts)
        if unread:
            waiting = VerbVerdict(len(keys), len(keys), unread=READING)
            self._verdicts.update(dict.fromkeys([verb.name for verb in unread], waiting))
            self._ask(unread, verdicts_when_read)
            self.show_lines()

    def _ask(self, verbs: Sequence[Verb], judge: Judge) -> None:
        keys = self._keys

        async def question(source: Source) -> dict[str, VerbVerdict]:
            return await judge(source, verbs, keys)

        def answered(found: dict[str, VerbVerdict]) -> None:
            self._verdicts.update(found)
            if self.is_attached:
                self.show_lines()

        self.console.ask(question, answered)

    def menu_lines(self) -> list[MenuLine]:
        """The groups, or the verbs of the one that is open."""
        if self._open is None:
            return group_lines(self._groups, self._verdicts, self._why_not)
        verbs, views = self._open.lines, self._open.views
        lines = verb_lines(verbs, self._verdicts, self._why_not, tuple(OPENERS))
        ids = [
            *(f"{SCOPES[line.verb.subject]}.{line.verb.name}" for line in verbs),
            *(line.action.id for line in views),
        ]
        keys = {one.id: key_label(one.keys[0]) for one in self.console.actions if one.keys}
        shown = zip([*lines, *view_lines(views)], ids, strict=True)
        return [with_its_key(line, keys.get(id_, "")) for line, id_ in shown]

    def heading(self) -> Sequence[Cell]:
        """To whom something would be done, and the group."""
        whom = heading_of(self.console.view.state, self._keys, self._hidden)
        where = f"  {glyphs().crumb} {self._open.title}" if self._open else ""
        return (*whom, Cell(where))

    def keys_line(self, place: int) -> str:
        """Which keys work, on the line under the cursor."""
        return keys_line(inside=self._open is not None, verb=self._verb(place))

    def _verb(self, place: int) -> Verb | None:
        lines = () if self._open is None else self._open.lines
        return lines[place].verb if place < len(lines) else None

    def back_words(self) -> str:
        """What esc does."""
        return "esc goes back" if self._open else "esc closes"

    def options(self, place: int) -> None:
        """Show the options of the verb under the cursor first; among groups, go on down."""
        verb = self._verb(place)
        if verb is None:  # a group, or what only shows something
            self.action_move(1)
        elif asked_parameters(verb):
            self._do(place, options=True)
        else:
            self.say_wrong(f"{verb.title} has no options.")

    def back(self) -> bool:
        """Back to the groups."""
        if self._open is None:
            return False
        cursor = self._groups.index(self._open)
        self._open = None
        self.show_lines(cursor)
        return True

    def take(self, place: int) -> None:
        """Open a group, or take a verb."""
        if self._open is not None:
            self._do(place, options=False)
            return
        self._open = self._groups[place]
        self.show_anew()
        if len(self._keys) > FEW:
            self._look([line.verb for line in self._open.lines])

    def _do(self, place: int, *, options: bool) -> None:
        """Take a line; a verb that cannot be done stays, with the reason, is looked at again."""
        assert self._open is not None
        if (verb := self._verb(place)) is None:
            self.answer(self._open.views[place - len(self._open.lines)].action.id)
            return
        if not self.menu_lines()[place].greyed:
            known = self._verdicts.get(verb.name)
            self.answer(Chosen(verb, options or (known is not None and known.wants_values)))
            return
        self.show_lines(place)
        self._look([verb])

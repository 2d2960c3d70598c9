"""Screens on which something is chosen that verbs can be asked for. UI thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from console import format as fmt
from console.actions.verbs import DIRECT
from console.describing import describe, undescribed
from console.screens.base import ConsoleScreen, may_ask
from console.screens.proposal import fits
from console.screens.submitting import Found, propose
from console.screens.verdicts import LEAVE_ONE, one_at_a_time, wants_values
from core.errors import VirtdeckError
from core.model import Instance, InstanceState, ObjectKey, Request, State
from core.model.lists import listed, plural
from core.source import Source
from core.state.migrations import latest_of
from core.state.subject import subject_of
from core.verbs.registry import VERBS
from core.verbs.verb import SubjectKind, Verb

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp


def _counted(keys: Sequence[ObjectKey]) -> str:
    """How many of each kind are chosen: `2 pools and 1 volume are chosen`."""
    kinds = Counter(key.kind for key in keys)
    counted = listed(plural(number, kind) for kind, number in kinds.items())
    return f"{counted} {_are(len(keys))} chosen"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


_LOOKED_AT = 20
"""With more objects chosen than this every verb is offered."""
_OFF = InstanceState.SHUTOFF
_WHILE_OFF = {"migrate": "cold-migrate"}
"""What is offered in the place of a verb where all that is chosen is off: a migration would move
the definitions alone."""
PATIENCE = 1.0
"""Seconds of reading after which the operator is told what takes so long."""
READ_ONLY = "This console is read-only: it changes nothing."


class SubjectScreen(ConsoleScreen, inherit_bindings=False):
    """A screen on which objects can be chosen; `chosen_subjects` says which."""

    subject_kinds: ClassVar[Sequence[SubjectKind]] = ()
    """What can be chosen on it."""

    def chosen_subjects(self) -> list[ObjectKey]:
        """What a verb applies to."""
        return []

    def hidden_chosen(self) -> int:
        """How many of them are not in sight."""
        return 0

    def useful_verbs(self) -> Sequence[str]:
        """The verbs with a key that fit one of the chosen objects at least."""
        chosen = self.chosen_subjects()
        verbs = [VERBS[name] for name in DIRECT if VERBS[name].subject in self.subject_kinds]
        if len(chosen) > _LOOKED_AT:
            return [verb.name for verb in verbs]
        state = self.console.view.state
        found = [(key, subject_of(state, key)) for key in chosen]
        names = [
            verb.name
            for verb in verbs
            if any(row is not None and verb.about(key) and fits(verb, row) for key, row in found)
        ]
        off = all(isinstance(row, Instance) and row.state is _OFF for _, row in found)
        return [_WHILE_OFF.get(name, name) for name in names] if off else names

    def action_verb(self, name: str) -> None:
        """Ask for a verb for the chosen objects, after the questions it needs."""
        verb = VERBS[name]
        keys = self.chosen_to_change()
        others = [key for key in keys if not verb.about(key)]
        if others:
            text = f"{verb.title} is done to a {verb.subject}, and {_counted(others)}."
            self.console.notify(text, severity="warning", timeout=8)
        elif keys:
            self._ask_for(verb, keys)

    def action_verb_menu(self) -> None:
        """Show what can be done to the chosen objects, and do what is chosen of it."""
        from console.screens.dialogs.menu import Chosen, MenuDialog

        keys = self._there()
        why = "" if keys else self._choose_first()
        if len({key.kind for key in keys}) > 1:
            why = f"What can be done differs, and {_counted(keys)}: leave one kind marked."
        if keys and not any(verb.about(keys[0]) for verb in VERBS.values()):
            why = f"There is nothing yet that can be done to a {keys[0].kind}."
        if why:
            self.console.notify(why, severity="warning", timeout=4)
            return

        def answered(answer: Chosen | str | None) -> None:
            if isinstance(answer, str):
                self.call_later(self.action_run, answer)
            elif answer is not None:
                self._ask_for(answer.verb, keys, options=answer.options)

        why = READ_ONLY if self.console.read_only else ""
        self.console.push_screen(
            MenuDialog(keys, hidden=self.hidden_chosen(), why_not=why), answered
        )

    def _ask_for(
        self,
        verb: Verb,
        keys: Sequence[ObjectKey],
        *,
        options: bool = False,
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Ask for a verb, after the questions it needs; `given` is what its form begins with."""
        from console.screens.openers import OPENERS

        if verb.single and len(keys) > 1:
            text = one_at_a_time(verb, len(keys))
            self.console.notify(text, severity="warning", timeout=8)
        elif verb.name in OPENERS:
            OPENERS[verb.name](self, keys)
        elif options or wants_values(verb):
            self._fill_in(verb, keys, given)
        else:
            requests = [verb.request(subject=key) for key in keys]
            propose(self, requests, hidden=self.hidden_chosen())

    def _fill_in(self, verb: Verb, keys: Sequence[ObjectKey], given: Mapping[str, str]) -> None:
        """Show the form, once what it needs of the XML is read, and ask for what it says."""
        console = self.console
        missing = undescribed(console.view.state, verb, keys)
        if not missing:
            self._show_form(verb, keys, console.view.state, given)
            return

        async def read(source: Source) -> State:
            with suppress(VirtdeckError):  # the check says what is wrong with the host
                await describe(source, verb, keys)
            return source.state

        def known(state: State) -> None:
            slow.stop()
            if may_ask(self, verb.title):
                self._show_form(verb, keys, state, given)

        text = f"Reading the XML of {plural(len(missing), 'instance')}."
        slow = console.set_timer(PATIENCE, lambda: console.notify(text, timeout=3))
        console.ask(read, known)

    def _show_form(
        self, verb: Verb, keys: Sequence[ObjectKey], state: State, given: Mapping[str, str]
    ) -> None:
        from console.screens.dialogs.verb_form import VerbFormDialog

        hidden = self.hidden_chosen()

        def take(
            requests: tuple[Request, ...], found: Found, close: Callable[[bool], None]
        ) -> None:
            propose(self, requests, hidden=hidden, found=found, close=close)

        self.console.push_screen(
            VerbFormDialog(verb, keys, state, take, hidden=hidden, given=given)
        )

    def action_copy_name(self) -> None:
        """Copy the names of the chosen objects, one per line."""
        state = self.console.view.state
        found = [subject_of(state, key) for key in self.chosen_subjects()]
        copy_names(self.console, [row.name for row in found if row is not None])

    def chosen_to_change(self) -> list[ObjectKey]:
        """The chosen objects; none, and why, where nothing can be done."""
        console = self.console
        chosen = self._there()
        why = "" if chosen else self._choose_first()
        if console.read_only:
            why = READ_ONLY
        if why:
            console.notify(why, severity="warning", timeout=4)
        return [] if why else chosen

    def _there(self) -> list[ObjectKey]:
        state = self.console.view.state
        return [key for key in self.chosen_subjects() if subject_of(state, key) is not None]

    def _choose_first(self) -> str:
        first = self.subject_kinds[0]
        return f"Choose {'an' if first[0] in 'aeiou' else 'a'} {first} first."


class InstanceChoosingScreen(SubjectScreen, inherit_bindings=False):
    """A screen on which instances can be chosen, and what else is done with those."""

    subject_kinds = ("instance",)

    def chosen_instances(self) -> list[Instance]:
        """The chosen instances, as they are now."""
        instances = self.console.view.state.instances
        return [instances[key] for key in self.chosen_subjects() if key in instances]

    async def action_open_migration(self) -> None:
        """Open the migration of the chosen instance, or the last it had."""
        from console.screens.migrations.migration import MigrationScreen

        migrations = self.console.view.state.migrations
        rows = self.chosen_instances()
        if len(rows) > 1:
            text = f"One migration is watched at a time, and {len(rows):,} instances are marked."
            self.console.notify(f"{text} {LEAVE_ONE}", severity="warning", timeout=8)
            return
        for row in rows:
            if found := latest_of(migrations, row.key):
                await self.console.push_screen(MigrationScreen(found.id))
                return
            self.console.notify("No migration of it is remembered.", timeout=4)

    async def action_open_snapshots(self) -> None:
        """List the snapshots of the chosen instance."""
        text = "The snapshots of one instance are listed"
        await self._open_one(text, self.console.navigation.open_snapshots)

    def _lists_snapshots(self) -> bool:
        """Whether what is shown is a list of snapshots in which none can be chosen."""
        return False

    async def action_open_shown(self) -> None:
        """Open the list in which one can be chosen of what is shown, where there is one."""
        if self._lists_snapshots():
            await self.action_open_snapshots()

    async def action_open_console(self) -> None:
        """Open the serial console of the chosen instance."""
        text = "The console of one instance is opened at a time"
        await self._open_one(text, self.console.navigation.open_console, writes=True)

    async def action_open_picture(self) -> None:
        """See what the chosen instance shows on its screen."""
        text = "The screen of one instance is shown"
        await self._open_one(text, self.console.navigation.open_picture, writes=True)

    async def _open_one(
        self, text: str, opened: Callable[[ObjectKey], Awaitable[None]], *, writes: bool = False
    ) -> None:
        """Open something of the chosen instance; `text` says that it is of one alone.

        What `writes` needs a link that is not read-only.
        """
        rows = self.chosen_instances()
        if writes and self.console.read_only:
            self.console.notify(READ_ONLY, severity="warning", timeout=4)
        elif len(rows) > 1:
            text = f"{text}, and {len(rows):,} are marked. {LEAVE_ONE}"
            self.console.notify(text, severity="warning", timeout=8)
        elif rows:
            await opened(rows[0].key)
        else:
            self.console.notify(self._choose_first(), severity="warning", timeout=4)


def copy_names(console: VirtdeckApp, names: Sequence[str]) -> None:
    """Copy names, one per line, and say so."""
    if names:
        console.copy_to_clipboard("\n".join(names))
        console.notify(f"Copied: {fmt.listed(names, 3)}", timeout=3, markup=False)

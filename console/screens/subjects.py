"""Screens on which something is chosen that verbs can be asked for. UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from console import format as fmt
from console.actions.verbs import DIRECT
from console.screens.base import ConsoleScreen
from console.screens.proposal import fits
from console.screens.submitting import propose
from console.screens.verdicts import wants_values
from core.model import Instance, ObjectKey, Request
from core.state.migrations import latest_of
from core.state.subject import subject_of
from core.verbs.registry import VERBS
from core.verbs.verb import SubjectKind, Verb

_LOOKED_AT = 20
"""With more objects chosen than this every verb is offered."""
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
        return [
            verb.name
            for verb in verbs
            if any(row is not None and verb.about(key) and fits(verb, row) for key, row in found)
        ]

    def action_verb(self, name: str) -> None:
        """Ask for a verb for the chosen objects, after the questions it needs."""
        verb = VERBS[name]
        if keys := [key for key in self.chosen_to_change() if verb.about(key)]:
            self._ask_for(verb, keys)

    def action_verb_menu(self) -> None:
        """Show what can be done to the chosen objects, and do what is chosen of it."""
        from console.screens.dialogs.menu import Chosen, MenuDialog

        chosen = self._there()
        keys = [key for key in chosen if key.kind == chosen[0].kind]
        why = "" if keys else self._choose_first()
        if keys and not any(verb.about(keys[0]) for verb in VERBS.values()):
            why = f"There is nothing yet that can be done to a {keys[0].kind}."
        if why:
            self.console.notify(why, severity="warning", timeout=4)
            return

        def answered(answer: Chosen | None) -> None:
            if answer is not None:
                self._ask_for(answer.verb, keys, options=answer.options)

        why = READ_ONLY if self.console.read_only else ""
        self.console.push_screen(
            MenuDialog(keys, hidden=self.hidden_chosen(), why_not=why), answered
        )

    def _ask_for(self, verb: Verb, keys: Sequence[ObjectKey], *, options: bool = False) -> None:
        from console.screens.openers import OPENERS

        if verb.single and len(keys) > 1:
            self.console.notify(
                f"{verb.title} is done to one at a time: {len(keys):,} are chosen.",
                severity="warning", timeout=5,
            )  # fmt: skip
        elif verb.name in OPENERS:
            OPENERS[verb.name](self, keys)
        elif options or wants_values(verb):
            self._fill_in(verb, keys)
        else:
            requests = [verb.request(subject=key) for key in keys]
            propose(self, requests, hidden=self.hidden_chosen())

    def _fill_in(self, verb: Verb, keys: Sequence[ObjectKey]) -> None:
        """Show the form, and ask for what it says."""
        from console.screens.dialogs.verb_form import VerbFormDialog

        hidden = self.hidden_chosen()

        def answered(requests: tuple[Request, ...] | None) -> None:
            if requests:
                propose(self, requests, hidden=hidden)

        self.console.push_screen(VerbFormDialog(verb, keys, hidden=hidden), answered)

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
        for row in self.chosen_instances()[:1]:
            if found := latest_of(migrations, row.key):
                await self.console.push_screen(MigrationScreen(found.id))
                return
            self.console.notify("No migration of it is remembered.", timeout=4)

    def action_copy_name(self) -> None:
        """Copy the names of the chosen instances, one per line."""
        names = [row.name for row in self.chosen_instances()]
        if names:
            self.console.copy_to_clipboard("\n".join(names))
            self.console.notify(f"Copied: {fmt.names(names)}", timeout=3, markup=False)

"""The power verbs on a screen: ask the core whether they can be, ask the operator, submit.

UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from console import format as fmt
from console.actions import Action, action
from console.screens.base import ConsoleScreen, may_ask
from core.model import Instance, InstanceState, ObjectKey, Request
from core.model.driver import driver_of_type
from core.source import Operation, Source
from core.state.migrations import latest_of
from core.verbs import second_copy
from core.verbs.caution import Caution, Danger
from core.verbs.danger import danger_of
from core.verbs.registry import VERBS

_OFF = ("start",)
_ON = ("shutdown", "migrate", "reboot", "pause", "stop", "reset")
_USEFUL = {
    InstanceState.RUNNING: _ON,
    InstanceState.PAUSED: ("resume", "migrate", "stop", "reset"),
    InstanceState.SHUTTING_DOWN: ("stop",),
    InstanceState.SHUTOFF: _OFF,
    InstanceState.CRASHED: ("start", "stop", "reset"),
    InstanceState.SUSPENDED: ("stop", "reset"),
}
"""What the footer offers for an instance in a state; whether it can be is the core's to say."""
_ALL = (*_OFF, "resume", *_ON)
_LOOKED_AT = 20
"""With more instances chosen than this every verb is offered."""


@dataclass(frozen=True, slots=True)
class Target:
    """One instance an action is meant for, and why it cannot be, if it cannot."""

    key: ObjectKey
    name: str
    host: str
    state: str
    request: Request
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the operator is asked to agree to."""

    entry: Action
    targets: tuple[Target, ...]
    hidden: int = 0
    """How many of the targets the filter hides."""
    danger: Danger = field(default_factory=Danger)
    """What it takes away from those it can be done to."""

    @property
    def able(self) -> tuple[Target, ...]:
        """Those it can be done to."""
        return tuple(target for target in self.targets if not target.reasons)

    @property
    def unable(self) -> tuple[Target, ...]:
        """Those it cannot be done to."""
        return tuple(target for target in self.targets if target.reasons)

    @property
    def must_ask(self) -> bool:
        """Whether it needs a yes: for what it takes away, or because several are meant."""
        return self.danger.caution is not Caution.NONE or len(self.targets) > 1


class PowerScreen(ConsoleScreen, inherit_bindings=False):
    """A screen on which instances can be chosen; `chosen_instances` says which."""

    def chosen_instances(self) -> list[ObjectKey]:
        """What a power verb applies to."""
        return []

    def useful_verbs(self) -> Sequence[str]:
        """The verbs that fit the state of one of the chosen instances at least."""
        chosen = self.chosen_instances()
        if len(chosen) > _LOOKED_AT:
            return _ALL
        instances = self.console.view.state.instances
        rows = [instances[key] for key in chosen if key in instances]
        useful = {
            verb
            for row in rows
            for verb in _USEFUL.get(row.state, _ALL)
            if driver_of_type(row.type).can(verb)
        }
        return [verb for verb in _ALL if verb in useful]

    def hidden_chosen(self) -> int:
        """How many of them are not in sight."""
        return 0

    def chosen_to_change(self) -> list[Instance]:
        """The chosen instances; none, and why, where nothing can be done."""
        console = self.console
        instances = console.view.state.instances
        chosen = [instances[key] for key in self.chosen_instances() if key in instances]
        why = "" if chosen else "Choose an instance first."
        if console.read_only:
            why = "This console is read-only: it changes nothing."
        if why:
            console.notify(why, severity="warning", timeout=4)
        return [] if why else chosen

    def action_power(self, verb: str) -> None:
        """Do `verb` to the chosen instances, after the questions it needs."""
        console = self.console
        entry = action(f"power.{verb}")
        chosen = self.chosen_to_change()
        if not chosen:
            return
        state = console.view.state
        requests = [VERBS[verb].request(subject=row.key) for row in chosen]
        if len(requests) == 1:  # a second copy of one alone can be had, by typing its name
            requests = [second_copy.overriding(state, requests[0])]
        targets = [
            Target(row.key, row.name, row.host, fmt.instance_state(row.state).word, request)
            for row, request in zip(chosen, requests, strict=True)
        ]
        hidden = self.hidden_chosen()

        async def check(source: Source) -> list[tuple[str, ...]]:
            return [tuple(map(str, source.check(target.request))) for target in targets]

        def checked(reasons: list[tuple[str, ...]]) -> None:
            if not may_ask(self, entry.title):
                return
            proposal = Proposal(entry, _with_reasons(targets, reasons), hidden)
            able = [target.request for target in proposal.able]
            self._propose(replace(proposal, danger=danger_of(state, able)))

        console.ask(check, checked)

    def _propose(self, proposal: Proposal) -> None:
        from console.screens.dialogs.confirm import ConfirmDialog

        if not proposal.able:
            self._explain(proposal)
        elif proposal.must_ask:

            def answered(sure: bool | None) -> None:
                if sure:
                    self._submit(proposal.able)

            self.console.push_screen(ConfirmDialog(proposal), answered)
        else:
            self._submit(proposal.able)

    def _explain(self, proposal: Proposal) -> None:
        """Nothing can be done: say why, for the first few."""
        lines = [" ".join(target.reasons) for target in proposal.unable]
        shown = "\n".join(lines[:3])
        more = f"\nand {len(lines) - 3} more" if len(lines) > 3 else ""
        self.console.notify(
            shown + more,
            title=f"{proposal.entry.title}: not possible",
            severity="warning",
            timeout=8,
            markup=False,
        )

    def _submit(self, targets: Sequence[Target]) -> None:
        console = self.console

        def submitted(operation: Operation) -> None:
            console.watch_list.add(operation.id)
            console.tell_ended()

        for target in targets:
            console.ask(partial(_submission, target.request), submitted)

    def action_migrate(self) -> None:
        """Ask where to and how, and move the chosen instances there."""
        from console.screens import migrating

        migrating.propose(self)

    async def action_open_migration(self) -> None:
        """Open the migration of the chosen instance, or the last it had."""
        from console.screens.migration import MigrationScreen

        migrations = self.console.view.state.migrations
        for key in self.chosen_instances()[:1]:
            if found := latest_of(migrations, key):
                await self.console.push_screen(MigrationScreen(found.id))
                return
            self.console.notify("No migration of it is remembered.", timeout=4)

    def action_copy_name(self) -> None:
        """Copy the names of the chosen instances, one per line."""
        instances = self.console.view.state.instances
        names = [instances[key].name for key in self.chosen_instances() if key in instances]
        if names:
            self.console.copy_to_clipboard("\n".join(names))
            self.console.notify(f"Copied: {fmt.names(names)}", timeout=3, markup=False)


async def _submission(request: Request, source: Source) -> Operation:
    return await source.submit(request)


def _with_reasons(
    targets: Sequence[Target], reasons: Sequence[tuple[str, ...]]
) -> tuple[Target, ...]:
    return tuple(
        Target(target.key, target.name, target.host, target.state, target.request, why)
        for target, why in zip(targets, reasons, strict=True)
    )

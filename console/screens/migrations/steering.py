"""Steering a migration from a screen: say why it cannot be, ask, send, tell the answer.

UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from console.screens.base import ConsoleScreen
from console.screens.migrations import steer_questions as questions
from console.screens.migrations import words
from console.screens.migrations.controls import (
    resume_against,
    resume_guest_against,
    steering_offers,
    step_against,
    stepped,
)
from console.screens.row_menu import open_row_menu
from console.screens.subjects import READ_ONLY
from console.screens.submitting import submit_or_explain, tell_against
from console.widgets.columns import Cell
from core.migration.judgement.words import speaks_against
from core.migration.policies import POLICIES
from core.model import Answer, Migration, MigrationStatus, Steer, SteerKind, SteerRecord
from core.model.text import clean
from core.source import Source
from core.state import resume_crash
from core.verbs.migration.requests import ResumeMigration
from core.verbs.power.requests import Resume

_OFFERED = (
    SteerKind.ABORT,
    SteerKind.POST_COPY,
    SteerKind.MAX_DOWNTIME,
    SteerKind.BANDWIDTH,
    SteerKind.POST_COPY_BANDWIDTH,
    SteerKind.POLICY,
)
"""What the footer offers, the most useful first."""
_AT_DESTINATION = (
    MigrationStatus.POST_COPY,
    MigrationStatus.POST_COPY_INTERRUPTED,
    MigrationStatus.VERIFYING,
    MigrationStatus.COMPLETED,
)


class SteeringScreen(ConsoleScreen, inherit_bindings=False):
    """A screen on which a migration can be chosen; `chosen_migration` says which."""

    def chosen_migration(self) -> Migration | None:
        """The migration a command is for."""
        return None

    def useful_verbs(self) -> Sequence[str]:
        """The commands that nothing speaks against now."""
        row = self.chosen_migration()
        if row is None:
            return ()
        if row.status.final:
            return () if resume_against(row) else ("resume",)
        return [kind.value for kind in _OFFERED if not speaks_against(kind, row)]

    # -- actions of the registry, scope "steer" ------------------------------------------------

    def action_row_menu(self) -> None:
        """Show what can be done to the migration."""
        if (row := self._chosen()) is not None:
            heading = (Cell(f"migration of {words.name_of(row)}", "strong"),
                       Cell(f"   {words.route(row)}   {row.status.value}"))  # fmt: skip
            open_row_menu(self, "steer", heading, steering_offers(self.console.view.state, row))

    def action_steer(self, name: str) -> None:
        """Give one steering command, after the question it needs."""
        kind = SteerKind(name)
        row = self._steerable()
        if row is None or self._refused(row, speaks_against(kind, row)):
            return
        if kind is SteerKind.POLICY:
            self._ask_policy(row)
        elif kind in questions.VALUES:
            self._ask_value(row, kind)
        else:
            self._ask(row, Steer(kind))

    def action_step_downtime(self, factor: float) -> None:
        """Raise or lower the max downtime at once: it can be taken back as easily."""
        row = self._steerable()
        if row is None or self._refused(row, step_against(row)):
            return
        limit = row.limits.max_downtime
        if limit is not None:
            self._send(row, Steer(SteerKind.MAX_DOWNTIME, stepped(limit, factor)))

    def action_resume_guest(self) -> None:
        """Let a guest that is paused at the source run on, unless it must not."""
        row = self._steerable()
        if row is None or self._refused(row, resume_guest_against(row)):
            return
        submit_or_explain(self.console, Resume(subject=row.source_key), "Resume the guest")

    def action_resume_migration(self) -> None:
        """Go on with a failed post-copy."""
        row = self._steerable()
        if row is None or self._refused(row, resume_against(row)):
            return
        crash = resume_crash.crash_of(self.console.view.state, row.source_key)
        # the question has the name typed where the destination's libvirt would die of it
        accepted = row.uuid if any(crash) else ""
        request = ResumeMigration(subject=row.source_key, accept_crash=accepted)

        def answered(sure: bool | None) -> None:
            if sure:
                submit_or_explain(self.console, request, "Resume post-copy")

        self.console.push_screen(questions.resume_dialog(self.console.view.state, row), answered)

    async def action_report(self) -> None:
        """Open the report."""
        from console.screens.migrations.report import ReportScreen

        row = self._chosen()
        if row is not None:
            await self.console.push_screen(ReportScreen(row.id))

    async def action_instance(self) -> None:
        """Open the instance where it runs."""
        row = self._chosen()
        if row is None:
            return
        there = row.status in _AT_DESTINATION
        key = row.destination_key if there else row.source_key
        if key in self.console.view.state.instances:
            await self.console.navigation.open_instance(key, "overview")
        else:
            self._tell(f"{words.name_of(row)} is not known at {clean(key.host) or 'its host'}.")

    def action_copy_command(self) -> None:
        """Copy the command that does the same as the whole migration."""
        row = self._chosen()
        if row is None:
            return
        if not row.virsh:
            self._tell("The command is not known: it was not started here.")
            return
        self.console.copy_to_clipboard(clean(row.virsh))
        self.console.notify(f"Copied: {clean(row.virsh)}", timeout=4, markup=False)

    # -- inside ----------------------------------------------------------------------------------

    def _chosen(self) -> Migration | None:
        row = self.chosen_migration()
        why = "There is no migration to choose here." if row is None else ""
        if why := why or self._marked_elsewhere():
            self._tell(why)
            return None
        return row

    def _steerable(self) -> Migration | None:
        if self.console.read_only:
            self._tell(READ_ONLY)
            return None
        return self._chosen()

    def _refused(self, row: Migration, against: str) -> bool:
        """Say what speaks against it, if anything does."""
        if against:
            tell_against(self.console, words.name_of(row), [against])
        return bool(against)

    def _ask(self, row: Migration, steer: Steer) -> None:
        def answered(sure: bool | None) -> None:
            if sure:
                self._send(row, steer)

        self.console.push_screen(questions.steer_dialog(row, steer), answered)

    def _ask_value(self, row: Migration, kind: SteerKind) -> None:
        dialog = questions.value_dialog(row, kind)

        def answered(sure: bool | None) -> None:
            if sure and dialog.value is not None:
                self._send(row, Steer(kind, dialog.value))

        self.console.push_screen(dialog, answered)

    def _ask_policy(self, row: Migration) -> None:
        choices = {policy.name: policy.description for policy in POLICIES.values()}
        dialog = questions.policy_dialog(row, choices)

        def answered(sure: bool | None) -> None:
            if sure and dialog.chosen != row.policy:
                self._send(row, Steer(SteerKind.POLICY, text=dialog.chosen))

        self.console.push_screen(dialog, answered)

    def _send(self, row: Migration, steer: Steer) -> None:
        async def send(source: Source) -> SteerRecord:
            return await source.migrations.steer(row.id, steer)

        self.console.ask(send, partial(self._answered, row))

    def _answered(self, row: Migration, record: SteerRecord) -> None:
        title = f"{questions.title_of(record.steer)} {words.name_of(row)}: {record.answer.value}"
        bad = record.answer in (Answer.REFUSED, Answer.NO_ANSWER)
        self.console.notify(
            answer_text(record),
            title=title, severity="warning" if bad else "information", timeout=8, markup=False,
        )  # fmt: skip

    def _tell(self, text: str) -> None:
        self.console.notify(text, severity="warning", timeout=5, markup=False)


_ANSWERS = {
    Answer.REQUESTED: "It was sent; what comes of it shows here.",
    Answer.DONE: "",  # the title says it
    Answer.REFUSED: "The host refused it.",
    Answer.NO_ANSWER: "The host did not answer in time: it may yet take effect.",
    Answer.ADVISED: "Nothing was done.",
}


def answer_text(record: SteerRecord) -> str:
    """The lines below the title, which names the answer already. Pure."""
    text = clean(record.detail) or _ANSWERS[record.answer]
    return "\n".join(filter(None, (text, clean(record.virsh))))

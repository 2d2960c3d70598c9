"""What can be done to a migration now: key, effect, the virsh line, or why it cannot be. Pure, but
for the panel, which is of the UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events

from console import format as fmt
from console.actions.registry import Action, key_label
from console.screens.migrations.panels import SPLIT_BRAIN
from console.screens.row_menu import Offer
from console.screens.table_text import heading
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel
from core.migration.judgement.words import against_not_open, speaks_against, virsh_for, virsh_resume
from core.model import Migration, MigrationStatus, State, Steer, SteerKind
from core.model.text import clean
from core.verbs import checks
from core.verbs.power.requests import Resume

RAISE, LOWER = 1.5, 1 / 1.5
"""By what the keys for it multiply the max downtime."""
_KEY, _TITLE, _EFFECT = 3, 20, 16


@dataclass(frozen=True)
class Control:
    """One control: its action, what it would do now, the same as a command, what speaks against."""

    id: str
    title: str
    effect: str
    virsh: str
    against: str = ""


def stepped(limit: float, factor: float) -> float:
    """A max downtime in whole ms, raised or lowered and rounded to two digits; at least 1 ms."""
    return max(1.0, float(round(float(f"{limit * factor:.2g}"))))


def step_against(row: Migration) -> str:
    """Why the max downtime cannot be raised or lowered by a step."""
    against = speaks_against(SteerKind.MAX_DOWNTIME, row)
    if against or row.limits.max_downtime is not None:
        return against
    return "The present max downtime is not known: set one with a value."


def resume_against(row: Migration) -> str:
    """Why a post-copy migration cannot be resumed from here."""
    if row.not_open:
        return against_not_open(row)
    if row.status is not MigrationStatus.POST_COPY_FAILED:
        return f"Only a failed post-copy is resumed: it is {row.status.value}."
    return "" if row.resumable else clean(row.hint) or "It cannot be resumed from here."


def controls(row: Migration) -> list[Control]:
    """Every control, those that can be used first, the gravest before the others.

    Of a migration that is over only what may be left to do, none of one between other hosts.
    """
    if row.not_open:
        return []
    resume = _resume(row)
    if row.status.final:
        return [resume] if row.status is MigrationStatus.POST_COPY_FAILED else []
    return sorted([*_steering(row), resume], key=lambda control: bool(control.against))


def _resume(row: Migration) -> Control:
    return Control("steer.resume", "resume post-copy", "", virsh_resume(row), resume_against(row))


def _steering(row: Migration) -> list[Control]:
    limits = row.limits
    return [
        _control(row, SteerKind.ABORT, "abort", f"stays on {clean(row.host)}"),
        _control(row, SteerKind.POST_COPY, "to post-copy", "no abort after"),
        _control(row, SteerKind.MAX_DOWNTIME, "max downtime",
                 fmt.milliseconds(limits.max_downtime)),
        _step(row, "steer.raise-downtime", "raise it", RAISE),
        _step(row, "steer.lower-downtime", "lower it", LOWER),
        _control(row, SteerKind.BANDWIDTH, "bandwidth", fmt.bandwidth(limits.bandwidth)),
        _control(row, SteerKind.POST_COPY_BANDWIDTH, "post-copy bandwidth",
                 fmt.bandwidth(limits.post_copy_bandwidth)),
        _control(row, SteerKind.PAUSE, "pause guest", "until it moved"),
        _control(row, SteerKind.POLICY, "policy", row.policy),
    ]  # fmt: skip


def _control(row: Migration, kind: SteerKind, title: str, effect: str) -> Control:
    virsh = virsh_for(Steer(kind), row)
    return Control(f"steer.{kind.value}", title, effect, virsh, speaks_against(kind, row))


def _step(row: Migration, id: str, title: str, factor: float) -> Control:  # noqa: A002
    limit = row.limits.max_downtime
    value = None if limit is None else stepped(limit, factor)
    virsh = virsh_for(Steer(SteerKind.MAX_DOWNTIME, value), row)
    effect = "" if value is None else f"to {fmt.milliseconds(value)}"
    return Control(id, title, effect, virsh, step_against(row))


def steering_offers(state: State, row: Migration) -> dict[str, Offer]:
    """Everything that can be done to a migration, by the id of its action."""
    shown = [*_steering(row), _resume(row)]
    offers = {one.id: Offer(one.against, virsh=one.virsh) for one in shown}
    resume = Resume(subject=row.source_key)
    reasons = map(str, checks.check(state, resume))
    offers["steer.resume-guest"] = Offer(resume_guest_against(row) or next(reasons, ""))
    offers["steer.copy"] = Offer("" if row.virsh else _NO_COMMAND)
    return offers


_NO_COMMAND = "The command is not known: it was not started here."


def resume_guest_against(row: Migration) -> str:
    """Why the guest must not be let run on at the source."""
    if row.not_open:
        return against_not_open(row)
    if row.status.switched:
        return SPLIT_BRAIN
    if row.status in (
        MigrationStatus.COMPLETING, MigrationStatus.VERIFYING, MigrationStatus.COMPLETED,
    ):  # fmt: skip
        return f"It is {row.status.value}: it runs at the destination. {SPLIT_BRAIN}"
    if row.status is MigrationStatus.UNKNOWN:
        return f"Where it runs is not known until the link to {clean(row.host)} is back."
    return ""


class ControlsPanel(LinePanel):
    """The controls, a line each; a click on a line is its key."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._controls: Sequence[Control] = ()
        self._keys: dict[str, str] = {}

    def show(self, shown: Sequence[Control], actions: Sequence[Action]) -> None:
        """Show these, with the keys of the registry."""
        self._keys = {entry.id: key_label(entry.keys[0]) for entry in actions if entry.keys}
        self._controls = tuple(shown)
        self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """A heading, then a line per control; what cannot be done is greyed, with the reason."""
        del width
        return [heading("Controls"), *map(self._line, self._controls)]

    def _line(self, control: Control) -> CellValue:
        key = self._keys.get(control.id, "")
        if control.against:
            return (
                Cell(f" {key:>{_KEY}} {control.title:<{_TITLE}} ", "muted"),
                Cell(control.against, "muted"),
            )
        return (
            Cell(f" {key:>{_KEY}}", "key"),
            Cell(f" {control.title:<{_TITLE}}"),
            Cell(f"{control.effect:<{_EFFECT}} ", "strong"),
            Cell(control.virsh, "muted"),
        )

    async def _on_click(self, event: events.Click) -> None:
        number = event.y - 1
        if 0 <= number < len(self._controls):
            call = f"screen.run('{self._controls[number].id}')"
            await self.app.run_action(call, default_namespace=self.screen)

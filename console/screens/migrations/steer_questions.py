"""What is asked before a migration is steered: every question, in words. Pure but for the dialogs
they are put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console import format as fmt
from console.screens.dialogs.control import ChoiceDialog, ValueDialog
from console.screens.dialogs.question import QuestionDialog, TypedQuestionDialog, danger_lines
from console.screens.migrations import words
from console.widgets.columns import Cell, CellValue
from core.migration.judgement.words import virsh_for, virsh_resume
from core.model import Migration, State, Steer, SteerKind
from core.verbs.danger import danger
from core.verbs.migration.danger import danger_of_steering
from core.verbs.migration.requests import ResumeMigration

VALUES = (SteerKind.MAX_DOWNTIME, SteerKind.BANDWIDTH, SteerKind.POST_COPY_BANDWIDTH)
"""Commands that need a number."""


def title_of(steer: Steer) -> str:
    """A command as the beginning of a sentence: `Max downtime`."""
    return words.command_words(steer.kind).capitalize()


def steer_dialog(row: Migration, steer: Steer) -> QuestionDialog:
    """The question before an abort, the switch to post-copy and the guest's pause."""
    name = words.name_of(row)
    lines = [*danger_lines(danger_of_steering(row, steer)), "", *_virsh(steer, row)]
    if steer.kind is SteerKind.POST_COPY:
        lines[-2:-2] = _post_copy_eta(row)
    match steer.kind:
        case SteerKind.ABORT:
            title, yes, no = f"Abort the migration of {name}?", "Abort it", "Let it run"
        case SteerKind.POST_COPY:
            title, yes, no = f"Switch {name} to post-copy?", "Switch it", "Not now"
        case _:
            title, yes, no = f"Pause {name} until it has moved?", "Pause it", "Not now"
    return QuestionDialog(title, lines, yes, no)


def _post_copy_eta(row: Migration) -> list[CellValue]:
    eta = row.forecast.post_copy_eta if row.forecast is not None else None
    return [] if eta is None else [f"It would be finished in about {fmt.seconds(eta)}."]


def value_dialog(row: Migration, kind: SteerKind) -> ValueDialog:
    """The question for a max downtime or a bandwidth."""
    limits, name = row.limits, words.name_of(row)
    if kind is SteerKind.MAX_DOWNTIME:
        now, unit, least = fmt.milliseconds(limits.max_downtime), "ms", 1.0
        what = "How long the guest may stand still at the end"
    else:
        after = kind is SteerKind.POST_COPY_BANDWIDTH
        now = fmt.bandwidth(limits.post_copy_bandwidth if after else limits.bandwidth)
        unit, least = "MiB/s", 0.0
        what = f"What it may send{' in post-copy' if after else ''} (0 is unlimited)"
    title = f"{title_of(Steer(kind))} of the migration of {name}"
    lines: list[CellValue] = [f"{what}. It is {now} now.", *_needed(row, kind)]

    def explain(value: float) -> Sequence[CellValue]:
        return [*what_if(row, kind, value), *_virsh(Steer(kind, value), row)]

    return ValueDialog(title, lines, explain, unit=unit, least=least)


def _needed(row: Migration, kind: SteerKind) -> list[CellValue]:
    forecast = row.forecast
    if forecast is None:
        return []
    if kind is SteerKind.MAX_DOWNTIME and forecast.needed_downtime is not None:
        return [f"It would finish with {fmt.milliseconds(forecast.needed_downtime)}."]
    if kind is SteerKind.BANDWIDTH and forecast.needed_bandwidth is not None:
        return [f"It would finish with {forecast.needed_bandwidth / (1 << 20):.0f} MiB/s."]
    return []


def what_if(row: Migration, kind: SteerKind, value: float) -> list[CellValue]:
    """What a value would change, as far as the forecast can tell."""
    forecast = row.forecast
    if kind is SteerKind.MAX_DOWNTIME:
        lines: list[CellValue] = []
        if row.downtime_limit is not None and value > row.downtime_limit:
            limit = fmt.milliseconds(row.downtime_limit)
            lines.append(Cell(f"That is more than the {limit} the policy may go to.", "warning"))
        if forecast is not None and forecast.needed_downtime is not None:
            enough = value >= forecast.needed_downtime
            lines.append(
                Cell("It would finish.", "ok")
                if enough
                else Cell("It would still not finish at the present rates.", "warning")
            )
        return lines
    if kind is SteerKind.BANDWIDTH and forecast is not None and forecast.needed_bandwidth:
        enough = value == 0 or value * (1 << 20) >= forecast.needed_bandwidth
        return [
            Cell("It would finish, if the network carries that.", "ok")
            if enough
            else Cell("It would still not finish at the present rates.", "warning")
        ]
    return []


def policy_dialog(row: Migration, policies: Mapping[str, str]) -> ChoiceDialog:
    """The question which policy goes on."""
    return ChoiceDialog(f"Which policy goes on with {words.name_of(row)}?", policies, row.policy)


def resume_dialog(state: State, row: Migration) -> QuestionDialog:
    """The question before a failed post-copy is resumed."""
    asked = danger(state, ResumeMigration(subject=row.source_key))
    lines: list[CellValue] = [
        *danger_lines(asked),
        "",
        (Cell("as virsh  ", "muted"), Cell(virsh_resume(row), "strong")),
    ]
    title = f"Resume the post-copy migration of {words.name_of(row)}?"
    return TypedQuestionDialog(title, lines, "Resume it", asked.word)


def _virsh(steer: Steer, row: Migration) -> list[CellValue]:
    line = virsh_for(steer, row)
    return [(Cell("as virsh  ", "muted"), Cell(line, "strong"))] if line else []

"""The actions on migrations: steering, and what the list, the cockpit and the report have of
their own."""

from __future__ import annotations

from console.actions.operations import row_menu
from console.actions.types import Action, Scope
from core.model import SteerKind
from core.verbs.caution import Caution
from core.verbs.danger import least_caution
from core.verbs.migration.danger import steering_caution
from core.verbs.migration.requests import ResumeMigration

_CAUTIONS = {kind.value: steering_caution(kind) for kind in SteerKind} | {
    "resume": least_caution(ResumeMigration)
}


def _steer(
    name: str, title: str, key: str, description: str, *, call: str = "", short: str = "",
) -> Action:  # fmt: skip
    return Action(
        f"steer.{name}", title, (key,), "steer", "migration", description,
        call or f"steer('{name}')", needs_write=True, short=short,
        caution=_CAUTIONS.get(name, Caution.NONE),
    )  # fmt: skip


def _look(
    id: str,  # noqa: A002 - the registry's own word
    title: str, keys: tuple[str, ...], scope: Scope, description: str, call: str, *,
    footer: bool = False,
) -> Action:  # fmt: skip
    return Action(id, title, keys, scope, "migration", description, call, show_in_footer=footer)


STEER: tuple[Action, ...] = (
    row_menu("steer", "migration"),
    _steer("abort", "Abort", "X", "Stop the migration: the instance runs on at the source."),
    _steer("post-copy", "Switch to post-copy", "o",
           "Let it run at the destination and fetch the rest: it ends, and cannot be aborted.",
           short="Post-copy"),
    _steer("max-downtime", "Max downtime", "d",
           "Set how long the guest may stand still at the end, in milliseconds.",
           short="Downtime"),
    _steer("raise-downtime", "Raise max downtime", "plus",
           "Allow half as much again, at once.", call="step_downtime(1.5)"),
    _steer("lower-downtime", "Lower max downtime", "minus",
           "Allow a third less, at once.", call="step_downtime(0.6667)"),
    _steer("bandwidth", "Bandwidth", "b", "Set what it may send, in MiB/s; 0 is unlimited."),
    _steer("post-copy-bandwidth", "Post-copy bandwidth", "B",
           "Set what it may send in post-copy, in MiB/s; 0 is unlimited."),
    _steer("pause", "Pause the guest", "p", "Stop its processors, so that the migration finishes."),
    _steer("resume-guest", "Resume the guest", "u",
           "Let a guest that was paused at the source run on; refused where it must not.",
           call="resume_guest"),
    _steer("policy", "Policy", "m", "Let another policy go on from here."),
    _steer("resume", "Resume post-copy", "R", "Go on with a post-copy migration that failed.",
           call="resume_migration"),
    _look("steer.report", "Report", ("r",), "steer",
          "Show the report: times, downtime, what the policy did.", "report", footer=True),
    _look("steer.instance", "Instance", ("i",), "steer",
          "Open the instance where it runs.", "instance"),
    _look("steer.copy", "Copy command", ("c",), "steer",
          "Copy the virsh command that does the same as this migration (OSC 52).", "copy_command"),
)  # fmt: skip
"""What works wherever a migration is chosen."""

MIGRATION: tuple[Action, ...] = (
    _look("migrations.unfinished", "Unfinished only", ("ctrl+z",), "migrations",
          "Show only migrations that are not over, and back.", "unfinished"),
    _look("migration.next", "Next migration", ("right_square_bracket",), "migration",
          "Go to the next migration that is not over.", "other(1)"),
    _look("migration.previous", "Previous migration", ("left_square_bracket",), "migration",
          "Go to the previous migration that is not over.", "other(-1)"),
    _look("report.next", "Next form", ("right_square_bracket", "tab"), "report",
          "Text, Markdown, JSON.", "form(1)", footer=True),
    _look("report.previous", "Previous form", ("left_square_bracket", "shift+tab"), "report",
          "Text, Markdown, JSON, the other way round.", "form(-1)"),
    _look("report.copy", "Copy", ("c",), "report",
          "Copy the report in the form shown, over SSH too (OSC 52).", "copy", footer=True),
    _look("report.save", "Save", ("w",), "report",
          "Write the report in the form shown to a new file in the present folder.", "save",
          footer=True),
    _look("power.migration", "Its migration", ("w",), "power",
          "Watch the migration of the instance, or the last it had.", "open_migration"),
)  # fmt: skip
"""What the screens of migrations have of their own, and the way to them from an instance."""

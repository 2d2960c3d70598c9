"""The actions on operations, and the menu of what can be done to an operation or a migration."""

from __future__ import annotations

from console.actions.types import Action, Scope
from core.verbs.danger import CANCEL

ROW_MENU = "row_menu"
"""The call of the actions that open such a menu."""


def row_menu(scope: Scope, noun: str) -> Action:
    """Return the action that shows what can be done to one operation or migration."""
    return Action(
        f"{scope}.menu", "What can be done", ("x",), scope, "menu",
        f"Show what can be done to the {noun}, by letters; what cannot, and why.", ROW_MENU,
        show_in_footer=True, short="Actions",
    )  # fmt: skip


def _operation(name: str, title: str, letter: str, description: str) -> Action:
    return Action(
        f"operations.{name}", title, (), "operations", "operation", description,
        f"operation('{name}')", menu=letter,
    )  # fmt: skip


OPERATION: tuple[Action, ...] = (
    row_menu("operations", "operation"),
    Action(
        "operations.answer", "Answer", (), "operations", "operation",
        "Answer what the operation asks.", "operation('answer')", needs_write=True, menu="a",
    ),
    Action(
        "operations.undo", "Undo", (), "operations", "operation",
        "Take back what it did: an operation of its own.", "operation('undo')",
        needs_write=True, menu="u",
    ),
    Action(
        "operations.forget", "Forget", (), "operations", "operation",
        "Take it from this list and from the journal: what it did stays done.",
        "operation('forget')", needs_write=True, caution=CANCEL, menu="f",
    ),
    _operation("wait", "Tell its end", "w", "Have this console tell its end, whoever asked."),
    _operation("migration", "Its migration", "m", "Watch the migration that it is."),
    _operation("subject", "What it is done to", "i", "Open the instance, host or pool."),
    _operation("calls", "Its calls", "l", "Show the calls it made, with their times and results."),
    _operation("copy", "Copy its commands", "c",
               "Copy the virsh commands that do the same as its calls (OSC 52)."),
    Action(
        "operations.cancel", "Cancel", ("X",), "operations", "operation",
        "Cancel the operation and undo what it had begun.", "operation('cancel')",
        needs_write=True, caution=CANCEL,
    ),
)  # fmt: skip
"""What works wherever an operation is chosen."""

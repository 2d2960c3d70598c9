"""The actions of the editor. All letters are the text's, so they are control keys."""

from __future__ import annotations

from console.actions.types import Action

EDITOR: tuple[Action, ...] = (
    Action(
        "editor.save", "Save", ("ctrl+s",), "editor", "edit",
        "Show what was changed, and have libvirt define it.", "save",
        show_in_footer=True, needs_write=True,
    ),
    Action(
        "editor.other", "Other editor", ("ctrl+o",), "editor", "edit",
        "Edit it in $VISUAL or $EDITOR, and come back with it.", "other_editor",
        show_in_footer=True, short="$EDITOR",
    ),
    Action(
        "editor.next_change", "Next change", ("ctrl+n",), "editor", "edit",
        "Go to the next line that was changed.", "next_change", show_in_footer=True,
    ),
)  # fmt: skip

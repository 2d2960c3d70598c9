"""What the help says beside the registry: keys of questions and typed lines, and the mouse."""

from __future__ import annotations

Note = tuple[str, str, str]
"""Keys (or a gesture), what they do in two words, and in a sentence."""

NOTES: tuple[tuple[str, tuple[Note, ...]], ...] = (
    (
        "In a question",
        (
            ("y", "Yes", "Agree, where no name has to be typed."),
            ("n, esc", "No", "Change nothing and close the question."),
            ("tab, arrows", "Other button", "Go to the other button; enter presses it."),
            ("name, enter", "Typed yes", "Where the name or the count is asked for: type it."),
            ("1 to 9", "Choose", "Where one of several is asked for."),
            ("pgdn, space, pgup", "Turn over", "Scroll a text that is longer than there is room."),
        ),
    ),
    (
        "In a menu",
        (
            ("letter", "Choose", "Open a group; do what a line says."),
            ("arrows, ^n, ^p, enter", "Choose", "Go to a line; take it."),
            ("home, end", "First, last", "Go to the first or the last line."),
            ("tab", "Options", "Show the options of the line under the cursor first."),
            ("esc, backspace", "Back", "Back to the groups, then out; nothing is done."),
        ),
    ),
    (
        "In the form of a verb",
        (
            ("tab, arrows", "Move", "Go from field to field; enter goes on, too."),
            ("left, right, space", "Choose", "Go through what a field offers."),
            ("right", "Take", "Take what a field proposes while it is typed."),
            ("^s", "Do it", "Ask for it as the fields say, once nothing in them is wrong."),
            ("^x", "Its XML", "Show the XML of what would be made, and close it again."),
            ("esc", "Peel", "Drop the further options, then the form."),
        ),
    ),
    (
        "When migrating",
        (
            ("tab, arrows", "Move", "Go from field to field; enter goes on, too."),
            ("left, right", "Choose", "Go through what a field offers; what is found follows."),
            ("pgdn, pgup", "Findings", "Turn over what speaks against it."),
            ("name, enter", "Override", "In the override line: a blocker's name lets it start."),
            ("^s", "Start", "Start, once nothing blocks."),
            ("esc", "Peel", "Drop what is half typed, the further options, then the dialog."),
        ),
    ),
    (
        "While filtering, searching or finding a command",
        (
            ("enter", "Keep", "Keep the filter or search and go back to the rows; run a command."),
            ("esc", "Drop", "Back to how it was before."),
            ("down, up, tab, ^n, ^p", "Choose", "Go through the commands found."),
        ),
    ),
    (
        "On one network, or an XML",
        (
            ("arrows, pgdn, pgup", "Move", "Scroll it."),
            ("enter", "Instances", "Go to the instances on the network."),
            ("e", "Edit", "Edit the definition of the network."),
            ("r", "Read again", "Read the network's leases and ports again."),
            ("esc, q, ^x", "Close", "Back to where it was opened."),
        ),
    ),
    (
        "With the mouse",
        (
            ("click", "Choose", "Choose a row; press what the lines at the top and bottom name."),
            ("double click", "Open", "Open a row."),
            ("click a title", "Sort", "Sort by that column; again: the other way round."),
            ("wheel", "Scroll", "Move through rows and pages."),
        ),
    ),
)
"""Sections of the help, after those of the registry."""

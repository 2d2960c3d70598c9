"""Every action of the console. Add one here and it is in the help, palette, footer and docs.

The verbs' are made from their declarations (`verbs`); the keys of tables are in
`tables`, those that sort in `sorting`, those of operations in `operations`, those
of migrations in `migrations` and those of tapes in `replay`.

Keys follow k9s where it has a habit for the thing. A test refuses two actions on one key of a
screen.
"""

from __future__ import annotations

from console.actions.consoles import CONSOLES
from console.actions.devices import DEVICES
from console.actions.editor import EDITOR
from console.actions.images import IMAGES
from console.actions.jobs import JOBS
from console.actions.migrations import MIGRATION, STEER
from console.actions.operations import OPERATION
from console.actions.picture import PICTURE
from console.actions.replay import REPLAY
from console.actions.sorting import SORT
from console.actions.tables import TABLE
from console.actions.types import Action
from console.actions.verbs import INSTANCE_ROW, MENU, verb_actions

_SCREENS = ("instances", "hosts", "volumes", "operations", "events", "migrations", "networks")
_SHOWN_TOO = {"volumes": ": pools, and the volumes in them"}
"""What is looked for by another name."""

_GLOBAL = (
    *(
        Action(
            f"screen.{name}",
            name.capitalize(),
            (str(number),),
            "global",
            "screen",
            f"Go to the {name} screen{_SHOWN_TOO.get(name, '')}.",
            f"show_screen('{name}')",
        )
        for number, name in enumerate(_SCREENS, 1)
    ),
    Action(
        "global.palette",
        "Command palette",
        ("colon", "ctrl+p"),
        "global",
        "general",
        "Find any action, screen or instance by name.",
        "command_palette",
        show_in_footer=True,
        short="Commands",
    ),
    Action(
        "global.help",
        "Help",
        ("question_mark", "f1"),
        "global",
        "general",
        "Show every key that works here.",
        "show_page('help')",
        show_in_footer=True,
    ),
    Action(
        "global.calls",
        "Calls",
        ("at",),
        "global",
        "general",
        "Show each call that was made, as virsh would make it, with its time and result.",
        "show_page('calls')",
    ),
    Action(
        "global.back",
        "Back",
        ("escape",),
        "global",
        "general",
        "Peel one layer: a question, the marks, the filter, then the screen.",
        "back",
    ),
    Action(
        "global.quit",
        "Quit",
        ("q", "ctrl+q", "ctrl+c"),
        "global",
        "general",
        "Leave the console; asks when an operation runs.",
        "leave",
        show_in_footer=True,
    ),
    Action(
        "global.refresh",
        "Read again",
        ("ctrl+r",),
        "global",
        "general",
        "Read everything from the hosts again and redraw the screen.",
        "resync",
    ),
    Action(
        "global.theme",
        "Next theme",
        ("ctrl+t",),
        "global",
        "general",
        "Change to the next theme.",
        "next_theme",
    ),
)

_INSTANCE = (
    Action(
        "instances.faults",
        "Faults only",
        ("ctrl+z",),
        "instances",
        "filter",
        "Show only instances with an alert, and back.",
        "faults",
    ),
    Action(
        "instances.xml",
        "XML",
        ("y",),
        "instances",
        "row",
        "Show the XML of the instance under the cursor.",
        "open_tab('xml')",
    ),
    Action(
        "instances.events",
        "Events of it",
        ("l",),
        "instances",
        "row",
        "Show what happened to the instance under the cursor.",
        "open_tab('events')",
    ),
    Action(
        "instance.next_tab",
        "Next tab",
        ("right_square_bracket", "tab"),
        "instance",
        "tabs",
        "Go to the next tab.",
        "tab(1)",
        show_in_footer=True,
    ),
    Action(
        "instance.previous_tab",
        "Previous tab",
        ("left_square_bracket", "shift+tab"),
        "instance",
        "tabs",
        "Go to the previous tab.",
        "tab(-1)",
    ),
    Action(
        "instance.xml",
        "XML",
        ("y",),
        "instance",
        "tabs",
        "Go to the XML.",
        "show_tab('xml')",
    ),
    Action("instance.events", "Events", ("l",), "instance", "tabs",
           "Go to this instance's events.", "show_tab('events')"),
    Action("instance.open", "Open", ("enter",), "instance", "tabs",
           "Open the list of what is on the tab, where it has one: its snapshots.", "open_shown"),
    Action("instance.diagnosis", "Why slow", ("d",), "instance", "tabs",
           "Go to why this instance may be slow.", "show_tab('diagnosis')"),
    Action("instance.agent", "Agent", ("g",), "instance", "tabs",
           "Go to what the guest's agent tells.", "show_tab('agent')"),
    Action(
        "instance.search",
        "Search",
        ("slash",),
        "instance",
        "search",
        "Search the text shown.",
        "search",
        show_in_footer=True,
    ),
    Action(
        "instance.search_next",
        "Next match",
        ("n",),
        "instance",
        "search",
        "Go to the next match.",
        "search_step(1)",
    ),
    Action(
        "instance.search_previous",
        "Previous match",
        ("N",),
        "instance",
        "search",
        "Go to the previous match.",
        "search_step(-1)",
    ),
)  # fmt: skip

_OTHER = (
    Action(
        "hosts.reconnect",
        "Reconnect",
        ("R",),
        "hosts",
        "host",
        "Close the links to the chosen hosts and open them again.",
        "reconnect",
    ),
    *DEVICES,
    Action(
        "volumes.refresh_pool",
        "Refresh pool",
        ("R",),
        "volumes",
        "pool",
        "Have libvirt look again at the pool under the cursor: its figures, its volumes.",
        "refresh_pool",
        needs_write=True,
    ),
    *IMAGES,
    Action(
        "snapshots.make",
        "Make a snapshot",
        ("n",),
        "snapshots",
        "snapshots",
        "Make a snapshot of the instance.",
        "make",
        show_in_footer=True,
        needs_write=True,
        short="New",
    ),
    Action(
        "snapshots.copy_name",
        "Copy name",
        ("c",),
        "snapshots",
        "row",
        "Copy the names of the chosen snapshots to the clipboard, over SSH too (OSC 52).",
        "copy_name",
    ),
    *CONSOLES,
    *PICTURE,
    *OPERATION,
    Action(
        "events.follow",
        "Follow",
        ("t",),
        "events",
        "view",
        "Keep the newest event in view, or stop.",
        "follow",
        show_in_footer=True,
    ),
    Action(
        "events.pause",
        "Hold still",
        ("z",),
        "events",
        "view",
        "Hold the list still; events are still counted and shown when it goes on.",
        "hold",
        show_in_footer=True,
    ),
)

_PANEL = (
    Action(
        "panel.other",
        "Other pane",
        ("tab", "shift+tab"),
        "panel",
        "view",
        "Go from the table to the page beside it, to scroll it, and back.",
        "other_pane",
    ),
)


def registered() -> tuple[Action, ...]:
    """The registry, in the order help shows it, with the verbs that are declared now."""
    return (
        *(*_GLOBAL, *TABLE, MENU, *verb_actions(), *INSTANCE_ROW, *_INSTANCE, *JOBS, *SORT),
        *(*_OTHER, *STEER, *MIGRATION, *_PANEL, *EDITOR, *REPLAY),
    )


ACTIONS: tuple[Action, ...] = registered()
"""The registry as it is when the console starts."""

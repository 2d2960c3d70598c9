"""The actions of what an instance shows on its screen, and how to get there."""

from __future__ import annotations

from console.actions.types import Action

OPEN_PICTURE = Action(
    "power.picture",
    "Picture",
    ("I",),
    "power",
    "guest",
    "See what its screen shows as a picture, taken again each second.",
    "open_picture",
)

PICTURE: tuple[Action, ...] = (
    Action(
        "picture.console",
        "Console",
        ("i",),
        "picture",
        "guest",
        "Type into its serial console, full screen.",
        "open_console",
        show_in_footer=True,
        needs_write=True,
    ),
    Action(
        "picture.viewer",
        "Viewer",
        ("v",),
        "picture",
        "guest",
        "Start a viewer on its VNC or SPICE display, or say where that is.",
        "viewer",
        show_in_footer=True,
    ),
)

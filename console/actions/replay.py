"""The keys that play a tape."""

from __future__ import annotations

from console.actions.types import Action

REPLAY: tuple[Action, ...] = (
    Action(
        "replay.pause",
        "Play or pause",
        ("P",),
        "replay",
        "tape",
        "Let the tape run, or stand still.",
        "tape('pause')",
    ),
    Action(
        "replay.back",
        "Back",
        ("ctrl+left",),
        "replay",
        "tape",
        "Go ten seconds back on the tape.",
        "tape('seek', -10)",
    ),
    Action(
        "replay.forward",
        "Forward",
        ("ctrl+right",),
        "replay",
        "tape",
        "Go ten seconds forward on the tape.",
        "tape('seek', 10)",
    ),
    Action(
        "replay.slower",
        "Slower",
        ("ctrl+down",),
        "replay",
        "tape",
        "Half the speed.",
        "tape('speed', 0.5)",
    ),
    Action(
        "replay.faster",
        "Faster",
        ("ctrl+up",),
        "replay",
        "tape",
        "Twice the speed.",
        "tape('speed', 2)",
    ),
)
"""What works on every screen while a tape is shown."""

"""The actions about base images."""

from __future__ import annotations

from console.actions.types import Action

IMAGES: tuple[Action, ...] = (
    Action(
        "volumes.images",
        "Base images",
        ("i",),
        "volumes",
        "pool",
        "List the base images, and who needs them through which chain.",
        "open_images",
        show_in_footer=True,
        short="Images",
    ),
    Action(
        "volume.pool",
        "Its pool",
        ("p",),
        "volume",
        "row",
        "Go to the pool that the volume is in.",
        "open_its_pool",
        show_in_footer=True,
        short="Pool",
    ),
    Action(
        "images.copy_name",
        "Copy name",
        ("c",),
        "images",
        "row",
        "Copy the names of the chosen images to the clipboard, over SSH too (OSC 52).",
        "copy_name",
    ),
)
"""The way to them, and what can be done beside the verbs of volumes."""

"""The actions about base images."""

from __future__ import annotations

from console.actions.types import Action
from core.verbs.caution import Caution

OPEN_IMAGES = Action(
    "volumes.images",
    "Base images",
    ("i",),
    "volumes",
    "pool",
    "List the base images, and who needs them through which chain.",
    "open_images",
    show_in_footer=True,
    short="Images",
)
IMAGES: tuple[Action, ...] = (
    OPEN_IMAGES,
    Action(
        "volumes.connections",
        "Connections",
        ("l",),
        "volumes",
        "pool",
        "List the volumes that hosts have connected, and what is left over of them.",
        "open_connections",
    ),
    Action(
        "connections.disconnect",
        "Disconnect a leftover",
        ("d",),
        "connections",
        "row",
        "Have its host disconnect a volume whose disk is no more.",
        "disconnect",
        show_in_footer=True,
        needs_write=True,
        caution=Caution.CONFIRM,
        short="Disconnect",
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

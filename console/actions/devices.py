"""The way to the devices of a host, and what can be done there."""

from __future__ import annotations

from console.actions.types import Action
from core.verbs.caution import Caution

OPEN_DEVICES = Action(
    "hosts.devices",
    "Devices",
    ("d",),
    "hosts",
    "devices",
    "Show the PCI, USB and mediated devices of the host, who holds them, and its NUMA cells.",
    "open_devices",
    show_in_footer=True,
)

DEVICES: tuple[Action, ...] = (
    OPEN_DEVICES,
    Action(
        "devices.attach",
        "Attach it",
        ("a",),
        "devices",
        "row",
        "Give the device to an instance of its host, which is chosen next.",
        "attach",
        show_in_footer=True,
        needs_write=True,
        short="Attach",
    ),
    Action(
        "devices.detach",
        "Detach it",
        ("d",),
        "devices",
        "row",
        "Have the instance that holds the device let go of it.",
        "detach",
        show_in_footer=True,
        needs_write=True,
        caution=Caution.CONFIRM,
        short="Detach",
    ),
    Action(
        "devices.copy",
        "Copy its word",
        ("c",),
        "devices",
        "row",
        "Copy the word by which it is attached, over SSH too (OSC 52).",
        "copy_word",
    ),
)

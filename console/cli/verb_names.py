"""The names of the commands that verbs are; all that the help needs."""

from __future__ import annotations

from core.verbs.registry import VERBS
from core.verbs.verb import Verb

_HELP = {
    "pool": "Start, stop and change pools.",
    "network": "Make, start, stop, change and delete networks.",
    "volume": "Attach, detach, fill, read, change and delete volumes.",
    "interface": "Attach and detach network devices of instances.",
    "device": "Attach and detach devices of a host (PCI, USB, mediated ones), and directories.",
    "nwfilter": "Define and delete network filters.",
    "snapshot": "Make, revert to and delete snapshots, each named INSTANCE/SNAPSHOT.",
}

GROUPS = {
    group: help_
    for group, help_ in _HELP.items()
    if any(verb.command[:-1] == (group,) for verb in VERBS.values())
}
"""The groups of commands, and the help of each."""


def commands(group: str = "") -> list[Verb]:
    """Return the verbs that are commands of a group, by default those that are in none.

    A workflow has commands of its own, and so has what is written by hand and is in no group.
    """
    inside = (group,) if group else ()
    return [
        verb
        for verb in VERBS.values()
        if verb.command[:-1] == inside and verb.workflow is None and (group or not verb.by_hand)
    ]

"""The names of the commands that verbs are; all that the help needs."""

from __future__ import annotations

from core.verbs.registry import VERBS
from core.verbs.verb import Verb

GROUPS = {
    kind: help_
    for kind, help_ in (
        ("pool", "Start, stop and change pools."),
        ("network", "Start, stop and change networks."),
        ("volume", "Change volumes."),
        ("snapshot", "Change snapshots, each by INSTANCE/SNAPSHOT."),
    )
    if any(verb.subject == kind for verb in VERBS.values())
}
"""The kinds whose verbs are commands of a group, and the help of each."""


def commands(kind: str) -> list[Verb]:
    """Return the verbs about a kind that are commands; a workflow has commands of its own."""
    return [verb for verb in VERBS.values() if verb.subject == kind and verb.workflow is None]

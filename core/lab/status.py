"""What `lab status` tells: values only, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.lab.post_copy import Ability
from core.model import InstanceState


@dataclass(frozen=True)
class HostStatus:
    """One host: `pid` of its daemon or None, `instances` by name with the state of each, in the
    words of `core.model.InstanceState`."""

    name: str
    uri: str
    pid: int | None
    answers: bool
    instances: dict[str, str]


@dataclass(frozen=True)
class LabStatus:
    """A lab: `running` when every host answers; `accelerator` is kvm, tcg or empty (never up)."""

    name: str
    root: str
    running: bool
    accelerator: str
    post_copy: Ability
    hosts: tuple[HostStatus, ...]


_STATES = {
    "shut off": InstanceState.SHUTOFF,
    "in shutdown": InstanceState.SHUTTING_DOWN,
    "pmsuspended": InstanceState.SUSPENDED,
    "idle": InstanceState.RUNNING,
    "no state": InstanceState.UNKNOWN,
}
"""Where virsh has another word than everything else here: domainState in its virsh-domain-monitor.c
has them all; idle (VIR_DOMAIN_BLOCKED) is one that runs."""


def state_word(told: str) -> str:
    """Return the one word for a state that virsh told."""
    return str(_STATES.get(told, told))


def as_plain(status: LabStatus) -> dict[str, Any]:
    """The status as dictionaries, lists and scalars, every field by its name."""
    return asdict(status)

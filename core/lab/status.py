"""What `lab status` tells: values only, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.lab.post_copy import Ability


@dataclass(frozen=True)
class HostStatus:
    """One host: `pid` of its daemon or None, `instances` by name with virsh's word for each."""

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


def as_plain(status: LabStatus) -> dict[str, Any]:
    """The status as dictionaries, lists and scalars, every field by its name."""
    return asdict(status)

"""What is asked for when a host is dead, and the calls that an evacuation adds to a creation."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.model.base import Value
from core.verbs.call import Call
from core.verbs.parameter import parameter


class Evacuate(Request, frozen=True):
    """Define an instance of a dead host on another one, and start it where it ran."""

    verb: ClassVar[str] = "evacuate"
    source: Annotated[str, parameter("The dead host.", source="hosts")]
    fenced: Annotated[
        str,
        parameter("The name of the dead host, typed: you state that it is off, or cut off."),
    ]
    """Nothing that virtdeck can see from afar tells that a host is dead."""
    name: Annotated[str, parameter("The instance's name.")] = ""
    start: Annotated[bool, parameter("Start it there.")] = True
    autostart: Annotated[bool, parameter("Have it started with its new host.")] = False
    shared: Annotated[
        bool,
        parameter("You state that what its new host has at the paths of its disks are its disks."),
    ] = False

    checkpoints: Annotated[
        tuple[str, ...], parameter("Its checkpoints that are known, which are not taken along.")
    ] = ()

    @property
    def makes(self) -> str:
        """The instance's name."""
        return self.name or self.subject.id


class LostDisk(Value, frozen=True):
    """A disk of an instance of a dead host, as far as that is known of it."""

    target: str
    type: str
    path: str
    format: str = ""
    pool_type: str = ""
    """Of the pool of the dead host that its file was in; empty: not known."""
    pool_capacity: int | None = None
    element: str = ""
    """Its `<disk>`, as it is opened to see whether somebody holds its lock; empty: it is not."""


class DisksCall(Call, frozen=True):
    """virDomainCreateXML of what opens the disks of an instance, paused, and is gone again.

    It sees that a host has them, and that nobody holds their locks. QEMU alone asks for these
    locks, and on a host far away there is libvirt alone: so an instance of another name opens them
    read-only, and never runs. What runs elsewhere holds locks against that. Nothing is written.
    """

    probe: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    source: str
    """The dead host."""
    type: str
    """Of the instance: kvm, qemu."""
    architecture: str
    disks: tuple[LostDisk, ...]
    one_machine: bool = False
    """Both daemons are on one machine: its files are the same for both."""
    stated: bool = False
    """The operator states that the disks are shared."""

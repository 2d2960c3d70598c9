"""What is asked for where an instance moves while it is off."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.verbs.growing import GROW
from core.verbs.parameter import parameter
from core.verbs.resizing import MEMORY, VCPUS


class ColdMigrate(Request, frozen=True):
    """Move an instance that is off to another host, in two phases.

    It is defined at the destination; its source keeps it, held, until the move is confirmed or
    reverted.
    """

    verb: ClassVar[str] = "cold-migrate"
    to: Annotated[str, parameter("The destination.", source="hosts")]
    """Its name."""
    copy: Annotated[
        tuple[str, ...],
        parameter("Disks that are copied there, by target; the others are shared.", source="disks"),
    ] = ()
    pool: Annotated[
        str,
        parameter("The destination's pool for them; empty: the one called as theirs is."),
    ] = ""
    vcpus: Annotated[int, VCPUS] | None = None
    memory: Annotated[int, MEMORY] | None = None
    grow: tuple[Annotated[str, GROW], ...] = ()
    verify: Annotated[bool, parameter("Each copy is read back and compared.", advanced=True)] = True
    overrides: Annotated[
        tuple[str, ...],
        parameter("Move in spite of this blocker of the preflight.", advanced=True),
    ] = ()


class ConfirmColdMigration(Request, frozen=True):
    """End a cold migration: the source's definition goes. Asked for on either host."""

    verb: ClassVar[str] = "confirm-cold-migration"
    originals: Annotated[
        Literal["delete", "keep"],
        parameter("What becomes at the source of the disks that were copied."),
    ] = "delete"


class RevertColdMigration(Request, frozen=True):
    """Take a cold migration back: the destination's definition goes. Asked for on either host."""

    verb: ClassVar[str] = "revert-cold-migration"
    discard: Annotated[
        bool, parameter("Also where a copied disk was written to since: that is lost.")
    ] = False

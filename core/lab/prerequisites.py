"""What the lab needs of the machine and does not find, each with its package and cure."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.lab.command import find_program
from core.lab.image import cached_image

TABLE = Path(__file__).with_name("packages.tsv")


@dataclass(frozen=True)
class Requirement:
    """A row of packages.tsv: `probe` is a program's name or a path with wildcards."""

    purpose: str
    package: str
    probe: str
    why: str


@dataclass(frozen=True)
class MissingPiece:
    """Something that is not installed: `what` it is, the `package` that has it, and the `cure`."""

    what: str
    package: str
    why: str
    cure: str


def read_requirements(table: str) -> list[Requirement]:
    """The rows of packages.tsv, comments left out. Pure."""
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return [Requirement(*row) for row in rows]


def is_there(probe: str) -> bool:
    """Whether a program or a file that fits the path is installed."""
    if probe.startswith("/"):
        return any(Path("/").glob(probe.lstrip("/")))
    return find_program(probe) is not None


def select_missing(
    requirements: list[Requirement], purposes: set[str], present: Callable[[str], bool]
) -> Iterator[MissingPiece]:
    """The requirements for `purposes` that `present` does not find. Pure if `present` is."""
    for item in requirements:
        if item.purpose in purposes and not present(item.probe):
            what = item.package if item.probe.startswith("/") else item.probe
            cure = f"Run `sudo apt-get install {item.package}`."
            yield MissingPiece(what, item.package, item.why, cure)


def missing_pieces() -> list[MissingPiece]:
    """Everything a `lab up` would miss on this machine, in the table's order; empty: all is there.

    What only the building of the guest image needs counts while there is no image.
    """
    purposes = {"lab"} if cached_image() else {"lab", "image"}
    if platform.freedesktop_os_release().get("ID") == "ubuntu":
        purposes |= {f"{purpose}-ubuntu" for purpose in purposes}
    return list(select_missing(read_requirements(TABLE.read_text()), purposes, is_there))

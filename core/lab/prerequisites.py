"""What the lab needs of the machine and does not find, each with its package and cure."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.lab.command import find_program, run
from core.lab.image import cached_image

TABLE = Path(__file__).with_name("packages.tsv")


@dataclass(frozen=True)
class Requirement:
    """A row of packages.tsv: `probe` is a program's name or a path with wildcards.

    `package` may name several with bars between: the first the distribution has is meant.
    """

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


def has_package(name: str) -> bool:
    """Whether the distribution offers a package. Asks apt; false where there is no apt."""
    try:
        return bool(run(["apt-cache", "show", "--quiet", name]))
    except LabError:
        return False


def choose_package(names: str, offered: Callable[[str], bool]) -> str:
    """The first of `this|that` that is offered, else the first. Pure if `offered` is."""
    first, *others = names.split("|")
    if not others:
        return first
    return next((name for name in (first, *others) if offered(name)), first)


def select_missing(
    requirements: list[Requirement],
    purposes: set[str],
    present: Callable[[str], bool],
    offered: Callable[[str], bool],
) -> Iterator[MissingPiece]:
    """The requirements for `purposes` that `present` does not find. Pure if its arguments are.

    `offered` says of a package whether the distribution has it.
    """
    for item in requirements:
        if item.purpose in purposes and not present(item.probe):
            package = choose_package(item.package, offered)
            what = package if item.probe.startswith("/") else item.probe
            cure = f"Run `sudo apt-get install {package}`."
            yield MissingPiece(what, package, item.why, cure)


def missing_pieces() -> list[MissingPiece]:
    """Everything a `lab up` would miss on this machine, in the table's order; empty: all is there.

    What only the building of the guest image needs counts while there is no image.
    """
    purposes = {"lab"} if cached_image() else {"lab", "image"}
    if platform.freedesktop_os_release().get("ID") == "ubuntu":
        purposes |= {f"{purpose}-ubuntu" for purpose in purposes}
    table = read_requirements(TABLE.read_text())
    return list(select_missing(table, purposes, is_there, has_package))

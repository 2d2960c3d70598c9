"""Checks of what a host connects volumes with: the tools of each protocol, and os-brick."""

from __future__ import annotations

from collections.abc import Iterator

from core.doctor import DoctorCheck, Grade
from core.errors import VirtdeckError
from core.model import Host, LinkStatus
from core.volumes.brick.cures import CURES, TOOLS
from core.volumes.brick.place import brick_host
from core.volumes.brick.survey import CLIENTS, HostTools, survey

_DRIVERS = {"curl": "https", "iscsi": "iscsi", "nfs": "nfs", "rbd": "rbd", "ssh": "ssh"}
"""QEMU's drivers for disks by URL, with what a URL begins with."""


def volume_checks(host: Host) -> Iterator[DoctorCheck]:
    """Look at a host that runs QEMU. Blocks for half a minute at most."""
    if host.link.status is not LinkStatus.UP or not host.uri.startswith("qemu"):
        return
    python = host.connecting.python
    try:
        place = brick_host(host.uri, python)
        tools = survey(place)
    except VirtdeckError as error:
        yield DoctorCheck(host.name, "volumes", Grade.UNKNOWN, error.message, error.hint)
        return
    yield from judged(host.name, tools, place.python, multipath=host.connecting.multipath)


def judged(
    host: str, tools: HostTools, python: str, *, multipath: bool = False
) -> Iterator[DoctorCheck]:
    """Judge what a host has; it is to use `multipath` or not. Pure."""
    yield _os_brick(host, tools, python)
    for what, programs, package in TOOLS:
        yield _tool(host, tools, what, programs, package, multipath=multipath)
    yield _clients(host, tools)
    yield _drivers(host, tools)


def _os_brick(host: str, tools: HostTools, python: str) -> DoctorCheck:
    if not tools.brick:
        found = f"{python} has no os-brick: no volume of a SAN can be connected"
        cure = f"{CURES['ModuleNotFoundError']} Name another Python under [volumes]."
        return DoctorCheck(host, "os-brick", Grade.WARNING, found, cure)
    if not tools.starts:
        found = f"{tools.brick} of {python} does not start: oslo.service is missing, or too old"
        return DoctorCheck(host, "os-brick", Grade.WARNING, found, CURES["ImportError"])
    if not tools.root:
        return DoctorCheck(
            host, "os-brick", Grade.WARNING,
            f"{tools.brick}, and this user may not start it as root",
            f"Let {python} in sudoers without a password, or open the host as root. Whoever may do "
            "that is root there.",
        )  # fmt: skip
    return DoctorCheck(host, "os-brick", Grade.OK, tools.brick)


def _tool(
    host: str, tools: HostTools, what: str, programs: tuple[str, ...], package: str,
    *, multipath: bool,
) -> DoctorCheck:  # fmt: skip
    cure = f"Run `sudo apt-get install {package}` there, or what its distribution calls it."
    if missing := [name for name in programs if name not in tools.programs]:
        return DoctorCheck(host, what, Grade.WARNING, f"no {' and no '.join(missing)}", cure)
    if what == "iscsi" and not tools.initiator:
        return DoctorCheck(
            host, what, Grade.WARNING, "it has no name in /etc/iscsi/initiatorname.iscsi",
            "Give it one there: InitiatorName=iqn.YEAR-MONTH.DOMAIN:NAME.",
        )  # fmt: skip
    if what == "multipath" and "multipathd" not in tools.running:
        found, grade = "multipathd does not run", Grade.WARNING if multipath else Grade.OK
        return DoctorCheck(host, what, grade, found, "Run `sudo systemctl start multipathd` there.")
    return DoctorCheck(host, what, Grade.OK, f"{' and '.join(programs)} there")


def _clients(host: str, tools: HostTools) -> DoctorCheck:
    """Which closed storage it is a client of: to be of none is no fault."""
    there = [name for name in CLIENTS if name in tools.clients]
    lacks = [name for name in CLIENTS if name not in tools.clients]
    without = f"no client of {', '.join(lacks)}"
    found = ", ".join([*there, without] if lacks else there)
    return DoctorCheck(host, "closed storage", Grade.OK, found)


def _drivers(host: str, tools: HostTools) -> DoctorCheck:
    lacks = [scheme for name, scheme in _DRIVERS.items() if name not in tools.drivers]
    if not lacks:
        return DoctorCheck(host, "disks by URL", Grade.OK, f"{', '.join(_DRIVERS.values())}")
    found = f"QEMU has no driver for {', '.join(lacks)}, as files of its own"
    cure = "Run `sudo apt-get install qemu-block-extra` there, or what its distribution calls it."
    return DoctorCheck(host, "disks by URL", Grade.WARNING, found, cure)

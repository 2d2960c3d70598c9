"""Checks of this machine and of each host: what was found, how good that is, and the cure."""

from __future__ import annotations

import grp
import os
import platform
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import IO

from core.errors import VirtdeckError
from core.hypervisor.connection import binding
from core.lab.account import current_account
from core.lab.command import find_program
from core.lab.post_copy import post_copy_ability
from core.lab.prerequisites import missing_pieces
from core.model import Host, LinkStatus, Value
from core.model.text import clean

PROGRAM_SECONDS = 10.0
"""How long a program may take to tell its version."""
TRIAL_SECONDS = 6.0
"""How long a virtual machine on KVM may take to show a sign of life; it takes about one."""
FIRMWARE_END = b"No bootable device"
KVM = Path("/dev/kvm")
OLDEST_PYTHON = (3, 11)
OLDEST_LIBVIRT = (7, 0, 0)
"""Before it, several bulk calls and events are missing (virConnectGetAllDomainStats NOWAIT...)."""


class Grade(StrEnum):
    """How good what was found is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DoctorCheck(Value, frozen=True):
    """One thing that was looked at."""

    subject: str
    """`machine`, `terminal`, or the name of a host."""
    what: str
    verdict: Grade
    found: str
    cure: str = ""
    """Empty where nothing is wrong."""


def machine_checks() -> Iterator[DoctorCheck]:
    """Look at this machine. Blocks for seconds at most; every check stands alone."""
    for check in (_python, _libvirt, _qemu, _kvm, _groups, _ssh, _post_copy, _lab):
        try:
            yield check()
        except (OSError, ValueError, subprocess.SubprocessError, VirtdeckError) as error:
            what = check.__name__.strip("_").replace("_", "-")
            yield _machine(what, Grade.UNKNOWN, clean(f"it could not be checked: {error}"))


def host_checks(host: Host) -> Iterator[DoctorCheck]:
    """Judge a host by what its link and its facts say. Pure."""
    link = host.link
    if link.status is not LinkStatus.UP:
        reason = link.error or "it did not answer in time"
        yield DoctorCheck(host.name, "link", Grade.FAILED, reason, link.hint)
        return
    yield DoctorCheck(host.name, "link", Grade.OK, f"up: {host.uri}")
    if link.read_only:
        yield DoctorCheck(
            host.name, "access", Grade.WARNING, "it is open read-only",
            "Leave --read-only out to change anything.",
        )  # fmt: skip
    facts = host.facts
    if facts is None:
        yield DoctorCheck(host.name, "facts", Grade.UNKNOWN, "it has not told its versions")
        return
    yield _host_libvirt(host.name, facts.libvirt_version)
    yield DoctorCheck(
        host.name, "hypervisor", Grade.OK, f"{facts.hypervisor} {facts.hypervisor_version}"
    )
    for limit in facts.limitations:
        found = f"cannot {limit.what}: {limit.why}"
        yield DoctorCheck(host.name, "limitation", Grade.WARNING, found, limit.cure)


def _host_libvirt(host: str, version: str) -> DoctorCheck:
    if not version:
        return DoctorCheck(host, "libvirt", Grade.UNKNOWN, "it did not tell its version")
    if _numbers(version) < OLDEST_LIBVIRT:
        cure = f"Update it to {'.'.join(map(str, OLDEST_LIBVIRT))} or newer."
        return DoctorCheck(host, "libvirt", Grade.WARNING, f"{version} is old", cure)
    return DoctorCheck(host, "libvirt", Grade.OK, version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _machine(what: str, verdict: Grade, found: str, cure: str = "") -> DoctorCheck:
    return DoctorCheck("machine", what, verdict, found, cure)


def _python() -> DoctorCheck:
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        return _machine("python", Grade.FAILED, version, "Install Python 3.11 or newer.")
    return _machine("python", Grade.OK, version)


def _libvirt() -> DoctorCheck:
    try:
        library = binding.library_version()
    except VirtdeckError as error:
        return _machine("libvirt", Grade.FAILED, error.message, error.hint)
    if _numbers(library) < OLDEST_LIBVIRT:
        oldest = ".".join(map(str, OLDEST_LIBVIRT))
        return _machine(
            "libvirt",
            Grade.WARNING,
            f"{library} is old",
            f"Update it to {oldest} or newer.",
        )
    bound = metadata.version("libvirt-python")
    return _machine("libvirt", Grade.OK, f"library {library}, Python binding {bound}")


def _qemu() -> DoctorCheck:
    name = f"qemu-system-{platform.machine()}"
    if find_program(name) is None:
        return _machine(
            "qemu", Grade.WARNING, f"{name} is not installed: no guests on this machine",
            "Run `sudo apt-get install qemu-system`; watching other hosts does not need it.",
        )  # fmt: skip
    said = _output([name, "--version"]).splitlines()
    return _machine("qemu", Grade.OK, clean(said[0]) if said else f"{name} is installed")


def _kvm() -> DoctorCheck:
    if not KVM.exists():
        return _machine(
            "kvm", Grade.WARNING, "this machine has no /dev/kvm: its guests are emulated, slowly",
            "Switch on virtualisation in the firmware, or nested virtualisation on its host.",
        )  # fmt: skip
    if not os.access(KVM, os.R_OK | os.W_OK):
        return _machine(
            "kvm", Grade.WARNING, "this user may not open /dev/kvm",
            "Run `sudo usermod -aG kvm $USER` and log in again.",
        )  # fmt: skip
    qemu = find_program("qemu-system-x86_64")
    if platform.machine() != "x86_64" or qemu is None:
        return _machine("kvm", Grade.UNKNOWN, "/dev/kvm can be opened; no guest was tried on it")
    if _firmware_ends(qemu):
        return _machine("kvm", Grade.OK, "a virtual machine ran on it")
    return _machine(
        "kvm", Grade.WARNING, "/dev/kvm opens, but a virtual machine on it hangs",
        "Its guests are emulated; look at the kernel's log, and at this machine's own host.",
    )  # fmt: skip


def _firmware_ends(qemu: str) -> bool:
    """Whether a virtual machine on KVM gets to the end of its firmware.

    SeaBIOS tells of it on QEMU's debug port (0x402), within a second and without disk or kernel. A
    broken (nested) KVM starts it and hangs on the way, for ever.
    """
    words = [
        qemu, "-accel", "kvm", "-machine", "pc", "-m", "64", "-nodefaults", "-no-user-config",
        "-display", "none", "-chardev", "stdio,id=debug",
        "-device", "isa-debugcon,iobase=0x402,chardev=debug",
    ]  # fmt: skip
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as machine:
        try:
            return _hears(machine.stdout, FIRMWARE_END, time.monotonic() + TRIAL_SECONDS)
        finally:
            machine.kill()


def _hears(stream: IO[bytes] | None, words: bytes, deadline: float) -> bool:
    heard = b""
    while stream is not None and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([stream], [], [], left)
        said = os.read(stream.fileno(), 4096) if ready else b""
        if not said:  # silence up to the deadline, or the end
            return False
        heard += said
        if words in heard:
            return True
    return False


def _groups() -> DoctorCheck:
    if os.geteuid() == 0:
        return _machine("groups", Grade.OK, "root needs none")
    names = set()
    for number in os.getgroups():
        with suppress(KeyError):
            names.add(grp.getgrgid(number).gr_name)
    if "libvirt" in names:
        return _machine("groups", Grade.OK, "this user is in the group libvirt")
    return _machine(
        "groups", Grade.WARNING, "not in the group libvirt: qemu:///system may refuse this user",
        "Run `sudo usermod -aG libvirt $USER` and log in again; other hosts do not need it.",
    )  # fmt: skip


def _ssh() -> DoctorCheck:
    if find_program("ssh") is None:
        return _machine(
            "ssh", Grade.WARNING, "there is no ssh client: qemu+ssh hosts cannot be reached",
            "Run `sudo apt-get install openssh-client`.",
        )  # fmt: skip
    agent = "an agent" if os.environ.get("SSH_AUTH_SOCK") else "no agent (key files must do)"
    return _machine("ssh", Grade.OK, f"a client and {agent}")


def _post_copy() -> DoctorCheck:
    ability = post_copy_ability((), current_account())
    verdict = Grade.OK if ability.works else Grade.WARNING
    return _machine("post-copy", verdict, ability.reason, ability.cure)


def _lab() -> DoctorCheck:
    missing = missing_pieces()
    if not missing:
        return _machine("lab", Grade.OK, "everything `virtdeck lab up` needs is installed")
    names = ", ".join(piece.what for piece in missing)
    packages = " ".join(dict.fromkeys(piece.package for piece in missing))
    return _machine(
        "lab", Grade.WARNING, f"`virtdeck lab up` lacks {names}",
        f"Run `sudo apt-get install {packages}`.",
    )  # fmt: skip


def _output(words: list[str]) -> str:
    return subprocess.run(
        words, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False
    ).stdout

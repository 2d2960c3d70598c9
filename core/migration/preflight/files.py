"""Preflight: the files, devices, programs and sockets of the host that it names. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import FullCase, FullRule, blocker, named, ok, unknown
from core.model import Finding
from core.model.lists import listed
from core.xml.host_paths import PathKind


def check_files(case: FullCase) -> Iterator[Finding]:
    """What is opened besides its disks: kernel, persistent memory, devices of the host..."""
    wanted = case.wanted
    plain = (*wanted.boot_files, *wanted.persistent_memory)
    needed = dict.fromkeys(plain, "which its QEMU opens when it starts")
    needed |= {each.path: f"its {each.what}" for each in wanted.opened}
    dubious = []
    for path, why in needed.items():
        found = case.there.path(path)
        if found.exists is False:
            text = f"{case.destination} has no {path}, {why}."
            yield blocker(named("file", path.rpartition("/")[2]), text, "Put it there.")
        elif found.exists is None:
            dubious.append(path)
    if dubious:
        text = f"Whether {case.destination} has {listed(dubious, 4)} is not known."
        yield unknown("files", text, "Put them there, or look.")
    elif wanted.boot_files:
        yield ok("files", f"{case.destination} has its kernel and what it boots with.")


def check_sockets(case: FullCase) -> Iterator[Finding]:
    """Sockets that somebody else must listen at."""
    for each in case.wanted.host_paths:
        if each.kind is PathKind.SOCKET:
            text = f"Whether anybody listens at {each.path} there, its {each.what}, is not known."
            yield unknown(
                named("socket", each.path.rpartition("/")[2]), text, "Start what listens there."
            )


def check_logs(case: FullCase) -> Iterator[Finding]:
    """The directories of what it logs to exist there."""
    dubious = []
    for path in dict.fromkeys(log.rpartition("/")[0] for log in case.wanted.logs):
        found = case.there.path(path)
        if found.exists is False:
            text = f"{case.destination} has no {path}, where its output is logged."
            yield blocker("serial-log", text, f"Make it there: mkdir -p {path}.")
        elif found.exists is None:
            dubious.append(path)
    if dubious:
        places = listed(dubious, 4)
        text = f"Whether {case.destination} has {places}, where it is logged, is not known."
        yield unknown("serial-log", text, "Make the directory there.")


def check_arguments(case: FullCase) -> Iterator[Finding]:
    """Arguments that libvirt only hands on."""
    if case.wanted.command_line:
        text = "It has arguments of its own for QEMU (qemu:commandline): what they need there"
        yield unknown("command-line", f"{text} cannot be seen.", "Look at them: virsh dumpxml.")


FULL_RULES: tuple[FullRule, ...] = (check_files, check_sockets, check_logs, check_arguments)

"""libvirt's errors in an operator's words: one sentence that says what happened, one that cures it.

Errors of calls are told apart by their code (VIR_ERR_*), failures to connect by their text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from core.errors import (
    DiskInUseError,
    HypervisorError,
    NotFoundError,
    NotSentError,
    ReadOnlyError,
    UnreachableError,
    UnsupportedError,
    VirtdeckError,
)
from core.hypervisor.connection.block_job_faults import of_block_job
from core.hypervisor.connection.fault_table import DISK_IN_USE, REACHING
from core.hypervisor.connection.file_faults import of_file
from core.hypervisor.connection.network_image_faults import of_network_image
from core.hypervisor.connection.uri import HostAddress
from core.model.driver import driver_of
from core.model.text import clean

_LONGEST = 400
_LENGTH_FIELD = 4
"""Bytes of a packet's length, which libvirt takes off before it complains (virnetmessage.c)."""


class LibvirtError(Protocol):
    """The part of `libvirt.libvirtError` that is read here."""

    def get_error_code(self) -> int | None:
        """VIR_ERR_*."""
        ...

    def get_error_message(self) -> str | None:
        """libvirt's sentence."""
        ...


_MISSING = {
    42: ("instance", "See `virtdeck instances`."),
    43: ("network", "See `virtdeck networks`; one that is there may have to be started."),
    49: ("pool", "See `virtdeck pools`, or define it there."),
    50: ("volume", "See `virtdeck volumes`, or refresh its pool."),
    57: ("interface", "See which there are: `virsh iface-list --all`."),
    53: ("node device", "See which there are: `virsh nodedev-list`."),
    66: ("secret", "Define it there: `virsh secret-define`."),
    72: ("snapshot", "See `virtdeck show INSTANCE`."),
}
_CURES = {
    103: "See which there are: `virtdeck show INSTANCE`.",
    55: "Its state does not allow this now; look at it again.",
    68: "Something else works on this instance, or its hypervisor process hangs. Wait, or see who "
    "holds the lock named in the message.",
    81: "Its disks' cache mode or storage makes migration unsafe: use cache=none, or allow it.",
    86: "The guest agent does not answer; check it inside the guest.",
}
_UNSUPPORTED = frozenset({3, 67, 74, 84})
_READ_ONLY = 29
_INVALID_ARGUMENT = 8
_AUTHENTICATION = frozenset({45, 79, 94})


def translate(error: LibvirtError, address: HostAddress, *, broken: bool = False) -> VirtdeckError:
    """Return the core.errors error for a call that failed, with its cure. Pure.

    `broken`: the connection the call was made on is dead, so the error tells of that.
    """
    code = error.get_error_code() or 0
    text = tidy(error.get_error_message() or str(error))
    if broken:
        return _broken(text, address)
    if in_use := _disk_in_use(error, address, code):
        return in_use
    if code in _MISSING:
        kind, cure = _MISSING[code]
        return NotFoundError(f"There is no such {kind} on {address.name}: {text}", cure)
    if code == _READ_ONLY:
        return ReadOnlyError(
            f"The connection to {address.name} is read-only.",
            "Start without --read-only to change things.",
        )
    full = _one_line(error.get_error_message() or str(error))
    if explained := of_block_job(full, address.name):  # one of its two codes is an unsupported one
        return HypervisorError(*explained, code)
    if code in _UNSUPPORTED:
        return UnsupportedError(_unsupported(text, address), code=code)
    if code == _INVALID_ARGUMENT and text.startswith("unsupported flags"):  # virCheckFlags
        return UnsupportedError(
            f"{address.name} cannot do it in this way: {text}",
            "Its libvirt is too old for that, or its driver has no such way: ask with fewer "
            "options.",
            code,
        )
    if explained := of_file(full, address.name) or of_network_image(full):
        return HypervisorError(*explained, code)
    return HypervisorError(f"libvirt on {address.name}: {text}", _CURES.get(code, ""), code)


def _unsupported(text: str, address: HostAddress) -> str:
    if lacking := re.fullmatch(r".*not supported by the connection driver: (\w+)", text):
        product = driver_of(address.uri).product
        return f"{address.name} cannot do this: libvirt's driver for {product} lacks {lacking[1]}."
    return f"{address.name} cannot do this: {text}"


def _disk_in_use(error: LibvirtError, address: HostAddress, code: int) -> DiskInUseError | None:
    full = _one_line(error.get_error_message() or str(error))
    for pattern in DISK_IN_USE:
        if found := re.search(pattern, full, re.IGNORECASE):
            path = tidy(found.groupdict().get("path") or "")
            which = f"The disk image {path}" if path else "The image of one of its disks"
            return DiskInUseError(
                f"{which} is in use on {address.name}: another process holds the lock on it.",
                "End what uses it first: two that write to one image destroy it.",
                code,
                path,
            )
    return None


def not_opened(error: LibvirtError, address: HostAddress) -> NotSentError:
    """Return the error for a connection that could not be opened, with its cure. Pure."""
    full = _one_line(error.get_error_message() or str(error))
    return _explained(full, address) or _unexplained(error, full, address)


def cannot_run(program: str, address: HostAddress) -> NotSentError:
    """Return the error for a program that is to make the connection and is not there. Pure."""
    full = f"cannot execute binary {program}"
    return _explained(full, address) or NotSentError(full, _check(address))


def reason_lost(error: LibvirtError) -> bool:
    """Tell whether libvirt's words are those of a program that ended before its reason was read.

    libvirt reads what ssh writes only if it is still there when libvirt first writes to it: on a
    busy machine it often is not. Another attempt mostly brings the reason.
    """
    return bool(re.search("Broken pipe|client socket is closed", error.get_error_message() or ""))


def _explained(full: str, address: HostAddress) -> NotSentError | None:
    text = tidy(full)
    for rule in REACHING:
        if found := re.search(rule.pattern, full, re.IGNORECASE):
            facts = _facts(address) | {"text": text, "detail": _detail(found)}
            return NotSentError(rule.message.format(**facts), rule.hint.format(**facts))
    return None


def _unexplained(error: LibvirtError, full: str, address: HostAddress) -> NotSentError:
    text = tidy(full)
    if error.get_error_code() in _AUTHENTICATION:
        return credentials_wanted([], address, text)
    return NotSentError(f"{address.name} cannot be reached: {text}", _check(address))


def credentials_wanted(
    prompts: Sequence[str], address: HostAddress, text: str = ""
) -> NotSentError:
    """Return the error for a host that asks for a user name or password: nobody is ever asked."""
    asked = ", ".join(tidy(prompt).rstrip(":. ") for prompt in prompts)
    why = f"it asks for {asked}" if asked else tidy(text)
    return NotSentError(
        f"{address.name} wants you to log in ({why})." if why else f"{address.name} denied access.",
        "Put the credentials in ~/.config/libvirt/auth.conf (mode 0600); virtdeck never asks.",
    )


def timed_out(address: HostAddress, seconds: float) -> NotSentError:
    """Return the error for a connection that did not open in time."""
    return NotSentError(
        f"{_facts(address)['where']} did not answer within {seconds:g} s.", _check(address)
    )


def tidy(text: str) -> str:
    """Return libvirt's text as one clean line of bounded length."""
    line = _one_line(text)
    # ssh's banners come before libvirt's own words, so the end is the part that counts.
    return line if len(line) <= _LONGEST else "..." + line[-_LONGEST:]


def _one_line(text: str) -> str:
    return " ".join(clean(text.replace("\r", "\n")).split())


def _broken(text: str, address: HostAddress) -> UnreachableError:
    if "keepalive" in text:
        message = f"{address.name} stopped answering: no keepalive reply."
    else:
        message = f"The connection to {address.name} broke off ({text})."
    return UnreachableError(message, "The link is opened again by itself; then look what was done.")


def _detail(found: re.Match[str]) -> str:
    groups = found.groupdict()
    detail = groups.get("detail")
    if number := groups.get("packet"):
        detail = _as_text(int(number) + _LENGTH_FIELD)
    return f" ({detail})" if detail else ""


def _as_text(length: int) -> str:
    """Return the first letters of a text that was taken for the length of a packet, in quotes."""
    letters = length.to_bytes(4, "big") if length < 1 << 32 else b""
    text = clean(letters.decode("ascii", "replace"))
    return f"it begins with {text!r}" if letters.isascii() and text.strip() else ""


_PORTS = {"ssh": 22, "libssh": 22, "libssh2": 22, "tcp": 16509}


def _facts(address: HostAddress) -> dict[str, str]:
    hostname = address.hostname or "this machine"
    port = address.port or _PORTS.get(address.transport, 16514)
    target = f"{address.user}@{hostname}" if address.user else hostname
    refused = "Check that sshd runs there, and its port."
    if address.transport not in ("ssh", "libssh", "libssh2"):
        refused = "Start it there: sudo systemctl enable --now " + (
            "libvirtd-{0}.socket (or virtproxyd-{0}.socket where libvirt is modular)."
        ).format("tcp" if address.transport == "tcp" else "tls")
    return {
        "host": address.name,
        "hostname": hostname,
        "where": address.name,
        "target": target,
        "port": str(port),
        "user": address.user or "$USER",
        "driver": address.driver,
        "product": driver_of(address.uri).product,
        "library": "this machine" if _at_home(address) else address.name,
        "path": address.path,
        "driver_cure": _driver_cure(address),
        "banner_cure": _banner_cure(address, target),
        "ssh_options": f"-p {address.port} " if address.port else "",
        "known_host": f"[{hostname}]:{address.port}" if address.port else hostname,
        "refused_cure": refused,
        "start_cure": _start_cure(address),
    }


def _at_home(address: HostAddress) -> bool:
    """Whether the driver runs in this process: then nothing is to be installed or started there."""
    return driver_of(address.uri).client_side and not address.transport


def _daemon(address: HostAddress) -> str:
    return driver_of(address.uri).daemon or "libvirtd"


def _start_cure(address: HostAddress) -> str:
    where, daemon = "it there" if address.hostname else "it", _daemon(address)
    modular = "" if daemon == "libvirtd" else f" (or {daemon} where libvirt is modular)"
    if address.path == "session" or address.socket:
        return f"Start {where}: libvirtd --daemon{modular} as the user it belongs to."
    modular = "" if daemon == "libvirtd" else f" (or {daemon}.socket where libvirt is modular)"
    return f"Start {where}: sudo systemctl enable --now libvirtd.socket{modular}."


def _driver_cure(address: HostAddress) -> str:
    driver = driver_of(address.uri)
    if _at_home(address):
        return "It is a part of libvirt's client library: use one on this machine that has it."
    package = f" (on Debian: {driver.package})" if driver.package else ""
    where = "there" if address.hostname else "here"
    return f"Install libvirt's driver for {driver.product} {where}{package}."


def _banner_cure(address: HostAddress, target: str) -> str:
    if not address.uses_ssh and address.transport not in ("libssh", "libssh2"):
        return "Check the port or socket in the URI: something else than libvirt listens there."
    if address.transport == "ext":
        return "Have the program of command= write nothing of its own to its output."
    options = f"-p {address.port} " if address.port else ""
    return (
        f"Its shell greets: see what `ssh {options}{target} true` prints, and have ~/.bashrc, "
        "~/.profile and the like print nothing when no terminal is there."
    )


def _check(address: HostAddress) -> str:
    return f"Check the host; the same by hand: virsh -c '{address.shown}' list."

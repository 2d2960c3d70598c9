"""libvirt's errors in an operator's words: one sentence that says what happened, one that cures it.

libvirt tells most failures to connect by text only (code 38, "system call error", with whatever ssh
wrote), so those are told apart by patterns; errors of calls are told apart by their code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import (
    HypervisorError,
    NotFoundError,
    ReadOnlyError,
    UnreachableError,
    UnsupportedError,
    VirtdeckError,
)
from core.hypervisor.uri import HostAddress
from core.model.text import clean

_LONGEST = 400


class LibvirtError(Protocol):
    """The part of `libvirt.libvirtError` that is read here."""

    def get_error_code(self) -> int | None:
        """VIR_ERR_*."""
        ...

    def get_error_message(self) -> str | None:
        """libvirt's sentence."""
        ...


@dataclass(frozen=True, slots=True)
class _Rule:
    """A failure to reach a host, told by its text. `{host}` and friends are filled in."""

    pattern: str
    message: str
    hint: str


# The first that matches counts. Texts of OpenSSH 7 to 10, GnuTLS and libvirt 6 to 12.
_REACHING = (
    _Rule(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed",
        "The host key of {target} is not the one ssh knows: the host was set up anew, or somebody "
        "is in between.",
        "Find out which before anything else; only then: ssh-keygen -R '{known_host}'.",
    ),
    _Rule(
        r"Host key verification failed|No .* host key is known for",
        "ssh does not know the host key of {target}.",
        "Run `ssh {ssh_options}{target}` once by hand and compare the fingerprint with the host's.",
    ),
    _Rule(
        r"Permission denied \((?P<detail>[^)]*)\)|Too many authentication failures",
        "ssh is not let in at {target}: no key of yours is accepted.",
        "Put your key there: ssh-copy-id {ssh_options}{target} (a key with a passphrase needs "
        "ssh-agent).",
    ),
    _Rule(
        r"Could not resolve hostname|unable to resolve|Unable to resolve address|"
        r"Name or service not known|Temporary failure in name resolution|No address associated",
        "The name {hostname} cannot be resolved.",
        "Check its spelling, DNS and /etc/hosts.",
    ),
    _Rule(
        r"No route to host|Network is unreachable",
        "There is no route to {hostname}.",
        "Check the network, and whether the host is switched on.",
    ),
    _Rule(
        r"Connection timed out|Operation timed out|timed out while connecting",
        "{hostname} does not answer.",
        "Check whether the host is up and a firewall lets port {port} through.",
    ),
    _Rule(
        r"(bind|connect) to .*Connection refused|ssh: connect to host .*Connection refused|"
        r"unable to connect to server at .*Connection refused",
        "{hostname} refuses connections on port {port}.",
        "{refused_cure}",
    ),
    _Rule(
        r"(virt-ssh-helper|nc|netcat|sh): .*not found|command not found|No such file.*nc",
        "{target} lacks the program that passes ssh's stream on to libvirt.",
        "Install libvirt there (virt-ssh-helper is in its daemon or client package), or netcat.",
    ),
    _Rule(
        r"Failed to connect socket to '(?P<detail>[^']*)': (No such file|Connection refused)|"
        r"Failed to connect to socket.*(No such file|Connection refused)|"
        r"(?P<socket>\S*libvirt\S*-sock\S*): (No such file|Connection refused)",
        "libvirt does not run on {where}: nothing listens at its socket{detail}.",
        "{start_cure}",
    ),
    _Rule(
        r"Failed to connect socket to .*Permission denied|libvirt\S*-sock\S*: Permission denied",
        "You may not use libvirt's socket on {where}.",
        "Add the user to the group there: sudo usermod -aG libvirt {user}, then log in again.",
    ),
    _Rule(
        r"polkit|authentication unavailable|access denied by policy",
        "The policy (polkit) of {where} does not let you use libvirt.",
        "Add the user to the group libvirt there, or allow it org.libvirt.unix.manage.",
    ),
    _Rule(
        r"Unable to (access|read|import).*\.pem|Cannot read (CA|client|server) .*certificate|"
        r"No such file.*\.pem",
        "A TLS certificate is missing or cannot be read: {text}",
        "Put ca-cert.pem, client-cert.pem and client-key.pem where libvirt looks: /etc/pki/CA, "
        "/etc/pki/libvirt, ~/.pki/libvirt, or ?pkipath=DIR.",
    ),
    _Rule(
        r"certificate|TLS handshake|gnutls",
        "TLS with {hostname} failed: {text}",
        "Check with virt-pki-validate that both sides have certificates of the same authority, "
        "made for this host name and not expired.",
    ),
    _Rule(
        r"keepalive",
        "{where} stopped answering: no keepalive reply.",
        "The link is opened again by itself; check the host and the network.",
    ),
    _Rule(
        r"client socket is closed|Connection reset by peer|End of file while reading|Broken pipe|"
        r"Cannot (recv|write) data|connection closed",
        "The connection to {where} broke off: {text}",
        "The link is opened again by itself; check the host's libvirt if this repeats.",
    ),
    _Rule(
        r"no connection driver available|no polkit agent|hypervisor driver .* not available",
        "The libvirt of {where} has no driver for {driver}.",
        "Install it there (for QEMU on Debian: libvirt-daemon-driver-qemu or "
        "libvirt-daemon-system).",
    ),
)
_CONNECTION_CODES = frozenset({5, 13, 37, 38, 39, 45, 46, 80, 90})
"""VIR_ERR_NO_CONNECT, RPC, AUTH_UNAVAILABLE..., SYSTEM_ERROR, AUTH_FAILED and their likes: only
with these, or the catch-all 1, is a text taken for a failure to reach the host."""

_MISSING = {
    42: "instance",
    43: "network",
    49: "pool",
    50: "volume",
    57: "interface",
    60: "secret",
    65: "node device",
    72: "snapshot",
}  # fmt: skip
_REFUSED = {
    9: "",
    55: "Its state does not allow this now; look at it again.",
    68: "Something else works on this instance, or its hypervisor process hangs. Wait, or see who "
    "holds the lock named in the message.",
    78: "",
    81: "Its disks' cache mode or storage makes migration unsafe: use cache=none, or allow it.",
    84: "",
    86: "The guest agent does not answer; check it inside the guest.",
}  # fmt: skip
_UNSUPPORTED = frozenset({3, 74, 84})


def translate(error: LibvirtError, address: HostAddress) -> VirtdeckError:
    """Return the core.errors error for one of libvirt's, with its cure. Pure."""
    code = error.get_error_code() or 0
    text = tidy(error.get_error_message() or str(error))
    if code in _MISSING:
        return NotFoundError(f"There is no such {_MISSING[code]}: {text}")
    if code == 29:
        return ReadOnlyError(
            f"The connection to {address.name} is read-only.",
            "Start without --read-only to change things.",
        )
    if code == 45:
        return credentials_wanted([], address, text)
    if code in _UNSUPPORTED:
        return UnsupportedError(f"{address.name} cannot do this: {text}", code=code)
    if code in _CONNECTION_CODES or code in (0, 1):
        reached = _unreachable(text, address)
        if reached is not None:
            return reached
    if code in _CONNECTION_CODES:
        return UnreachableError(f"{address.name} cannot be reached: {text}", _check(address))
    return HypervisorError(f"libvirt on {address.name}: {text}", _REFUSED.get(code, ""), code)


def credentials_wanted(
    prompts: Sequence[str], address: HostAddress, text: str = ""
) -> UnreachableError:
    """Return the error for a host that asks for a user name or password: nobody is ever asked."""
    asked = ", ".join(tidy(prompt).rstrip(":. ") for prompt in prompts)
    why = f"it asks for {asked}" if asked else tidy(text)
    return UnreachableError(
        f"{address.name} wants you to log in ({why})." if why else f"{address.name} denied access.",
        "Put the credentials in ~/.config/libvirt/auth.conf (mode 0600); virtdeck never asks.",
    )


def timed_out(address: HostAddress, seconds: float) -> UnreachableError:
    """Return the error for a connection that did not open in time."""
    return UnreachableError(
        f"{_facts(address)['where']} did not answer within {seconds:g} s.", _check(address)
    )


def tidy(text: str) -> str:
    """Return libvirt's text as one clean line of bounded length."""
    line = " ".join(clean(text).split())
    # ssh's banners come before libvirt's own words, so the end is the part that counts.
    return line if len(line) <= _LONGEST else "..." + line[-_LONGEST:]


def _unreachable(text: str, address: HostAddress) -> UnreachableError | None:
    for rule in _REACHING:
        if found := re.search(rule.pattern, text, re.IGNORECASE):
            facts = _facts(address) | {"text": text, "detail": _detail(found)}
            return UnreachableError(rule.message.format(**facts), rule.hint.format(**facts))
    return None


def _detail(found: re.Match[str]) -> str:
    detail = found.groupdict().get("detail")
    return f" ({detail})" if detail else ""


_PORTS = {"ssh": 22, "libssh": 22, "libssh2": 22, "tcp": 16509}


def _facts(address: HostAddress) -> dict[str, str]:
    hostname = address.hostname or "this machine"
    port = address.port or _PORTS.get(address.transport, 16514)
    target = f"{address.user}@{hostname}" if address.user else hostname
    refused = "Check that sshd runs there, and its port."
    if address.transport not in ("ssh", "libssh", "libssh2"):
        refused = "Start it there: sudo systemctl enable --now " + (
            "libvirtd-tcp.socket." if address.transport == "tcp" else "libvirtd-tls.socket."
        )
    return {
        "host": address.name,
        "hostname": hostname,
        "where": address.name,
        "target": target,
        "port": str(port),
        "user": address.user or "$USER",
        "driver": address.driver,
        "ssh_options": f"-p {address.port} " if address.port else "",
        "known_host": f"[{hostname}]:{address.port}" if address.port else hostname,
        "refused_cure": refused,
        "start_cure": _start_cure(address),
    }


def _start_cure(address: HostAddress) -> str:
    where = "it there" if address.hostname else "it"
    if address.path == "session" or address.socket:
        return f"Start {where}: libvirtd --daemon as the user it belongs to."
    units = "libvirtd.socket (or virtqemud.socket where libvirt is modular)"
    return f"Start {where}: sudo systemctl enable --now {units}."


def _check(address: HostAddress) -> str:
    return f"Check the host; the same by hand: virsh -c '{address.shown}' list."

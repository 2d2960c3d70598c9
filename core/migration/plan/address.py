"""Addresses of a migration: checked before any call, and made fit for the daemon that uses them.

A host name goes into URIs that a daemon opens and that ssh is called with, so one that is none is
refused outright (nova-map 2.1, its rule on host names). Pure.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from core.errors import UsageError
from core.migration.plan.values import LOOPBACK_NAMES, Destination
from core.model.text import clean

# \w and $ of Nova's rule take letters of every alphabet and a last line feed: these do not. One
# that begins with a dash would be an option of ssh.
_HOSTNAME = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$+-]*", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?", re.ASCII)
_MEMORY = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?P<rest>.+)", re.DOTALL)
_SOCKET = re.compile(r"/[A-Za-z0-9_.:/+=-]+", re.ASCII)
_NETWORK = re.compile(
    r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^\[\]:]+))(?::(?P<port>\d{1,5}))?/?", re.ASCII
)
_OF_THIS_MACHINE = frozenset(
    {"command", "keyfile", "known_hosts", "known_hosts_verify", "pkipath", "sshauth"}
)
"""Parameters of a libvirt URI that name programs and files of the machine it is opened on."""


def checked_hostname(text: str, what: str) -> str:
    """Return a host name or address, without the brackets of IPv6. Raises UsageError."""
    name = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not _HOSTNAME.fullmatch(name):
        raise UsageError(
            f"{what} is {clean(text)!r}, which is no host name or address.",
            "Letters, digits, '.', '-', '_', and ':' of IPv6 make one.",
        )
    return name


def bracketed(host: str) -> str:
    """Return a host as a URI has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def checked_transfer(text: str, what: str, schemes: tuple[str, ...]) -> str:
    """Return where data are sent as libvirt takes it: `SCHEME://HOST[:PORT]` or `unix:///PATH`.

    Without a scheme it is tcp; a bare IPv6 address gets its brackets. Raises UsageError.
    """
    parts = _MEMORY.fullmatch(text)
    scheme = (parts and parts["scheme"]) or "tcp"
    rest = parts["rest"] if parts else ""
    if scheme not in schemes:
        raise UsageError(
            f"{what} is {clean(text)!r}, of the unknown kind {clean(scheme)!r}.",
            f"Known: {', '.join(schemes)}.",
        )
    if scheme == "unix":
        if not _SOCKET.fullmatch(rest):
            raise UsageError(
                f"{what} is {clean(text)!r}, which is no path of a socket.",
                "Write unix:///PATH, without blanks and characters that mean something in a URI.",
            )
        return f"unix://{rest}"
    return f"{scheme}://{_network(rest, text, what)}"


def _network(rest: str, text: str, what: str) -> str:
    if _is_ipv6(rest):
        return f"[{checked_hostname(rest, what)}]"  # one with a zone is none
    found = _NETWORK.fullmatch(rest)
    if found is None:
        raise UsageError(
            f"{what} is {clean(text)!r}, which is no address.",
            "Write tcp://HOST or tcp://HOST:PORT.",
        )
    host = checked_hostname(found["six"] or found["host"], what)
    port = found["port"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise UsageError(f"{what} has the port {port}.", "A port is 1 to 65535.")
    return bracketed(host) + (f":{port}" if port else "")


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def checked_uri(uri: str, *, by_socket: bool) -> str:
    """Return the URI the operator gave for the destination's daemon. Raises UsageError.

    It is opened by the source's daemon, often as root: no program may be in it, and a socket only
    where its path means the same there (`by_socket`).
    """
    parts = _split(uri)
    driver, _, transport = parts.scheme.partition("+")
    given = {part.partition("=")[0].lower() for part in parts.query.split("&")}
    if transport == "ext" or "command" in given:
        raise UsageError(
            f"The destination URI {clean(uri)!r} names a program for the source's daemon to run.",
            "Use qemu+ssh, qemu+tls or qemu+tcp.",
        )
    if driver == "qemu" and parts.path not in ("/system", "/session"):
        raise UsageError(
            f"The destination URI {clean(uri)!r} does not end in /system or /session.",
            f"Did you mean {parts.scheme}://{clean(parts.netloc)}/system?",
        )
    if not parts.hostname and not by_socket:
        raise UsageError(
            f"The destination URI {clean(uri)!r} names no host: for the source it is itself.",
            "Say how the source reaches the destination: qemu+ssh://HOST/system.",
        )
    return uri


def _split(uri: str) -> SplitResult:
    hint = "For example qemu+ssh://root@beta/system."
    if not uri.isprintable() or " " in uri:
        raise UsageError("The destination URI has blanks or control characters.", hint)
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"The destination URI {clean(uri)!r} is none: {error}.", hint) from None
    if parts.password is not None:
        raise UsageError("The destination URI holds a password, which libvirt cannot use.", hint)
    if not _SCHEME.fullmatch(parts.scheme) or "://" not in uri:
        raise UsageError(f"The destination URI {clean(uri)!r} is no libvirt URI.", hint)
    if parts.hostname:
        checked_hostname(parts.hostname, "The host of the destination URI")
    if parts.username is not None and not _USER.fullmatch(parts.username):
        raise UsageError(f"The destination URI has the user {clean(parts.username)!r}.", hint)
    return parts


def daemon_uri(destination: Destination, source: str) -> tuple[str, str]:
    """Return how the source's daemon reaches the destination's, and a sentence where it is not
    the address it is open at here. Raises UsageError where it cannot be told.
    """
    parts = _split(destination.uri)
    if destination.hostname:
        checked_hostname(destination.hostname, f"The host name of {clean(destination.name)}")
    if destination.same_kernel and not parts.hostname:
        return destination.uri, ""
    if destination.same_machine and parts.hostname and (told := _by_socket(parts)):
        return told, "Both hosts are on one machine: the destination's socket is used, not a login."
    if (parts.hostname or "").lower() in LOOPBACK_NAMES:
        return _by_its_name(destination, parts, source)
    kept: list[str] = []
    dropped: list[str] = []
    for part in filter(None, parts.query.split("&")):
        (dropped if part.partition("=")[0] in _OF_THIS_MACHINE else kept).append(part)
    if not dropped:
        return destination.uri, ""
    names = ", ".join(part.partition("=")[0] for part in dropped)
    return parts._replace(query="&".join(kept)).geturl(), (
        f"{source}'s daemon is told the destination without {names}: that is of this machine."
    )


def _by_socket(parts: SplitResult) -> str:
    """Return the address by the socket that a login leads to; empty: it names none."""
    sockets = [part for part in parts.query.split("&") if part.startswith("socket=")]
    driver = parts.scheme.partition("+")[0]
    return f"{driver}+unix://{parts.path}?{sockets[0]}" if sockets else ""


def _by_its_name(destination: Destination, parts: SplitResult, source: str) -> tuple[str, str]:
    """Return a URI by the name a host gives itself, where it is open by a local one.

    A local one may be a port or a socket that is forwarded. Raises UsageError where that name does
    not tell the destination from the source, or is not known.
    """
    if destination.same_machine is None:
        raise UsageError(
            f"{clean(destination.name)} is open here as {clean(destination.uri)}, and whether "
            f"{source} runs on the same machine cannot be told (its name is "
            f"{clean(destination.hostname) or 'not known'!r}).",
            f"Say how {source} reaches it: destination URI qemu+ssh://HOST/system, "
            "migration address tcp://HOST.",
        )
    if destination.hostname.lower() in LOOPBACK_NAMES:
        raise UsageError(
            f"{clean(destination.name)} is open here as {clean(destination.uri)}, which {source} "
            "cannot reach, and its own name is not known.",
            "Say how the source reaches it: destination URI qemu+ssh://HOST/system.",
        )
    driver = parts.scheme.partition("+")[0]
    uri = f"{driver}+ssh://{bracketed(destination.hostname)}{parts.path}"
    return uri, (
        f"{clean(destination.name)} is open here by an address {source} cannot use: "
        f"{source}'s daemon is told {uri}."
    )

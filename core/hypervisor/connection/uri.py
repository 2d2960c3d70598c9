"""libvirt URIs: checked before anything is opened, and made fit for a console.

Pure. A URI is `driver[+transport]://[user@][host][:port]/path[?parameter=value&...]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec.structs import replace

from core.errors import UsageError
from core.hypervisor.connection import uri_parameters
from core.model.base import Value
from core.model.driver import DRIVERS
from core.model.text import clean, nearest

NAMES = (*DRIVERS, "remote")
"""What a URI may begin with."""
TRANSPORTS = ("ssh", "libssh", "libssh2", "tls", "tcp", "unix", "ext")
_QEMU_PATHS = ("/system", "/session", "/embed")
_EXAMPLE = "For example qemu+ssh://root@host/system, qemu:///system or test:///default."
_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]*"
_NAMED = re.compile(rf"(?P<name>{_NAME})=(?P<uri>[a-z][a-z0-9+]*:.*)")
_SCHEME = re.compile(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?")
# What tells nothing of a host in the path of its socket.
_DULL = re.compile(r"(lib)?virt.*|run|runtime|tmp|var|sock(ets?)?|user|\d+|.*\.sock|\..*")
_USUAL_SOCKET = re.compile(r"(/var)?/run/libvirt/[a-z-]+-sock")
_SECRET = re.compile(r"pass(word|phrase)?|secret|token", re.IGNORECASE)


class HostAddress(Value, frozen=True):
    """A host as configured: what libvirt opens, and what people see."""

    name: str
    """What the operator calls it; `unique_names` makes it unique."""
    uri: str
    """What is given to libvirt."""
    shown: str
    """The URI as shown and recorded: without secrets and without what virtdeck added."""
    driver: str
    transport: str
    """ssh, libssh, libssh2, tls, tcp, unix, ext; empty: the local default."""
    hostname: str = ""
    """Empty: this machine."""
    port: int | None = None
    user: str = ""
    socket: str = ""
    """The path of an explicitly named socket."""
    explicit: bool = False
    """Whether the operator chose the name (`name=uri`)."""
    notes: tuple[str, ...] = ()
    """What of the URI does nothing, and what to write instead."""

    @property
    def uses_ssh(self) -> bool:
        """Whether libvirt runs the `ssh` program for it."""
        return self.transport in ("ssh", "ext")

    @property
    def local(self) -> bool:
        """Whether it is reached without any network."""
        return not self.hostname and self.transport in ("", "unix")

    @property
    def path(self) -> str:
        """The last part of the URI: `system`, `session`, `default`."""
        return urlsplit(self.uri).path.strip("/")


def parse_uri(text: str) -> HostAddress:
    """Check `URI` or `NAME=URI` and return the host it names.

    ssh gets `no_tty=1`, for a prompt in the middle of a screen serves nobody. Raises UsageError
    with the likely correction for what cannot be a libvirt URI.
    """
    text = text.strip()
    named = _NAMED.fullmatch(text)
    name, uri = (named["name"], named["uri"]) if named else ("", text)
    _check_name(text, uri)
    parts, port = _split(uri)
    driver, transport = _scheme(uri, parts)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_path(uri, driver, parts)
    _check_transport(uri, transport, parts, parameters)
    address = HostAddress(
        name=name,
        uri=_for_libvirt(uri, transport),
        shown=_shown(uri),
        driver=driver,
        transport=transport,
        hostname=parts.hostname or "",
        port=port,
        user=parts.username or "",
        socket=parameters.get("socket", ""),
        explicit=bool(name),
        notes=tuple(uri_parameters.ignored(driver, transport, parts, parameters)),
    )
    return address if name else replace(address, name=_derive_name(address))


def unique_names(addresses: Iterable[HostAddress]) -> tuple[HostAddress, ...]:
    """Return the hosts with names that differ, in their order.

    Names the operator chose stay; derived ones that collide get what tells them apart: the path of
    the URI, else a number. Raises UsageError when two chosen names are the same or a URI is twice.
    """
    hosts = list(addresses)
    _refuse_twins(hosts)
    taken = {host.name for host in hosts if host.explicit}
    result = []
    for host in hosts:
        name = host.name
        if not host.explicit:
            name = _free_name(host, taken)
            taken.add(name)
        result.append(replace(host, name=name))
    return tuple(result)


def normalised(uri: str) -> str:
    """Return an address without what does not tell hosts apart. Pure; for comparisons only.

    How it is reached (transport, keys, the port that is usual for it) goes, and so do the user and
    the usual socket of a system's daemon. A text that is no URI is returned as it is.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return uri
    driver, _, transport = parts.scheme.partition("+")
    session = parts.path == "/session"
    user = f"{parts.username}@" if session and parts.username else ""
    host = (parts.hostname or "").lower().rstrip(".")
    usual = {"ssh": 22, "libssh": 22, "libssh2": 22, "tcp": 16509}.get(transport, 16514)
    where = f"{user}{host}" + (f":{port}" if port not in (None, usual) else "")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not session and _USUAL_SOCKET.fullmatch(given.get("socket", "")):
        del given["socket"]
    told = "&".join(f"{key}={given[key]}" for key in ("socket", "command") if given.get(key))
    return f"{driver}://{where}{parts.path}" + (f"?{told}" if told else "")


def daemon_of(uri: str) -> str:
    """Return which of a machine's daemons an address means: two of one machine are two hosts. Pure.

    That is its driver, `system` or `session`, and the socket of a session where one is named.
    """
    normal = normalised(uri)
    parts = urlsplit(normal)
    socket = dict(parse_qsl(parts.query)).get("socket", "") if parts.path == "/session" else ""
    return f"{parts.scheme}:{parts.path}:{socket}"


def _check_name(text: str, uri: str) -> None:
    name, equals, rest = text.partition("=")
    fits = re.fullmatch(_NAME, name)
    if uri == text and equals and "://" in rest and ":" not in name and not fits:
        raise UsageError(
            f"{clean(name)!r} cannot be the name of a host.",
            "A name is made of letters from a to z, digits, '.', '_' and '-'.",
        )


def _split(uri: str) -> tuple[SplitResult, int | None]:
    if not uri.isprintable() or " " in uri:
        raise UsageError(
            "The URI contains blanks or control characters.", f"Write a blank as %20. {_EXAMPLE}"
        )
    if "#" in uri:  # to libvirt it ends the URI, wherever it stands
        raise UsageError(f"The URI {clean(uri)!r} contains a '#'.", "Write it as %23.")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{clean(uri)!r} is not a URI: {error}.", _EXAMPLE) from None
    if parts.password is not None:  # before any message repeats the URI
        raise UsageError(
            "A URI cannot hold a password: libvirt would take it for a part of the user's name.",
            "Use an ssh key (ssh-copy-id), or libvirt's auth.conf for TCP and TLS.",
        )
    return parts, port


def _scheme(uri: str, parts: SplitResult) -> tuple[str, str]:
    if "://" not in uri and not (parts.scheme and parts.path.startswith("/")):
        raise UsageError(f"{clean(uri)!r} is no libvirt URI: it has no driver.", _EXAMPLE)
    if not _SCHEME.fullmatch(parts.scheme):
        raise UsageError(f"{clean(uri)!r} is no libvirt URI.", _EXAMPLE)
    driver, _, transport = parts.scheme.partition("+")
    if driver in TRANSPORTS and not transport:
        raise UsageError(
            f"The URI {clean(uri)!r} names a transport, but no driver.",
            f"Did you mean qemu+{uri}?",
        )
    if driver not in NAMES:
        raise UsageError(f"libvirt has no driver {driver!r}.", _suggest(driver, NAMES))
    if transport and transport not in TRANSPORTS:
        raise UsageError(
            f"libvirt has no transport {transport!r}.", _suggest(transport, TRANSPORTS)
        )
    return driver, transport


def _check_path(uri: str, driver: str, parts: SplitResult) -> None:
    if driver == "qemu" and parts.path not in _QEMU_PATHS:
        if parts.path in ("", "/"):
            raise UsageError(
                f"The URI {clean(uri)!r} does not say which libvirt is meant.",
                f"Did you mean {parts.scheme}://{parts.netloc}/system?",
            )
        raise UsageError(
            f"The URI {clean(uri)!r} ends in {clean(parts.path)!r}, which QEMU's driver has not.",
            _suggest(parts.path, _QEMU_PATHS),
        )
    if driver == "test" and parts.path in ("", "/"):
        raise UsageError(
            f"The URI {clean(uri)!r} does not say which test host.", "Did you mean test:///default?"
        )


def _check_transport(
    uri: str, transport: str, parts: SplitResult, parameters: dict[str, str]
) -> None:
    if transport in ("tcp", "libssh", "libssh2") and not parts.hostname:
        raise UsageError(f"The URI {clean(uri)!r} names no host.", _EXAMPLE)
    if transport == "unix" and parts.hostname:
        raise UsageError(
            f"The URI {clean(uri)!r} names a host, but a unix socket is on this machine.",
            f"Write {parts.scheme}://{parts.path}?socket=PATH, or reach the host by ssh.",
        )
    if transport == "ext" and not parameters.get("command"):
        raise UsageError(f"The URI {clean(uri)!r} names no command.", "Add ?command=PROGRAM.")


def _suggest(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else f"Known: {', '.join(known)}."


def _for_libvirt(uri: str, transport: str) -> str:
    """Return the URI as written, except that ssh may not ask on the terminal."""
    if transport != "ssh":
        return uri
    base, _, query = uri.partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] != "no_tty"]
    return f"{base}?{'&'.join([*kept, 'no_tty=1'])}"


def _shown(uri: str) -> str:
    base, _, query = uri.partition("?")
    parts = []
    for part in query.split("&"):
        key, equals, _ = part.partition("=")
        if key not in ("", "no_tty"):
            parts.append(f"{key}=***" if equals and _SECRET.search(key) else part)
    return f"{base}?{'&'.join(parts)}" if parts else base


def _derive_name(address: HostAddress) -> str:
    if address.hostname:
        return address.hostname
    if address.socket:
        for part in reversed(PurePosixPath(address.socket).parts[:-1]):
            if part != "/" and not _DULL.fullmatch(part):
                return clean(part)
    if address.driver == "test":
        return clean(PurePosixPath(unquote(address.path)).stem) or "test"
    return "localhost"


def _refuse_twins(hosts: list[HostAddress]) -> None:
    seen: dict[str, HostAddress] = {}
    chosen: set[str] = set()
    for host in hosts:
        if host.uri in seen:
            raise UsageError(f"The host {host.shown} is named twice.", "Name it once.")
        if host.explicit and host.name in chosen:
            raise UsageError(f"Two hosts are called {host.name}.", "Give each its own NAME=URI.")
        seen[host.uri] = host
        chosen.add(host.name if host.explicit else "")


def _free_name(host: HostAddress, taken: set[str]) -> str:
    candidates = [host.name, f"{host.name}-{host.path.split('/')[0]}"]
    if host.user:
        candidates.insert(1, f"{host.user}@{host.name}")
    if host.port:
        candidates.insert(1, f"{host.name}:{host.port}")
    number = 2
    while True:
        for candidate in candidates:
            if candidate not in taken:
                return candidate
        candidates = [f"{host.name}-{number}"]
        number += 1

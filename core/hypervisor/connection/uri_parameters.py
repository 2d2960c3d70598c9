"""Which parameters of a URI the chosen transport heeds; libvirt says nothing of the others. Pure.

From libvirt's remote_driver.c, 9.0 to 11.3: it reads each of these for every transport, and then
gives a transport only its own. A parameter that libvirt does not know goes to the driver at the
other end, which has none for a host that is reached through a daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import SplitResult

from core.model.driver import DRIVERS
from core.model.lists import listed
from core.model.text import clean, nearest

_BY_LIBRARY = frozenset({"socket", "mode", "netcat", "proxy", "keyfile", "sshauth"}) | {
    "known_hosts", "known_hosts_verify",
}  # fmt: skip
_EVERYWHERE = frozenset({"name", "auth"})
HEEDED = {
    "unix": frozenset({"socket", "mode"}),
    "ssh": frozenset({"socket", "mode", "netcat", "proxy", "keyfile", "command"})
    | {"no_verify", "no_tty"},
    "libssh": _BY_LIBRARY,
    "libssh2": _BY_LIBRARY,
    "tls": frozenset({"pkipath", "tls_priority", "no_verify", "no_sanity"}),
    "tcp": frozenset(),
    "ext": frozenset({"command"}),
}
"""By transport: what it makes use of beside `name` and `auth`."""
_KNOWN = _EVERYWHERE.union(*HEEDED.values())
_INSTEAD = {
    ("known_hosts", "ssh"): "Put UserKnownHostsFile into ~/.ssh/config",
    ("known_hosts_verify", "ssh"): "Put StrictHostKeyChecking into ~/.ssh/config",
    ("sshauth", "ssh"): "Put PreferredAuthentications into ~/.ssh/config",
    ("no_verify", "libssh"): "Write known_hosts_verify=ignore",
    ("no_verify", "libssh2"): "Write known_hosts_verify=ignore",
}


def ignored(driver: str, transport: str, uri: SplitResult, names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence and its cure for each parameter that does nothing.

    `names` are those of the URI; libvirt does not care for their case.
    """
    at_home = driver not in DRIVERS or DRIVERS[driver].client_side
    if (at_home and not transport) or uri.path == "/embed":
        return  # the driver itself reads what it likes
    way = transport or ("tls" if uri.hostname else "unix")
    for written in names:
        name = written.lower()
        if name in HEEDED[way] | _EVERYWHERE:
            continue
        if name not in _KNOWN:
            near = nearest(name, sorted(_KNOWN))
            cure = f"Did you mean {near}=?" if near else "Leave it out."
            yield f"libvirt knows no parameter {clean(written)}=: it does nothing. {cure}"
            continue
        others = [other for other, heeded in HEEDED.items() if name in heeded]
        instead = _INSTEAD.get((name, way), "Leave it out")
        yield (
            f"The parameter {name}= does nothing with the transport {way}: only "
            f"{listed(others)} {'heeds' if len(others) == 1 else 'heed'} it. {instead}."
        )

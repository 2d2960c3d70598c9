"""Images of the network by a URL, which QEMU itself reaches: rbd, iscsi, nbd, nfs, ssh, https.

Pure. A URL stands in histories and journals, so that none has a password in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from core.errors import UsageError
from core.model.new_device import NetworkImage, ServerAddress
from core.model.text import clean
from core.volumes.connectors.servers import parsed
from core.volumes.place import VolumePlace

PORTS = {"nbd": 10809, "iscsi": 3260, "ssh": 22, "https": 443, "http": 80}
"""What libvirt takes where none is said."""
SECRET_TYPES = {"rbd": "ceph", "iscsi": "iscsi"}
OF_FILES = ("nfs", "ssh", "https", "http")
"""Those whose images are files, of any format."""
READ_ONLY = ("https", "http")
"""Those that QEMU only reads."""
_SHAPES = {
    "rbd": "rbd://[USER@][MONITOR,...]/POOL/IMAGE",
    "iscsi": "iscsi://[USER@]HOST[:PORT]/IQN/LUN",
    "nbd": "nbd://HOST[:PORT]/EXPORT, or nbd:///EXPORT?socket=PATH",
    "nbds": "nbds://HOST[:PORT]/EXPORT",
    "nfs": "nfs://HOST/EXPORT/FILE",
    "ssh": "ssh://[USER@]HOST[:PORT]/FILE",
    "https": "https://HOST[:PORT]/FILE[?QUERY]",
    "http": "http://HOST[:PORT]/FILE[?QUERY]",
}


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    user: str
    hosts: tuple[ServerAddress, ...]
    path: str
    """Without the first slash, as it is meant."""
    query: str

    @property
    def values(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.query))


def is_url(text: str) -> bool:
    """Whether what names a volume is a URL; a pool may be called what a scheme is."""
    return "://" in text


def place_of(url: str) -> VolumePlace:
    """Return the image of a URL; raises UsageError."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _SHAPES:
        known = ", ".join(_SHAPES)
        raise UsageError(f"QEMU reaches no image by {clean(scheme)}.", f"It reaches {known}.")
    found = _split(url)
    image = _READERS.get(scheme, _file)(found)
    return VolumePlace(image.place, "network", io="", network=image)


def user_of_ssh(url: str) -> str:
    """Return as whom an image of ssh is asked for; empty: nobody is named. Raises UsageError."""
    network = place_of(url).network
    return network.user if network is not None and network.protocol == "ssh" else ""


def _wrong(scheme: str, why: str) -> UsageError:
    return UsageError(f"The {scheme} URL {why}.", f"Give it as {_SHAPES[scheme]}.")


def _split(url: str) -> _Url:
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    rest, _, query = rest.partition("?")
    where, _, path = rest.partition("/")
    user, at, servers = where.rpartition("@")
    if ":" in user:
        raise UsageError(
            f"The {scheme} URL has a password in it, which histories and journals keep.",
            "Leave it out, and give it by a file: --password-file.",
        )
    if at and not user:
        raise _wrong(scheme, "has no user before the @")
    port = PORTS.get("nbd" if scheme == "nbds" else scheme)
    hosts = []
    for text in filter(None, servers.split(",")):
        if (host := parsed(unquote(text), port)) is None:
            raise _wrong(scheme, f"has a server {clean(text)}, which is none")
        hosts.append(host)
    if len(hosts) > 1 and scheme != "rbd":
        raise _wrong(scheme, "has several servers")
    if not hosts and scheme not in ("rbd", "nbd"):
        raise _wrong(scheme, "has no server")
    return _Url(scheme, unquote(user), tuple(hosts), unquote(path), query)


def _rbd(url: _Url) -> NetworkImage:
    pool, slash, image = url.path.partition("/")
    if not (pool and slash and image):
        raise _wrong("rbd", "names no POOL/IMAGE")
    secret = SECRET_TYPES["rbd"] if url.user else ""
    return NetworkImage("rbd", url.path, url.hosts, user=url.user, secret_type=secret)


def _iscsi(url: _Url) -> NetworkImage:
    iqn, slash, lun = url.path.rpartition("/")
    if not (slash and iqn.startswith(("iqn.", "eui.", "naa.")) and lun.isdecimal()):
        raise _wrong("iscsi", "names no IQN/LUN")
    secret = SECRET_TYPES["iscsi"] if url.user else ""
    return NetworkImage(
        "iscsi", url.path, url.hosts, user=url.user, secret_type=secret,
        initiator=url.values.get("initiator", ""),
    )  # fmt: skip


def _nbd(url: _Url) -> NetworkImage:
    if url.user:
        raise _wrong(url.scheme, "has a user, and NBD knows none")
    socket = url.values.get("socket", "")
    if bool(socket) == bool(url.hosts):
        raise _wrong(url.scheme, "has a server and a socket" if socket else "has no server")
    if socket and not socket.startswith("/"):
        raise _wrong(url.scheme, "has a socket without its whole path")
    hosts = (ServerAddress(socket=socket),) if socket else url.hosts
    return NetworkImage("nbd", url.path, hosts, tls=url.scheme == "nbds")


def _file(url: _Url) -> NetworkImage:
    if not url.path or url.path.endswith("/"):
        raise _wrong(url.scheme, "names no file")
    if url.user and url.scheme != "ssh":
        raise _wrong(url.scheme, "has a user, which libvirt does not pass on")
    if url.query and url.scheme not in READ_ONLY:
        raise _wrong(url.scheme, "has a query")
    # of https the name is what follows the slash, of the others a whole path
    name = url.path if url.scheme in READ_ONLY else f"/{url.path}"
    return NetworkImage(url.scheme, name, url.hosts, query=url.query, user=url.user)


_READERS: dict[str, Callable[[_Url], NetworkImage]] = {
    "rbd": _rbd,
    "iscsi": _iscsi,
    "nbd": _nbd,
    "nbds": _nbd,
}

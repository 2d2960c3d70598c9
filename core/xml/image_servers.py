"""The servers of the images that QEMU reaches over the network, of a disk or of an instance."""

from __future__ import annotations

from dataclasses import dataclass

from core.xml.tree import Element, attribute, number, parse

PORTS = {"nbd": (10809,), "iscsi": (3260,), "ssh": (22,), "https": (443,), "http": (80,),
         "rbd": (6789, 3300), "nfs": (111,)}  # fmt: skip
"""Those that are asked where none is named. NFS has no other first than that of the mapper."""


@dataclass(frozen=True, slots=True)
class ImageServer:
    """One address: a name with a port, or a socket of the host."""

    protocol: str
    name: str
    port: int
    socket: str = ""
    path: str = ""
    """What a web server is asked for, with its query."""

    @property
    def place(self) -> str:
        """What it is called in a sentence."""
        if self.socket:
            return self.socket
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def image_servers(xml: str) -> tuple[tuple[ImageServer, ...], ...]:
    """Return the servers of each image, of which one that answers is enough for QEMU."""
    if "protocol=" not in xml:
        return ()
    found: dict[tuple[ImageServer, ...], None] = {}
    for source in parse(xml).iter("source"):
        if attribute(source, "protocol") in PORTS:
            found[tuple(one for host in source.findall("host") for one in _of(source, host))] = None
    found.pop((), None)
    return tuple(found)


def _of(source: Element, host: Element) -> tuple[ImageServer, ...]:
    protocol, path = attribute(source, "protocol"), ""
    if attribute(host, "transport") == "unix":
        return (ImageServer(protocol, "", 0, attribute(host, "socket")),)
    if protocol in ("http", "https"):
        path = attribute(source, "name")
        if query := attribute(source, "query"):
            path = f"{path}?{query}"
    port = number(attribute(host, "port"))
    ports = PORTS[protocol] if port is None else (port,)
    return tuple(ImageServer(protocol, attribute(host, "name"), one, path=path) for one in ports)

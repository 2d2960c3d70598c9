"""RBD: an image of a Ceph cluster, which QEMU itself reaches. Pure."""

from __future__ import annotations

import re

from core.model.new_device import NetworkImage, ServerAddress
from core.model.secret_value import Secret
from core.volumes.connection_info import ConnectionInfo
from core.volumes.connectors.servers import server
from core.volumes.place import ConnectorFamily, DeviceInfo, VolumePlace

_KEY = re.compile(r"^\s*key\s*=\s*(\S+)\s*$", re.MULTILINE)


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to an image, or nobody may open it."""
    info.require("name")
    if "/" not in info.text("name"):
        raise info.malformed("name", "is not POOL/IMAGE")
    hosts, ports = info.texts("hosts"), info.texts("ports")
    if ports and len(ports) != len(hosts):
        raise info.malformed("ports", "has another length than hosts")
    _servers(info)
    if info.flag("auth_enabled"):
        info.require("auth_username")
        info.require("secret_uuid", "keyring")


def _servers(info: ConnectionInfo) -> tuple[ServerAddress, ...]:
    hosts, ports = info.texts("hosts"), info.texts("ports")
    bare = [host.strip("[]") for host in hosts]
    texts = [f"[{host}]" if ":" in host else host for host in bare]
    pairs = zip(texts, ports or [""] * len(texts), strict=True)
    return tuple(server(info, f"{host}:{port}" if port else host, "hosts") for host, port in pairs)


def place(info: ConnectionInfo, _: DeviceInfo) -> VolumePlace:
    """Return the image, and the key that opens it where the data has one.

    Without one it is the secret of libvirt's that `secret_uuid` names: it must be on the host.
    """
    proved = info.flag("auth_enabled")
    keyring = info.secrets.get("keyring")
    key = _key_in(info, keyring) if proved and keyring is not None else None
    image = NetworkImage(
        "rbd",
        info.text("name"),
        _servers(info),
        user=info.text("auth_username") if proved else "",
        secret_type=(info.text("secret_type") or "ceph") if proved else "",
        secret="" if not proved or key is not None else info.text("secret_uuid"),
    )
    return VolumePlace(image.place, "network", network=image, secret=key)


def _key_in(info: ConnectionInfo, keyring: Secret) -> Secret:
    if keyring == Secret(None):
        return keyring
    found = _KEY.search(keyring.reveal())
    if found is None:
        raise info.malformed("keyring", "has no key")
    return Secret(found[1])


RBD = ConnectorFamily(check, place, brick=False)

"""Names and ports of servers, as connection_info and URLs have them. Pure."""

from __future__ import annotations

from core.model.new_device import ServerAddress
from core.volumes.connection_info import ConnectionInfo


def parsed(text: str, port: int | None = None) -> ServerAddress | None:
    """Return what `NAME`, `NAME:PORT`, `ADDRESS` or `[ADDRESS]:PORT` names; None: nothing.

    A portal of iSCSI may end in `,GROUP`, which says nothing of where it is.
    """
    text = text.partition(",")[0]
    if text.startswith("["):
        name, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None
        number = rest[1:] if rest else None
    elif text.count(":") > 1:
        name, number = text, None
    else:
        name, colon, after = text.partition(":")
        number = after if colon else None
    if not name or any(letter.isspace() or letter in "/@?#[]" for letter in name):
        return None
    if number is None:
        return ServerAddress(name, port)
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:6]) < 65536):
        return None
    return ServerAddress(name, int(number))


def server(info: ConnectionInfo, text: str, key: str, port: int | None = None) -> ServerAddress:
    """Return the server that a value names; raises ConnectionInfoError. Empty: that of nobody."""
    found = parsed(text, port) if text else ServerAddress()
    if found is None:
        raise info.malformed(key, "is no address with a port")
    return found

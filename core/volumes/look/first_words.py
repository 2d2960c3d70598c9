"""Sees whether servers answer: run on the host that QEMU is to reach them from.

It imports nothing of virtdeck: its text is sent to the host's own Python, which may be an old one.
One answer is enough, be it a refusal: nobody logs in, and nothing of an image is asked for.
"""

from __future__ import annotations

import errno
import json
import socket
import ssl
import struct
import sys
import threading
import time
from typing import Any

SILENT = "silent"
"""It takes the connection, and says nothing."""
LOST = "lost"
"""Nothing comes back, not even that nobody listens."""
GONE = "gone"
"""Nobody listens, or it hangs up."""
ANSWERS = "answers"
_PORTMAPPER = 111
_MOUNT, _NFS, _MAPPER = (100005, 3), (100003, 3), (100000, 2)
_TCP = 6


def look(server: dict[str, Any], seconds: float) -> str:
    """Return what one server does."""
    until = time.monotonic() + seconds
    try:
        link = _connected(server, until)
    except socket.timeout:  # noqa: UP041 - of Python before 3.10
        return LOST
    except socket.gaierror:
        return ANSWERS  # whether QEMU finds it is QEMU's to see
    except OSError as error:
        return ANSWERS if error.errno in (errno.EACCES, errno.EPERM) else GONE
    try:
        with link:
            _SPEAKS[server["protocol"]](link, server, until)
    except socket.timeout:  # noqa: UP041 - of Python before 3.10
        return SILENT
    except (EOFError, ConnectionError):
        return GONE
    except (OSError, ValueError, struct.error):
        return ANSWERS  # though not as it should
    return ANSWERS


def _connected(server: dict[str, Any], until: float) -> socket.socket:
    """Return a connection with the server; socket.timeout tells that nothing came back."""
    if server["socket"]:
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(_left(until))
        link.connect(server["socket"])
        return link
    port = _PORTMAPPER if server["protocol"] == "nfs" else server["port"]
    return socket.create_connection((server["name"], port), _left(until))


def _left(until: float) -> float:
    return max(0.1, until - time.monotonic())


def _listen(link: socket.socket, _: dict[str, Any], until: float) -> None:
    """NBD, SSH and Ceph: the server has the first word."""
    link.settimeout(_left(until))
    if not link.recv(1):
        raise EOFError


def _iscsi(link: socket.socket, server: dict[str, Any], until: float) -> None:
    keys = b"InitiatorName=iqn.2026-11.org.virtdeck:look\0SessionType=Discovery\0AuthMethod=None\0"
    head = struct.pack(
        ">BBBBI6sHIHHII16x", 0x43, 0x81, 0, 0, len(keys), b"\x80\0\0\0\0\0", 0, 1, 1, 0, 1, 0
    )
    link.sendall(head + keys.ljust((len(keys) + 3) // 4 * 4, b"\0"))
    _listen(link, server, until)


def _http(link: socket.socket, server: dict[str, Any], until: float) -> None:
    link.sendall("HEAD /{path} HTTP/1.0\r\nHost: {name}\r\n\r\n".format(**server).encode())
    _listen(link, server, until)


def _https(link: socket.socket, server: dict[str, Any], until: float) -> None:
    """TLS alone tells that it answers; whether it is trusted is QEMU's to see."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    link.settimeout(_left(until))
    with context.wrap_socket(link, server_hostname=server["name"]):
        pass


def _nfs(link: socket.socket, server: dict[str, Any], until: float) -> None:
    """The mapper of ports, and what it names: QEMU asks all of them."""
    for program in (_MOUNT, _NFS):
        words = struct.pack(">IIII", program[0], program[1], _TCP, 0)
        told = _call(link, _MAPPER, 3, words, until)
        port = struct.unpack(">I", told[-4:])[0]
        if port:
            with socket.create_connection((server["name"], port), _left(until)) as other:
                _call(other, program, 0, b"", until)


def _call(
    link: socket.socket, program: tuple[int, int], procedure: int, words: bytes, until: float
) -> bytes:
    """Call a procedure of Sun RPC, as nobody; return the answer."""
    body = struct.pack(">IIIIII16x", 1, 0, 2, program[0], program[1], procedure) + words
    link.settimeout(_left(until))
    link.sendall(struct.pack(">I", 0x80000000 | len(body)) + body)
    return link.recv(65536)


_SPEAKS = {
    "nbd": _listen,
    "ssh": _listen,
    "rbd": _listen,
    "iscsi": _iscsi,
    "http": _http,
    "https": _https,
    "nfs": _nfs,
}


def main() -> None:
    """Write what each server does, in the order in which they are named."""
    asked = json.loads(sys.stdin.readline())
    servers, seconds = asked["servers"], asked["seconds"]
    found = [ANSWERS] * len(servers)

    def one(number: int) -> None:
        found[number] = look(servers[number], seconds)

    threads = [threading.Thread(target=one, args=(each,)) for each in range(len(servers))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    until = time.monotonic() + seconds + 1
    for thread in threads:
        thread.join(_left(until))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()

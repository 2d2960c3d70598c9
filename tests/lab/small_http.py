"""A small web server for tests that gives parts of files out, which Python's own does not.

`python -m tests.lab.small_http FOLDER CERTIFICATE KEY` is one by TLS: it writes where it is, and
ends with its input.
"""

from __future__ import annotations

import re
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

QUERY = "permit=1&until=2"


@contextmanager
def given_out(files: Path, tls: tuple[str, str] | None = None) -> Iterator[str]:
    """Give the files of a folder out on loopback; yields where: `127.0.0.1:PORT`.

    Only to who asks with a query, as the URLs of object stores have their permission in it. `tls`:
    its certificate and key.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # no connection outlives the server

        def do_HEAD(self) -> None:
            self._answer(b"", len(self._data() or b""))

        def do_GET(self) -> None:
            data = self._data() or b""
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if asked is None:
                self._answer(data, len(data))
                return
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            self._answer(data[first : last + 1], last + 1 - first, f"{first}-{last}/{len(data)}")

        def _data(self) -> bytes | None:
            path = files / self.path.partition("?")[0].strip("/")
            allowed = self.path.endswith(f"?{QUERY}")
            return path.read_bytes() if path.is_file() and allowed else None

        def _answer(self, data: bytes, length: int, part: str = "") -> None:
            there = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
            self.send_response(there if self._data() is not None else HTTPStatus.NOT_FOUND)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(length))
            if part:
                self.send_header("Content-Range", f"bytes {part}")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    folder, certificate, key = sys.argv[1:]
    with given_out(Path(folder), (certificate, key)) as where:
        print(where, flush=True)
        sys.stdin.read()

"""A host with a client of closed storage: the real os-brick, and in its way only what is not had.

The process has a mount namespace of its own, in which some folders have a few entries more than
the machine's: what the vendor's packages, kernel modules and udev's rules would put there. A test
sees and changes them in `Host.root`. The vendors' programs and servers answer as it is public:

- The gateway of PowerFlex: its token is a JSON text (rexray/rexray, issue 469). Its errors have
  message, httpStatusCode and errorCode, its ids 16 digits, and 79 is "Could not find the volume"
  (emccode/goscaleio, volume_test.go). 81 and 84, already and not mapped, the paths and bodies of
  requests, those of the module scini, and the device emc-vol-SYSTEM-VOLUME: os-brick,
  connectors/scaleio.py and its tests; a system's id: rexray/rexray, issue 545.
- What Cinder's driver of PowerFlex gives since its version 3.6.0: openstack/cinder,
  dell_emc/powerflex/driver.py, and the release note of bug 2114879.
- StorPool's API, generation and data, or error with name and descr: kb.storpool.com, "REST API".
  "is open at client", and /etc/storpool.conf: os-brick, tests of storpool and storpool_utils.
- The discovery client of LightOS reads what is to be discovered, and the device comes up by its
  uuid: lightbitslabs/discovery-client, README; os-brick, connectors/lightos.py and its tests.
- mount.quobyte SHARE FOLDER -o OPTIONS: quobyte/docker-volume, issue 22.
- pstorage auth-node and what it leaves in /etc/pstorage/clusters: Parallels Cloud Storage,
  administrator's guide, "Password-based Authentication". pstorage-mount: os-brick, remotefs.py.

What the programs of Quobyte and Virtuozzo say where they refuse is not public: the words are ours.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import libvirt
import pytest

from core.hypervisor.calls import connecting
from core.model import ObjectKey
from core.model.connected_volume import ConnectedVolume
from core.verbs.device.connecting import ConnectCall, DisconnectCall, ExtendCall
from core.volumes.brick.child import MOUNTS
from core.volumes.brick.place import BrickHost
from core.volumes.brick.process import BrickError
from core.volumes.connection_info import ConnectionInfo, read_connection_info
from core.volumes.disk import DiskWishes, attached_disk
from core.volumes.protocols import family_of
from core.xml.new_disk import disk_xml
from tests.unit.core.volumes.infos import VOLUME

COVERED = ("/dev", "/etc", "/opt", "/sys/class/block", "/usr/sbin", "/var/lib")
OWN = (
    *("/dev/disk", "/etc/discovery-client", "/etc/nvme", "/etc/pstorage", "/etc/storpool.conf"),
    *("/etc/storpool.conf.d", "/opt/emc", "/var/lib/virtdeck"),
)
"""What the machine may have there is not seen; nor any device of its own in /sys/class/block."""
WEB = ObjectKey("instance", "alpha", "5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11")
GUID = "013a5304-d053-4b30-a34f-ee3ad983236d"
SIZE = 'blockdev) [ "$1" = --flushbufs ] || stat -Lc %s "$2" ;;'

_ENTERED = """
set -e
for it in {covered}; do mount --rbind $it {side}$it; mount --bind {root}$it $it; done
echo ready
exec cat
"""
_UNSHARE = ["unshare", "--mount", "--propagation", "private"]
_AS_ROOT, _AS_USER = ["--map-root-user"], ["--user", "--preserve-credentials"]
_KERNEL = """
import fcntl, uuid
told = fcntl.ioctl

def ioctl(fd, request, *rest):
    if request not in (0x610e, 0x610a):
        return told(fd, request, *rest)
    with open({log!r}, "a") as log:
        log.write(f"scini {{request:#x}}\\n")
    return bytes(8) + uuid.UUID({guid!r}).bytes

fcntl.ioctl = ioctl
"""
"""The module scini, which has neither a source nor a stand-in: two requests of it."""


class Host:
    """A machine with more in some folders, as the process with os-brick sees it."""

    def __init__(self, directory: Path) -> None:
        self.root, self._side = directory / "root", directory / "side"
        self.log = directory / "log"
        self.log.touch()
        self.programs = directory / "programs"
        self.programs.mkdir()
        for folder in COVERED:
            there, side = self.at(folder), Path(f"{self._side}{folder}")
            there.mkdir(parents=True)
            side.mkdir(parents=True)
            for entry in Path(folder).iterdir() if not folder.startswith("/sys") else ():
                if str(entry) not in OWN:
                    (there / entry.name).symlink_to(side / entry.name)
        (directory / "site").mkdir()
        kernel = _KERNEL.format(log=str(self.log), guid=GUID)
        (directory / "site/sitecustomize.py").write_text(kernel)
        mapped, user = ([], []) if os.geteuid() == 0 else (_AS_ROOT, _AS_USER)
        words = {"covered": " ".join(COVERED), "side": self._side, "root": self.root}
        self._holder = subprocess.Popen(
            # it ends with its input
            [*_UNSHARE, *mapped, "sh", "-c", _ENTERED.format(**words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline()
        if said != "ready\n":
            self.close()
            raise OSError(f"a mount namespace is needed, root's or a user's own: {said}")
        enter = ["nsenter", f"--target={self._holder.pid}", "--mount", *user, "env"]
        paths = filter(None, (str(directory / "site"), os.environ.get("PYTHONPATH")))
        enter += [f"PYTHONPATH={':'.join(paths)}", sys.executable]
        python = directory / "python"
        python.write_text(f'#!/bin/sh\nexec {shlex.join(enter)} "$@"\n')
        python.chmod(0o755)
        self.place = BrickHost(python=str(python), root=False)
        self.program(self.programs / "blockdev", SIZE)

    def at(self, path: str) -> Path:
        """Return where something of a covered folder is, for a test."""
        return Path(f"{self.root}{path}")

    def program(self, path: Path, cases: str) -> None:
        """Put a program there: its arguments are noted, then those of its name are looked up."""
        case = f'case "${{0##*/}}" in\n{cases}\nesac'
        noted = f'printf \'%s %s\\n\' "${{0##*/}}" "$*" >> {self.log}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{noted}\n{case}\n")
        path.chmod(0o755)

    def device(self, name: str, *links: str, size: int = 1 << 30) -> None:
        """Have a device come up, by the names that udev gives it, too."""
        with self.at(f"/dev/{name}").open("wb") as file:
            file.truncate(size)
        for link in links:
            self.at(link).parent.mkdir(parents=True, exist_ok=True)
            self.at(link).symlink_to(f"/dev/{name}")

    def gone(self, name: str, *links: str) -> None:
        """Have a device go."""
        for path in (f"/dev/{name}", *links):
            self.at(path).unlink(missing_ok=True)

    def ran(self, *names: str) -> list[str]:
        """Return the commands that were run, of these programs."""
        return [one for one in self.log.read_text().splitlines() if one.split()[0] in names]

    def mounts(self) -> list[str]:
        """Return what is mounted below the folder of shares."""
        lines = Path(f"/proc/{self._holder.pid}/mounts").read_text().splitlines()
        return [one for one in lines if one.split()[1].startswith(MOUNTS)]

    def close(self) -> None:
        """End the namespace, and what is mounted in it."""
        with suppress(BrokenPipeError):
            self._holder.communicate()


Answer = Callable[[str, str, Any, str], tuple[int, Any]]
"""Of method, path, what was sent, and who: the status, and what is answered."""


class Server:
    """A REST server on loopback; every request is kept."""

    def __init__(self, answer: Answer, certificate: Path | None = None) -> None:
        self.asked: list[tuple[str, str, Any, str]] = []
        told, asked = answer, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                sent = json.loads(self.rfile.read(length)) if length else None
                asked.append((self.command, self.path, sent, self.headers["Authorization"] or ""))
                status, body = told(*asked[-1])
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET  # noqa: N815 as it is called

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def sent(self, action: str) -> list[Any]:
        """Return what was sent to the paths that end so."""
        return [body for _, path, body, _ in self.asked if path.endswith(action)]


def certificate(directory: Path) -> Path:
    """Make a certificate of 127.0.0.1, with its key in the same file."""
    made = directory / "gateway.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made,
         "-out", directory / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_text(made.read_text() + (directory / "certificate.pem").read_text())
    return made


def basic(user: str, word: str) -> str:
    """Return how HTTP says who asks."""
    return "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


class Volume:
    """A volume as the verbs have it: its calls, and the entry of the ledger between them."""

    def __init__(self, conn: libvirt.virConnect, text: str) -> None:
        self.info: ConnectionInfo = read_connection_info(text)
        self._conn, self._family = conn, family_of(self.info)
        self.entry = ConnectedVolume(self.info.protocol, dict(self.info.data), {})
        self.warnings: tuple[str, ...] = ()

    def connect(self) -> str:
        """Connect it; return the XML of its disk."""
        secrets = tuple(self.info.secrets.items())
        call = ConnectCall(self.info.protocol, dict(self.info.data), secrets, VOLUME)
        answer = connecting.connect(self._conn, WEB, call)
        self.warnings = answer.warnings
        self.entry = ConnectedVolume(
            self.info.protocol, dict(self.info.data), answer.device, "vdb", VOLUME
        )
        place = self._family.place(self.info, answer.device)
        return disk_xml(attached_disk(self.info, place, DiskWishes("vdb", "virtio")))

    def extend(self) -> int:
        return connecting.look_again(self._conn, WEB, ExtendCall(self.entry)).size

    def disconnect(self, *, secrets: bool = False) -> None:
        """Let go of it as a detach does, from the ledger; or as an undo, which has the secrets."""
        known = tuple(self.info.secrets.items()) if secrets else ()
        connecting.disconnect(self._conn, WEB, DisconnectCall(self.entry, known))

    def refused(self) -> BrickError:
        with pytest.raises(BrickError) as raised:
            self.connect()
        assert raised.value.hint
        return raised.value

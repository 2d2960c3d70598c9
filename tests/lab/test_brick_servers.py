"""StorPool, LightOS: the real process with the real os-brick, and servers on loopback.

`tests/lab/closed_clients.py` says what stands in, and where its answers are from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import libvirt
import pytest
from msgspec.json import encode

from tests.lab.closed_clients import Host, Server, Volume
from tests.unit.core.volumes.infos import VOLUME, document

GIB = 1 << 30

# --- StorPool --------------------------------------------------------------------------------

NAME = f"os--volume-{VOLUME}"
BLOCK = f"/dev/storpool/{NAME}"
GLOBAL = "/dev/storpool-byid/bhm4.b.cde"


class StorPool:
    """Its API, of one volume, and the client on the host that gives it the device."""

    def __init__(self, host: Host) -> None:
        self.attached, self.open, self.names = False, 0, (BLOCK, GLOBAL)
        self._host = host

    def __call__(self, _: str, path: str, body: Any, who: str) -> tuple[int, Any]:
        assert who == "Storpool v1:sp-token"
        if path.endswith("VolumesReassignWait"):
            return self._reassign(body["reassign"][0])
        if path.endswith(f"VolumeGetInfo/{NAME}"):
            return 200, {"generation": 7, "data": {"name": NAME, "globalId": "bhm4.b.cde"}}
        assert path.endswith(f"Volume/{NAME}")
        return 200, {"generation": 7, "data": [{"name": NAME, "size": 2 * GIB}]}

    def _reassign(self, one: dict[str, Any]) -> tuple[int, Any]:
        if one["volume"] not in (NAME, "~bhm4.b.cde"):
            text = f"Volume '{one['volume']}' does not exist"
            return 404, {"error": {"name": "objectDoesNotExist", "descr": text}}
        if "detach" in one and self.open and not one["force"]:
            self.open -= 1
            text = f"'{NAME}' is open at client 19"
            return 500, {"error": {"name": "busy", "descr": text}}
        self.attached = "detach" not in one
        if self.attached:
            self._host.device("sp-0", *self.names)
        else:
            self._host.gone("sp-0", *self.names)
        return 200, {"generation": 7, "data": {"ok": True}}


@contextmanager
def storpool(host: Host, answer: StorPool) -> Iterator[Server]:
    with Server(answer).running() as server:
        where = f"SP_API_HTTP_HOST=127.0.0.1\nSP_API_HTTP_PORT={server.port}\n"
        mine = "SP_AUTH_TOKEN=sp-token\nSP_OURID=19\n"
        host.at("/etc/storpool.conf").write_text(f"{where}{mine}")
        yield server


def test_storpool(closed_host: Host, conn: libvirt.virConnect) -> None:
    answer = StorPool(closed_host)
    with storpool(closed_host, answer) as server:
        volume = Volume(conn, document("storpool", volume=VOLUME))
        xml = volume.connect()
        assert f'<source dev="{GLOBAL}"/>' in xml
        assert 'io="native"' in xml
        assert server.sent("ReassignWait") == [{"reassign": [{"volume": NAME, "rw": ["19"]}]}]
        closed_host.device("sp-0", size=2 * GIB)
        assert volume.extend() == 2 * GIB
        assert closed_host.ran("blockdev") == [f"blockdev --getsize64 {BLOCK}"]
        answer.open = 2  # the client has not let go of it yet
        volume.disconnect()
        gone = {"volume": "~bhm4.b.cde", "detach": ["19"], "force": False}
        assert server.sent("ReassignWait")[1:] == [{"reassign": [gone]}] * 3
    assert not answer.attached
    assert "sp-token" not in f"{volume.warnings}{encode(volume.entry)!r}"


def test_storpool_that_refuses(closed_host: Host, conn: libvirt.virConnect) -> None:
    volume = Volume(conn, document("storpool", volume=VOLUME))
    error = volume.refused()
    assert "Could not initialize the StorPool API" in error.message
    assert "no StorPool client" in error.hint
    with storpool(closed_host, StorPool(closed_host)) as server:
        error = Volume(conn, document("storpool", volume="other")).refused()
        assert "objectDoesNotExist" in error.message
        assert "no such volume" in error.hint
        assert len(server.asked) == 1
        file = closed_host.at("/etc/storpool.conf")
        file.write_text(file.read_text().replace("SP_OURID=19", ""))
        error = volume.refused()
        assert "SP_OURID" in error.message
        assert "no StorPool client" in error.hint


def test_storpool_whose_device_does_not_come_up_is_detached(
    closed_host: Host, conn: libvirt.virConnect
) -> None:
    answer = StorPool(closed_host)
    answer.names = (BLOCK,)
    with storpool(closed_host, answer):
        error = Volume(conn, document("storpool", volume=VOLUME)).refused()
    assert f"{GLOBAL} is not found" in error.message
    assert "client runs on the host" in error.hint
    assert not answer.attached


# --- LightOS ---------------------------------------------------------------------------------

UUID = "f2d1a5c1-7a5b-4a2d-9d0a-0a6f6f1a2b3c"
DISCOVER = "/etc/discovery-client/discovery.d"
HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:9d0a0a6f"


class Discovery(threading.Thread):
    """The discovery client: what is to be discovered comes up, what no longer is goes."""

    def __init__(self, host: Host) -> None:
        super().__init__(daemon=True)
        self._host, self.ended, self.read = host, threading.Event(), ""
        self._file = host.at(f"{DISCOVER}/{UUID}.conf")

    def run(self) -> None:
        link = f"/dev/disk/by-id/nvme-uuid.{UUID}"
        while not self.ended.wait(0.05):
            wanted, there = self._file.exists(), self._host.at("/dev/nvme7n1").exists()
            if wanted and not there:
                time.sleep(0.1)  # it is written whole by then
                self.read = self._file.read_text()
                self._host.device("nvme7n1", link)
            elif there and not wanted:
                self._host.gone("nvme7n1", link)


@pytest.fixture
def lightos(closed_host: Host) -> Host:
    closed_host.at("/etc/nvme").mkdir()
    closed_host.at("/etc/nvme/hostnqn").write_text(f"{HOST_NQN}\n")
    return closed_host


def test_lightos(lightos: Host, conn: libvirt.virConnect) -> None:
    lightos.at(DISCOVER).mkdir(parents=True)
    client = Discovery(lightos)
    client.start()
    try:
        volume = Volume(conn, document("lightos"))
        xml = volume.connect()
        assert f'<source dev="/dev/disk/by-id/nvme-uuid.{UUID}"/>' in xml  # the path that lasts
        assert "io=" not in xml
        subsystem = "nqn.2016-01.com.lightbitslabs:uuid:1"
        line = f"-t tcp -a 10.0.0.11 -s 8009 -q {HOST_NQN} -n {subsystem}\n"
        assert client.read.splitlines(keepends=True)[1:] == [line]
        size = lightos.at("/sys/class/block/nvme7n1/size")
        size.parent.mkdir()
        size.write_text(f"{2 * GIB // 512}\n")
        assert volume.extend() == 2 * GIB
        volume.disconnect()
        assert lightos.ran("blockdev") == ["blockdev --flushbufs /dev/nvme7n1"]
        assert not list(lightos.at(DISCOVER).iterdir())
    finally:
        client.ended.set()
        client.join()


def test_lightos_without_its_client(
    lightos: Host, conn: libvirt.virConnect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    error = Volume(conn, document("lightos")).refused()
    assert "Failed to create dsc file" in error.message
    assert "discovery client of LightOS is installed" in error.hint
    assert not [one for one in (tmp_path / "tmp").iterdir() if "os-brick" not in one.name]

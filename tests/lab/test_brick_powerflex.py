"""ScaleIO, which is PowerFlex now: the real process with the real os-brick, a gateway on loopback.

`tests/lab/closed_clients.py` says what stands in, and where its answers are from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import libvirt
import pytest
from msgspec.json import encode

from core.errors import HypervisorError
from tests.lab.closed_clients import GUID, Host, Server, Volume, basic, certificate
from tests.unit.core.volumes.infos import document

GIB = 1 << 30
ID = "a2b7cc6300000000"
BY_ID = f"/dev/disk/by-id/emc-vol-7366e3583838ca64-{ID}"
TOKEN = "YWRtaW46MTQ2NzM0NDA4OTc0NTo0MjZhYzBkYTdj"


class Gateway:
    """PowerFlex's, of one volume: what it maps comes up on the host."""

    def __init__(self, host: Host, *, word: str = "sio-word", comes_up: bool = True) -> None:
        self.mapped = False
        self._host, self._word, self._comes_up = host, word, comes_up

    def __call__(self, _: str, path: str, body: Any, who: str) -> tuple[int, Any]:
        if path == "/api/login" and who == basic("admin", self._word):
            return 200, TOKEN
        if who != basic("admin", TOKEN):
            return 401, {"message": "Unauthorized", "httpStatusCode": 401, "errorCode": 0}
        if f"Volume::{ID}/" not in path:
            return _refused(79, "Could not find the volume")
        if path.endswith("addMappedSdc") and self.mapped:
            return _refused(81, "The volume is already mapped to this SDC")
        if path.endswith("removeMappedSdc") and not self.mapped:
            return _refused(84, "The volume is not mapped to this SDC")
        if path.endswith("MappedSdc"):
            self.map(path.endswith("addMappedSdc"))
        return 200, {}

    def map(self, mapped: bool) -> None:
        self.mapped = mapped
        if mapped and self._comes_up:
            self._host.device("scinia", BY_ID)
        else:
            self._host.gone("scinia", BY_ID)


def _refused(code: int, message: str) -> tuple[int, Any]:
    return 500, {"message": message, "httpStatusCode": 500, "errorCode": code}


@contextmanager
def gateway(answer: Gateway, directory: Path) -> Iterator[Server]:
    with Server(answer, certificate(directory)).running() as server:
        yield server


def legacy(server: Server, directory: Path, **more: Any) -> str:
    """Return a connection_info of Cinder's until version 3.5 of its driver."""
    where = {"serverIP": "127.0.0.1", "serverPort": server.port, "scaleIO_volume_id": ID}
    trusted = {"verify_certificate": True, "certificate_path": str(directory / "certificate.pem")}
    return document("scaleio", **{**where, **trusted, **more})


@pytest.fixture
def scini(closed_host: Host) -> Host:
    """Return a host with a client of PowerFlex."""
    closed_host.at("/dev/scini").touch()
    closed_host.at("/dev/disk/by-id").mkdir(parents=True)
    return closed_host


def test_scaleio_as_cinder_maps_it_itself(scini: Host, conn: libvirt.virConnect) -> None:
    scini.device("scinia", BY_ID)
    old = ("hostIP", "serverIP", "serverPort", "serverUsername", "serverPassword", "serverToken")
    less = dict.fromkeys((*old, "iopsLimit", "bandwidthLimit"))
    volume = Volume(conn, document("scaleio", scaleIO_volume_id=ID, sdc_guid=GUID, **less))
    xml = volume.connect()
    assert f'<source dev="{BY_ID}"/>' in xml
    assert 'io="native"' in xml
    scini.device("scinia", size=2 * GIB)
    assert volume.extend() == 2 * GIB
    assert scini.ran("scini", "blockdev") == ["scini 0x610a", f"blockdev --getsize64 {BY_ID}"]
    volume.disconnect()


def test_scaleio_as_os_brick_maps_it(scini: Host, conn: libvirt.virConnect, tmp_path: Path) -> None:
    answer = Gateway(scini)
    with gateway(answer, tmp_path) as server:
        volume = Volume(conn, legacy(server, tmp_path, iopsLimit="1000"))
        assert f'<source dev="{BY_ID}"/>' in volume.connect()
        mapping = {"guid": GUID, "allowMultipleMappings": "TRUE"}
        assert server.sent("addMappedSdc") == [mapping, mapping]  # once more with a token
        assert server.sent("setMappedSdcLimits") == [{"guid": GUID, "iopsLimit": "1000"}]
        assert "sio-word" not in f"{volume.warnings}{encode(volume.entry)!r}{scini.ran()}"
        asked = len(server.asked)
        with pytest.raises(HypervisorError, match="no ledger has the password") as raised:
            volume.disconnect()  # by a detach
        assert "--connection-info-file" in raised.value.hint
        assert len(server.asked) == asked
        volume.disconnect(secrets=True)
        assert server.sent("removeMappedSdc")[-1] == {"guid": GUID}
    assert not answer.mapped


def test_scaleio_by_the_file_of_the_host(
    scini: Host, conn: libvirt.virConnect, tmp_path: Path
) -> None:
    answer = Gateway(scini, word="file-word")
    with gateway(answer, tmp_path) as server:
        text = legacy(server, tmp_path, serverPassword=None, serverToken=None, config_group="flex")
        error = Volume(conn, text).refused()
        assert "connector configuration file is not found" in error.message
        assert "Cinder's driver says" in error.hint
        file = scini.at("/opt/emc/scaleio/openstack/connector.conf")
        file.parent.mkdir(parents=True)
        file.write_text("[flex]\nsan_username = admin\nsan_password = file-word\n")
        volume = Volume(conn, text)
        volume.connect()
        assert "file-word" not in f"{volume.warnings}{encode(volume.entry)!r}"
        volume.disconnect()
    assert not answer.mapped


def test_scaleio_that_refuses(scini: Host, conn: libvirt.virConnect, tmp_path: Path) -> None:
    answer = Gateway(scini, word="another")
    with gateway(answer, tmp_path) as server:
        error = Volume(conn, legacy(server, tmp_path)).refused()
        assert "Error mapping volume volume-1: Unauthorized" in error.message
        assert "refuses the user or password" in error.hint
        assert "sio-word" not in repr((error.message, error.warnings))
        error = Volume(conn, legacy(server, tmp_path, certificate_path=None)).refused()
        assert "CERTIFICATE_VERIFY_FAILED" in error.message
        assert "certificate_path" in error.hint
        scini.at("/dev/scini").unlink()
        error = Volume(conn, legacy(server, tmp_path)).refused()
        assert "sdc guid" in error.message
        assert "scini" in error.hint
    scini.at("/dev/scini").touch()
    error = Volume(conn, legacy(server, tmp_path)).refused()
    assert "Connection refused" in error.message
    assert "does not reach" in error.hint
    with gateway(Gateway(scini), tmp_path) as server:
        error = Volume(conn, legacy(server, tmp_path, scaleIO_volume_id="0" * 16)).refused()
        assert "Could not find the volume" in error.message
        assert "no such volume" in error.hint


def test_scaleio_whose_device_does_not_come_up_is_unmapped(
    scini: Host, conn: libvirt.virConnect, tmp_path: Path
) -> None:
    answer = Gateway(scini, comes_up=False)
    with gateway(answer, tmp_path) as server:
        error = Volume(conn, legacy(server, tmp_path)).refused()
        assert f"ScaleIO volume {ID} not found" in error.message
        assert "has the volume mapped to this host" in error.hint
        assert server.sent("removeMappedSdc")
    assert not answer.mapped

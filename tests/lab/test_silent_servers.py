"""Servers of network images that never answer: seen before QEMU waits for them, on real hosts."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import silent_servers
from core.lab import LabHost, Wanted
from core.volumes.brick.place import brick_host
from core.volumes.look import first_words
from core.xml.image_servers import ImageServer
from tests.lab.private_sshd import PrivateSshd
from tests.lab.seeing import key_of
from tests.lab.small_http import given_out
from tests.lab.test_devices import begin, defined, done
from tests.lab.test_network_disks import served
from tests.lab.test_power import opened

LUN = "iqn.2026-11.org.virtdeck:one/1"


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent_servers, "ANSWERS", 1.0)


@pytest.mark.usefixtures("impatient")
async def test_what_never_answers_is_attached_to_nothing_and_no_guest_waits_for_it(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], silent: int
) -> None:
    name = guest("alpha", "patient")
    vm = await key_of(fleet, name)
    where, raw = f"127.0.0.1:{silent}", {"format": "raw"}
    for url, what, more in (
        (f"iscsi://{where}/{LUN}", "The iSCSI portal", {}),
        (f"nbd://{where}/one", "The NBD server", {}),
        (f"nbds://{where}/one", "The NBD server", {}),
        (f"rbd://{where}/pool/image", "The monitor of Ceph", {}),
        (f"ssh://{where}/one.raw", "The SSH server", raw),
        (f"https://{where}/one.raw", "The web server", {**raw, "access": "read-only"}),
    ):
        with pytest.raises(OperationFailedError) as told:
            await done(fleet, "volume-attach", vm, volume=url, **more)
        assert f"{what} {where} takes the connection and says nothing" in str(told.value)
        assert "nothing was attached" in str(told.value)
        assert "network" not in defined(alpha, name)
    # a monitor of Ceph that is not there is waited for by its library, as long as a silent one
    with pytest.raises(
        OperationFailedError, match=r"The monitor of Ceph 127\.0\.0\.1:9 is not there"
    ):
        await done(fleet, "volume-attach", vm, volume="rbd://127.0.0.1:9/pool/image")
    assert "running" in await asyncio.to_thread(alpha.virsh, "domstate", name)
    answer = await asyncio.to_thread(
        alpha.virsh, "qemu-monitor-command", name, '{"execute": "query-status"}'
    )
    assert json.loads(answer)["return"]["running"]


@pytest.mark.usefixtures("impatient")
async def test_an_instance_is_not_started_on_what_never_answers(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], silent: int
) -> None:
    name = guest("alpha", "waiting", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    url = f"iscsi://127.0.0.1:{silent}/{LUN}"
    await done(fleet, "volume-attach", vm, volume=url)
    silence = r"The iSCSI portal .* says nothing for 1 s\..* so it was not started"
    with pytest.raises(OperationFailedError, match=silence) as told:
        await done(fleet, "start", vm)
    assert "changed" not in str(told.value.hint), "a hard reboot has changed something by then"
    assert "shut off" in await asyncio.to_thread(alpha.virsh, "domstate", name)
    await done(fleet, "volume-detach", vm, disk="vda")
    await done(fleet, "start", vm)


def test_a_host_behind_ssh_is_looked_from_itself(
    alpha: LabHost, silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silent_servers, "ANSWERS", 1.0)
    image = tmp_path / "served.raw"
    image.write_bytes(bytes(1 << 20))
    with PrivateSshd() as sshd, served(image, "one") as port, given_out(tmp_path) as web:
        place = brick_host(sshd.uri(alpha.directory / "run/libvirt/libvirt-sock"))
        servers = [
            ImageServer("nbd", "127.0.0.1", port),
            ImageServer("iscsi", "127.0.0.1", silent),
            ImageServer("ssh", "127.0.0.1", sshd.port),
            ImageServer("http", "127.0.0.1", int(web.partition(":")[2]), path="none?a=b"),
            ImageServer("nfs", "127.0.0.1", 9),
        ]
        found = silent_servers.looked(place, servers)
        assert sshd.logins == 1
    yes, no = first_words.ANSWERS, first_words.SILENT
    assert found[:4] == [yes, no, yes, yes]


async def test_a_user_of_ssh_that_libvirt_leaves_out_is_refused(fleet: Fleet) -> None:
    vm = await key_of(fleet, "web")
    if fleet.state.hosts["alpha"].facts.libvirt_number >= 9_008_000:
        return
    with pytest.raises(RefusedError) as told:
        await begin(fleet, "volume-attach", vm, volume="ssh://joe@127.0.0.1/one", format="raw")
    assert "tells QEMU no user of ssh before 9.8: it would not log in as joe" in str(told.value)

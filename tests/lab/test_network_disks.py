"""Disks that QEMU reaches over the network, and disks that it decrypts: seen in real guests."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from console.describing import definitions_of, trial
from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import connecting
from core.lab import Lab, LabHost
from core.model import ObjectKey
from core.model.secret_value import Secret
from core.state.connections import connections_of, ledger, leftovers
from core.state.next_starts import to_be_read, with_next_starts
from core.verbs.device.host_requests import DisconnectVolume
from core.verbs.undoing import undoing
from core.volumes.brick.place import brick_host
from core.volumes.protocols import PROTOCOLS
from tests.lab.one_host import opened, until
from tests.lab.scratch_disk import ScratchDisks, own
from tests.lab.seeing import key_of
from tests.lab.small_http import QUERY, given_out
from tests.lab.test_devices import begin, defined, done, refresh, shell
from tests.servers import DIES_WITH_US, ServerProcess, free_port, listens

WORD = "let-me-in"


@contextmanager
def served(image: Path, export: str) -> Iterator[int]:
    """Have an NBD server of QEMU's give an image out; yields its port."""
    port = free_port()
    where = ("--bind", "127.0.0.1", "--port", str(port), "--export-name", export)
    words = ("qemu-nbd", "--format", "raw", "--persistent", "--shared", "4", *where, str(image))
    with ServerProcess((*DIES_WITH_US, *words), image.with_suffix(".log")) as server:
        server.wait_until(lambda: listens(port))
        yield port


def encrypted(image: Path, tmp_path: Path) -> None:
    """Make a LUKS image of 16 MiB, the passphrase of which is `WORD`."""
    word = tmp_path / "passphrase"
    word.write_text(WORD)
    options = ["-o", "key-secret=s0,iter-time=10"]
    make = ["qemu-img", "create", "-q", "-f", "luks", "--object", f"secret,id=s0,file={word}"]
    told = subprocess.CompletedProcess[str]([], 1)
    for _ in range(20):  # it measures how fast the CPU is, and on a busy one it may not get to it
        command = [*make, *options, str(image), "16M"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return
        assert "CPU usage" in told.stderr, told.stderr
    raise AssertionError(told.stderr)


def secrets(host: LabHost) -> list[str]:
    """What secrets libvirt has that virtdeck made."""
    return [line for line in host.virsh("secret-list").splitlines() if "virtdeck" in line]


WAITS = "until grep -q vda /proc/partitions; do sleep 0.1; done"


async def test_an_image_of_a_server_is_attached_written_and_given_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks, tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    image = tmp_path / "served.raw"
    image.write_bytes(bytes(8 << 20))
    name = guest("alpha", "remote")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    with served(image, "one") as port:
        url = f"nbd://127.0.0.1:{port}/one"
        limits = ("read_iops_sec=500", "read_iops_sec_max=900", "read_iops_sec_max_length=2")
        operation = await begin(
            fleet, "volume-attach", vm, volume=url, alias="ua-far", limits=limits,
            limit_group="far", logical_block=4096, physical_block=4096,
        )  # fmt: skip
        record = await operation
        assert record.outcome == f"{url} is attached to remote as vda"
        for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
            assert "protocol='nbd'" in xml
            assert "<alias name='ua-far'/>" in xml
            assert "<read_iops_sec_max_length>2</read_iops_sec_max_length>" in xml
            assert "<group_name>far</group_name>" in xml
        line = f"{WAITS}; echo far-away > /dev/vda; sync; cat /sys/block/vda/queue/*_block_size"
        told = await asyncio.to_thread(shell, alpha, name, line)
        assert told.split() == ["4096", "4096"]
        assert image.read_bytes().startswith(b"far-away")
        more = ("size_iops_sec=4096", "write_iops_sec=600")
        await done(fleet, "set-disk-limits", vm, disk="vda", limits=more, limit_group="near")
        for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
            assert "<size_iops_sec>4096</size_iops_sec>" in xml
            assert "<write_iops_sec>600</write_iops_sec>" in xml
            assert "<read_iops_sec>500</read_iops_sec>" in xml  # it was not named
            assert "<group_name>near</group_name>" in xml
        other = await key_of(fleet, "web")
        with pytest.raises(RefusedError, match=r"is used by remote \(vda\)"):
            await begin(fleet, "volume-attach", other, volume=url)
        with pytest.raises(RefusedError, match="vda of remote stays as large as it was when"):
            await begin(fleet, "volume-extend", vm, disk="vda", size="16M")

        back = undoing(record)
        assert back is not None
        record = await (await fleet.submit(back))
        assert record.outcome == "vda (nbd:one) is detached from remote"
        assert "nbd" not in alpha.virsh("dumpxml", name) + defined(alpha, name)
    with pytest.raises(OperationFailedError, match="Connection refused"):
        await (await begin(fleet, "volume-attach", vm, volume=url))
    assert "nbd" not in defined(alpha, name)


async def test_an_image_of_a_web_server_is_read_and_no_more(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "disk.raw").write_bytes(b"far-away".ljust(4 << 20, b"."))
    name = guest("alpha", "reader")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    as_read = {"format": "raw", "access": "read-only"}
    with given_out(pages) as where:
        url = f"http://{where}/disk.raw?{QUERY}"
        with pytest.raises(RefusedError, match="QEMU only reads what it has by http"):
            await begin(fleet, "volume-attach", vm, volume=url, format="raw")
        with pytest.raises(OperationFailedError, match="The web server answers 404 where"):
            await done(fleet, "volume-attach", vm, volume=url.partition("?")[0], **as_read)
        outcome = await done(fleet, "volume-attach", vm, volume=url, **as_read)
        assert outcome == f"{url} is attached to reader as vda"
        for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
            assert "protocol='http' name='disk.raw'" in xml
            assert "<readonly/>" in xml
        line = f"{WAITS}; cat /sys/block/vda/ro; head -c 8 /dev/vda"
        assert await asyncio.to_thread(shell, alpha, name, line) == "1\nfar-away"
        with pytest.raises(RefusedError, match="vda of reader stays as large as it was when"):
            await begin(fleet, "volume-extend", vm, disk="vda")
    line = "dd if=/dev/vda of=/dev/null bs=1M skip=2 count=1 2> /dev/null || echo cannot be read"
    assert "cannot be read" in await asyncio.to_thread(shell, alpha, name, line)
    outcome = await done(fleet, "volume-detach", vm, disk="vda")
    assert outcome == "vda (http:disk.raw) is detached from reader"
    with pytest.raises(OperationFailedError, match="cannot be had from its web server: Failed to"):
        await done(fleet, "volume-attach", vm, volume=url, **as_read)
    assert "http" not in alpha.virsh("dumpxml", name) + defined(alpha, name)


async def test_a_volume_is_decrypted_by_qemu_and_its_secret_goes_with_it(
    fleet: Fleet, lab: Lab, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    tmp_path: Path, booted: Callable[..., None],
) -> None:  # fmt: skip
    image = alpha.pool / "safe.raw"
    await asyncio.to_thread(encrypted, image, tmp_path)
    own(lab, image)
    name = guest("alpha", "secretive")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "safe.raw")
    info = {"driver_volume_type": "local", "data": {"device_path": str(image), "volume_id": "v1"}}
    opened_by = {"connection_info": Secret(json.dumps(info)), "passphrase": Secret(WORD)}

    with pytest.raises(OperationFailedError, match="cannot unlock any keyslot") as failed:
        await (
            await begin(fleet, "volume-attach", vm, **{**opened_by, "passphrase": Secret("wrong")})
        )
    assert "what was done before was undone" in str(failed.value)
    assert secrets(alpha) == []
    assert "safe.raw" not in alpha.virsh("dumpxml", name) + defined(alpha, name)

    outcome = await done(fleet, "volume-attach", vm, **opened_by)
    assert outcome == "the local volume v1 is attached to secretive as vda"
    assert len(secrets(alpha)) == 1
    assert "<serial>v1</serial>" in defined(alpha, name)
    line = f"{WAITS}; echo nobody-reads-this > /dev/vda; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    assert b"nobody-reads-this" not in image.read_bytes()
    assert await done(fleet, "volume-detach", vm, disk="vda") == (
        f"vda ({image}) is detached from secretive"
    )
    assert secrets(alpha) == []

    await done(fleet, "volume-attach", vm, **opened_by, when="now", access="read-only")
    told = await asyncio.to_thread(shell, alpha, name, f"{WAITS}; head -c 17 /dev/vda")
    assert told == "nobody-reads-this"
    await done(fleet, "volume-detach", vm, disk="vda")
    assert secrets(alpha) == []
    kept = (tmp_path / "journal.sqlite3").read_bytes()
    assert WORD.encode() not in kept

    await done(fleet, "volume-attach", vm, **opened_by)  # its definition keeps the disk
    await done(fleet, "volume-detach", vm, disk="vda", when="now")
    (value,) = alpha.directory.rglob("secrets/*.base64")
    before = value.read_bytes()
    disks.make("other", "8M", form="raw")
    await refresh(fleet, vm, "other.raw")
    another = {"volume": "default/other.raw", "passphrase": Secret("another"), "target": "vda"}
    with pytest.raises(OperationFailedError, match="It has a disk vda with a secret, now or from"):
        await done(fleet, "volume-attach", vm, **another)
    assert value.read_bytes() == before
    await done(fleet, "volume-detach", vm, disk="vda")
    assert secrets(alpha) == []


async def test_a_volume_is_connected_by_its_host_and_let_go_by_the_next_console(
    uris: dict[str, str], lab: Lab, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """GPFS, which needs no kernel and no root: os-brick's real connector, told to be needed."""
    here = brick_host(uris["alpha"])
    assert (here.ssh, here.root) == ((), True)
    monkeypatch.setitem(PROTOCOLS, "gpfs", replace(PROTOCOLS["gpfs"], brick=True))
    monkeypatch.setattr(connecting, "place_of", lambda *_: replace(here, root=False))
    disks.make("shared", "8M", form="raw")
    path = str(alpha.pool / "shared.raw")
    data = {"device_path": path, "volume_id": "v2"}
    info = Secret(json.dumps({"driver_volume_type": "gpfs", "data": data, "multiattach": True}))
    one, two = guest("alpha", "first"), guest("alpha", "second")

    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        for name in (one, two):
            vm = await key_of(fleet, name)
            outcome = await done(fleet, "volume-attach", vm, connection_info=info)
            assert outcome == f"the gpfs volume v2 is attached to {name} as vda"
        with pytest.raises(RefusedError, match=r"is used by second on alpha \(vda\)"):
            await begin(fleet, "volume-attach", vm, connection_info=info)
        assert leftovers(fleet.state) == ()

    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        first, second = await key_of(fleet, one), await key_of(fleet, two)
        assert connections_of(fleet.state, first)["vda"].path == path
        asked = await begin(fleet, "volume-detach", first, disk="vda")
        await done(fleet, "hard-reboot", first)  # it has no system that would let go of it
        said = (await asked).outcome
        assert said.endswith("; the gpfs volume v2 stays connected for second"), said
        assert connections_of(fleet.state, first) == {}
        await asyncio.to_thread(alpha.virsh, "detach-disk", two, "vda", "--config")
        await asyncio.to_thread(alpha.virsh, "destroy", two)
        await until(lambda: leftovers(fleet.state) != ())
        assert leftovers(fleet.state)[0][0] == second
        (left,) = ledger(fleet.state)
        assert (left.standing, left.name, left.volume.path) == ("left over", two, path)
        host = ObjectKey("host", "alpha", "alpha")
        said = await done(fleet, "volume-disconnect", host, device=path)
        assert said == f"the gpfs volume v2 ({path}) is disconnected from alpha"
        assert ledger(fleet.state) == []
        with pytest.raises(RefusedError, match="This journal knows of no volume at"):
            await begin(fleet, "volume-disconnect", host, device=path)


async def test_a_volume_that_the_next_start_has_is_not_left_over(
    uris: dict[str, str], lab: Lab, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    here = brick_host(uris["alpha"])
    monkeypatch.setitem(PROTOCOLS, "gpfs", replace(PROTOCOLS["gpfs"], brick=True))
    monkeypatch.setattr(connecting, "place_of", lambda *_: replace(here, root=False))
    disks.make("later", "8M", form="raw")
    path = str(alpha.pool / "later.raw")
    data = {"device_path": path, "volume_id": "v3"}
    info = Secret(json.dumps({"driver_volume_type": "gpfs", "data": data}))
    name, host = guest("alpha", "later"), ObjectKey("host", "alpha", "alpha")

    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        vm = await key_of(fleet, name)
        await done(fleet, "volume-attach", vm, connection_info=info, when="next-start")
        (entry,) = ledger(fleet.state)
        assert (entry.standing, to_be_read(fleet.state, [entry])) == ("left over", [vm])
        read = await definitions_of(fleet, [vm])
        (told,) = with_next_starts([entry], {vm: one for vm, one in read.items() if one})
        assert told.standing == "next start", told
        asked = DisconnectVolume(host, path)
        refusal = await trial(fleet, asked)
        assert "is not left over: the next start of" in str(refusal), refusal
        with pytest.raises(OperationFailedError, match=r"has the gpfs volume v3 .*stays connected"):
            await done(fleet, "volume-disconnect", host, device=path)

        # no event tells of it
        await asyncio.to_thread(alpha.virsh, "detach-disk", name, path, "--config")
        assert await trial(fleet, asked) is None
        said = await done(fleet, "volume-disconnect", host, device=path)
        assert said == f"the gpfs volume v3 ({path}) is disconnected from alpha"
        assert ledger(fleet.state) == []

"""Instances cloned on real QEMU: disks copied, sparse, or laid over; undone where that fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import cloning
from core.lab import LabHost, Wanted
from core.model import OperationStatus
from core.verbs.cloning import Clone
from tests.driver.killed_console import KILLED, Errand, starter
from tests.lab.one_host import opened, until
from tests.lab.seeing import key_of
from tests.patience import PATIENCE

DATA = b"what the guest wrote, " * 50_000


@pytest.fixture
def disk(alpha: LabHost, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes a sparse qcow2 of 64 MiB with the data at its beginning; gone after the test."""
    made: list[str] = []

    def make(name: str) -> str:
        file = tmp_path / name
        file.write_bytes(DATA)
        alpha.virsh("vol-create-as", "default", f"{name}.raw", "64M", "--format", "raw")
        made.append(f"{name}.raw")
        alpha.virsh("vol-upload", f"{name}.raw", str(file), "--pool", "default")
        xml = tmp_path / f"{name}.xml"
        xml.write_text(
            f"<volume><name>{name}.qcow2</name><capacity unit='MiB'>64</capacity>"
            "<target><format type='qcow2'/></target></volume>"
        )
        alpha.virsh(
            *("vol-create-from", "default", str(xml), f"{name}.raw", "--inputpool", "default")
        )
        made.append(f"{name}.qcow2")
        return f"default/{name}.qcow2"

    yield make
    alpha.virsh("pool-refresh", "default")
    left = [line.split()[0] for line in alpha.virsh("vol-list", "default").splitlines() if line]
    for name in left:
        if any(name.startswith(one.partition(".")[0]) for one in made):
            with suppress(LabError):
                alpha.virsh("vol-delete", name, "--pool", "default")


def content(alpha: LabHost, volume: str, tmp_path: Path) -> bytes:
    """What a qcow2 volume holds at its beginning: libvirt converts it to a raw one."""
    xml = tmp_path / "read.xml"
    xml.write_text(
        "<volume><name>read-back.raw</name><capacity unit='MiB'>64</capacity>"
        "<target><format type='raw'/></target></volume>"
    )
    alpha.virsh("vol-create-from", "default", str(xml), volume, "--inputpool", "default")
    back = tmp_path / "back"
    try:
        alpha.virsh("vol-download", "read-back.raw", str(back), "--pool", "default")
    finally:
        alpha.virsh("vol-delete", "read-back.raw", "--pool", "default")
    return back.read_bytes()[: len(DATA)]


def allocation(alpha: LabHost, volume: str) -> int:
    found = re.search(r"Allocation:\s+(\d+)", alpha.virsh("vol-info", volume, "default", "--bytes"))
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("how", ["copy", "overlay"])
async def test_a_clone_has_all_of_its_own_and_the_data(
    how: str,
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    remove_guest: Callable[[str], None],
    disk: Callable[[str], str],
    tmp_path: Path,
) -> None:
    name = guest("alpha", f"origin-{how}", disk=disk(f"origin-{how}"), wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await until(lambda: fleet.state.instances[vm].described)
    to = f"of-{how}"
    volume = f"{to}.qcow2"
    try:
        record = await (await fleet.submit(Clone(vm, to, how)))  # type: ignore[arg-type]
        assert record.status is OperationStatus.DONE
        copied = "copied" if how == "copy" else "laid over the originals"
        assert record.outcome == f"{to} is a clone of {name}, 1 disk {copied}"
        other = await key_of(fleet, to)
        await until(lambda: fleet.state.instances[other].described)
        row, clone = fleet.state.instances[vm], fleet.state.instances[other]
        assert clone.uuid != row.uuid
        assert clone.interfaces[0].mac != row.interfaces[0].mac
        assert clone.disks[0].source is not None
        assert clone.disks[0].source.path.endswith(volume)
        assert await asyncio.to_thread(content, alpha, volume, tmp_path) == DATA
        if how == "copy":
            sizes = [allocation(alpha, one) for one in (f"{name}.qcow2", volume)]
            assert sizes[1] <= sizes[0] + (1 << 16), sizes
        await asyncio.to_thread(alpha.virsh, "start", to)
    finally:
        await asyncio.to_thread(remove_guest, to)
        with suppress(LabError):
            await asyncio.to_thread(alpha.virsh, "vol-delete", volume, "--pool", "default")


async def test_a_clone_that_fails_leaves_nothing(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disk: Callable[[str], str]
) -> None:
    name = guest("alpha", "origin-of-none", disk=disk("origin-of-none"), wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await until(lambda: fleet.state.instances[vm].described)
    before = alpha.virsh("vol-list", "default")
    taken = "origin-taken"
    await asyncio.to_thread(
        alpha.virsh, "vol-create-as", "default", f"{taken}.qcow2", "1M", "--format", "qcow2"
    )
    told = (
        "The volume default/origin-taken.qcow2 is there already.*volume delete default/origin-taken"
    )
    with pytest.raises(OperationFailedError, match=told):
        await (await fleet.submit(Clone(vm, taken)))
    assert taken not in alpha.virsh("list", "--all", "--name").split()
    info = await asyncio.to_thread(alpha.virsh, "vol-info", f"{taken}.qcow2", "default")
    assert "1.00 MiB" in info  # what was there is left alone
    await asyncio.to_thread(alpha.virsh, "vol-delete", f"{taken}.qcow2", "--pool", "default")
    assert alpha.virsh("vol-list", "default") == before
    with pytest.raises(RefusedError, match="has an instance called"):
        await fleet.submit(Clone(vm, name))


@pytest.mark.parametrize("ends", ["running", "off again"])
async def test_an_original_that_is_started_in_mid_copy_has_no_torn_clone(
    ends: str,
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    disk: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Libvirt copies a raw volume itself, and heeds no lock."""
    source = disk("torn").replace(".qcow2", ".raw")
    name = guest("alpha", "torn", disk=source, wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await until(lambda: fleet.state.instances[vm].described)
    before = alpha.virsh("vol-list", "default")
    transferring = cloning.transferring

    @contextmanager
    def meanwhile(*args: Any) -> Iterator[None]:
        with transferring(*args):
            alpha.virsh("start", name)
            yield  # it is copied
            if ends == "off again":
                alpha.virsh("destroy", name)

    monkeypatch.setattr(cloning, "transferring", meanwhile)
    with pytest.raises(OperationFailedError, match="was started while it was being cloned") as told:
        await (await fleet.submit(Clone(vm, "torn-copy")))
    assert "what was done before was undone" in str(told.value)
    assert "torn-copy" not in alpha.virsh("list", "--all", "--name").split()
    assert alpha.virsh("vol-list", "default") == before
    await until(lambda: fleet.state.instances[vm].state.active == (ends == "running"))


async def test_a_console_killed_at_any_point_never_costs_a_clone_its_disk(
    alpha: LabHost,
    uris: dict[str, str],
    guest: Callable[..., str],
    remove_guest: Callable[[str], None],
    disk: Callable[[str], str],
    tmp_path: Path,
) -> None:
    """Whoever is asked by the next console has it sent once more."""
    name = guest("alpha", "cut", disk=disk("cut"), wanted=Wanted.SHUT_OFF)
    uuid = alpha.virsh("domuuid", name).strip()
    with starter() as consoles:
        for point in count(1):
            to, journal = f"cut-{point}", tmp_path / f"cut-{point}.sqlite3"
            errand = Errand(uris["alpha"], str(journal), "clone", uuid, {"to": to}, point)
            status = await consoles.run(errand)
            async with opened(uris, journal) as fleet:

                async def ended(fleet: Fleet) -> bool:
                    for one in fleet.state.operations.values():
                        if one.status is OperationStatus.ASKING and one.question is not None:
                            words = {answer.word for answer in one.question.choices}
                            await fleet.answer(one.id, "again" if "again" in words else "go-on")
                    return all(one.status.final for one in fleet.state.operations.values())

                async with asyncio.timeout(60 * PATIENCE):
                    while not await ended(fleet):  # noqa: ASYNC110 - of another process's journal
                        await asyncio.sleep(0.2)
                records = list(fleet.state.operations.values())
            made = to in await asyncio.to_thread(alpha.instances)
            volume = alpha.pool / f"{to}.qcow2"
            told = [(one.status, one.outcome) for one in records]
            assert volume.exists() or not made, (point, told)
            if volume.exists() and not made:  # nobody but libvirt knows whose it is
                assert volume.name in str(told), (point, told)
            if records:
                assert made == (records[0].status is OperationStatus.DONE), (point, told)
            await asyncio.to_thread(remove_guest, to)
            volume.unlink(missing_ok=True)
            await asyncio.to_thread(alpha.virsh, "pool-refresh", "default")
            if status != KILLED:
                assert made, told
                assert point > 4
                return

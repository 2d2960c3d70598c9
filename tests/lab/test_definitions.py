"""Definitions changed on real QEMU: edited, tuned, booted from a rescue image and put back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError, OperationFailedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import ObjectKey, OperationRecord, OperationStatus
from core.model.secret_value import Secret
from core.verbs.editing import edited
from core.verbs.registry import VERBS
from tests.lab.one_host import until
from tests.lab.seeing import key_of

PASSWORD = "n0body47"
"""Eight signs: VNC takes no more."""
SAID = b"RESCUE BOOTED\r\n"
BOOT_SECTOR = (
    # prints SAID on the first serial port: xor ax,ax; mov ds,ax; cld; mov si,0x7c16; lodsb;
    # or al,al; jz +6; mov dx,0x3f8; out dx,al; jmp -11; hlt; jmp -3
    bytes.fromhex("31c0 8ed8 fc be167c ac 08c0 7406 baf803 ee ebf5 f4 ebfd") + SAID + b"\0"
).ljust(510, b"\0") + b"\x55\xaa"
DATA = b"the data of the guest, " * 1000


@pytest.fixture
def volume(alpha: LabHost, tmp_path: Path) -> Iterator[Callable[[str, bytes], str]]:
    """Makes a raw volume of the pool `default` that holds this; gone after the test."""
    made: list[str] = []

    def make(name: str, data: bytes) -> str:
        file = tmp_path / name
        file.write_bytes(data.ljust(1 << 20, b"\0"))
        alpha.virsh("vol-create-as", "default", name, "1M", "--format", "raw")
        made.append(name)
        alpha.virsh("vol-upload", name, str(file), "--pool", "default")
        return f"default/{name}"

    yield make
    for name in made:
        with suppress(LabError):
            alpha.virsh("vol-delete", name, "--pool", "default")


async def done(fleet: Fleet, verb: str, key: ObjectKey, **options: Any) -> OperationRecord:
    record = await (await fleet.submit(VERBS[verb].request(subject=key, **options)))
    assert isinstance(record, OperationRecord)
    assert record.status is OperationStatus.DONE, record
    return record


def _halves(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def everything(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


def defined(alpha: LabHost, name: str) -> str:
    return alpha.virsh("dumpxml", name, "--inactive", "--security-info")


async def test_a_definition_is_edited_with_its_password_and_counts_from_the_next_start(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], tmp_path: Path
) -> None:
    name = guest("alpha", "edited")
    vm = await key_of(fleet, name)
    await done(fleet, "set-graphics", vm, type="vnc", password=Secret(PASSWORD))
    assert f"passwd='{PASSWORD}'" in await asyncio.to_thread(defined, alpha, name)
    base = await fleet.definitions.document(vm)
    assert PASSWORD not in base
    text = base.replace(">preserve</on_crash>", ">destroy</on_crash>")
    wrong = text.replace("<on_crash>", "<on_crush>").replace("</on_crash>", "</on_crush>")
    line = 1 + next(at for at, each in enumerate(wrong.splitlines()) if "<on_crush>" in each)
    with pytest.raises(OperationFailedError, match=rf"Line {line}: libvirt's schema refuses it"):
        await (await fleet.submit(edited(vm, wrong, base)))
    record = await (await fleet.submit(edited(vm, text, base)))
    assert record.outcome == "edited is defined anew, from its next start on"
    there = await asyncio.to_thread(defined, alpha, name)
    assert "<on_crash>destroy</on_crash>" in there
    assert f"passwd='{PASSWORD}'" in there
    assert "<on_crash>preserve</on_crash>" in alpha.virsh("dumpxml", name)
    await done(fleet, "hard-reboot", vm)
    live = await asyncio.to_thread(alpha.virsh, "dumpxml", name, "--security-info")
    assert "<on_crash>destroy</on_crash>" in live
    assert f"passwd='{PASSWORD}'" in live
    assert PASSWORD.encode() not in everything(tmp_path)


async def test_limits_and_links_of_what_runs_are_set_at_once_and_stay(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], volume: Callable[[str, bytes], str]
) -> None:
    name = guest("alpha", "limited", disk=volume("limited.raw", DATA))
    vm = await key_of(fleet, name)
    await until(lambda: fleet.state.instances[vm].described)
    mac = fleet.state.instances[vm].interfaces[0].mac
    await done(fleet, "set-disk-limits", vm, disk="vda", total_iops=100, read_rate=8)
    for side in ("--live", "--config"):
        shown = alpha.virsh("blkdeviotune", name, "vda", side).splitlines()
        limits = {key.strip(): value.strip() for key, _, value in map(_halves, shown)}
        assert (limits["total_iops_sec"], limits["read_bytes_sec"]) == ("100", str(8 << 20))
    await done(fleet, "set-link", vm, interface=mac, state="down")
    assert "down" in alpha.virsh("domif-getlink", name, mac)
    assert "down" in alpha.virsh("domif-getlink", name, mac, "--config")
    assert not fleet.state.instances[vm].interfaces[0].link_up
    await done(fleet, "set-link", vm, interface=mac, state="up", when="now")
    assert "up" in alpha.virsh("domif-getlink", name, mac)
    assert "down" in alpha.virsh("domif-getlink", name, mac, "--config")


async def test_what_is_given_to_an_instance_is_there_once_it_starts(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], volume: Callable[[str, bytes], str]
) -> None:
    disk = volume("tuned.raw", DATA)
    name = guest("alpha", "tuned", disk=disk, wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    with pytest.raises(OperationFailedError, match="knows no CPU model Nehalm of x86_64") as error:
        await done(fleet, "set-cpu-mode", vm, mode="custom", model="Nehalm")
    assert "Nehalem" in error.value.hint
    await done(fleet, "set-cpu-mode", vm, mode="custom", model="Nehalem")
    await done(fleet, "set-cpu-mode", vm, mode="maximum")
    await done(fleet, "set-watchdog", vm, model="i6300esb", action="pause")
    await done(fleet, "add-rng", vm)
    await done(fleet, "set-boot-order", vm, devices=("vda",))
    there = await asyncio.to_thread(defined, alpha, name)
    assert "<cpu mode='maximum'" in there
    assert "<watchdog model='i6300esb' action='pause'>" in there
    assert "<backend model='random'>/dev/urandom</backend>" in there
    assert "<boot order='1'/>" in there
    await done(fleet, "start", vm)
    assert "<watchdog model='i6300esb' action='pause'>" in alpha.virsh("dumpxml", name)


async def test_a_rescue_boots_its_image_beside_the_disks_and_is_put_back(
    fleet: Fleet,
    lab: Lab,
    alpha: LabHost,
    guest: Callable[..., str],
    volume: Callable[[str, bytes], str],
    tmp_path: Path,
) -> None:
    disk, image = volume("broken.raw", DATA), volume("rescue.raw", BOOT_SECTOR)
    name = guest("alpha", "broken", disk=disk)
    vm = await key_of(fleet, name)
    before = await asyncio.to_thread(defined, alpha, name)
    log = lab.root / "logs" / f"{name}.log"
    record = await done(fleet, "rescue", vm, image=image)
    assert record.outcome == f"broken runs to be rescued from {image}, its disks beside it"
    await until(lambda: SAID in log.read_bytes())
    shown = await asyncio.to_thread(alpha.virsh, "domblklist", name)
    assert [line.split()[0] for line in shown.splitlines() if line.strip()] == ["vda", "vdb"]
    await until(lambda: fleet.state.instances[vm].rescue)
    record = await done(fleet, "unrescue", vm)
    assert record.outcome == "broken runs as it was before its rescue"
    assert await asyncio.to_thread(defined, alpha, name) == before
    await until(lambda: not fleet.state.instances[vm].rescue)
    assert fleet.state.instances[vm].state.active
    back = tmp_path / "back.raw"
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await asyncio.to_thread(
        alpha.virsh, "vol-download", "broken.raw", str(back), "--pool", "default"
    )
    assert back.read_bytes().startswith(DATA)


async def test_a_rescue_whose_image_is_missing_leaves_it_as_it_was(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], volume: Callable[[str, bytes], str]
) -> None:
    name = guest("alpha", "saved-from-it", disk=volume("whole.raw", DATA))
    vm = await key_of(fleet, name)
    before = await asyncio.to_thread(defined, alpha, name)
    request = VERBS["rescue"].request(subject=vm, image="/nowhere/rescue.iso")
    with pytest.raises(OperationFailedError, match="what was done before was undone"):
        await (await fleet.submit(request))
    assert await asyncio.to_thread(defined, alpha, name) == before
    await until(lambda: fleet.state.instances[vm].state.active)
    assert not fleet.state.instances[vm].rescue

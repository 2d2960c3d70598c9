"""Disks and network devices attached to real guests, and detached: seen in the guest."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import device as device_calls
from core.hypervisor.calls.volume_users import user_of
from core.lab import IGNORE_UNPLUG, LabHost, Wanted
from core.model import ObjectKey, OperationStatus
from core.source import Operation
from core.verbs.device import disk
from core.verbs.registry import VERBS
from core.verbs.undoing import undoing
from tests.lab.asking_guests import in_guest
from tests.lab.one_host import domstate, until
from tests.lab.scratch_disk import ScratchDisks
from tests.lab.seeing import key_of


async def begin(fleet: Fleet, verb: str, vm: ObjectKey, **options: Any) -> Operation:
    return await fleet.submit(VERBS[verb].request(subject=vm, **options))


async def done(fleet: Fleet, verb: str, vm: ObjectKey, **options: Any) -> str:
    record = await (await begin(fleet, verb, vm, **options))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


async def pool_of(fleet: Fleet, host: str, name: str) -> ObjectKey:
    def found() -> list[ObjectKey]:
        pools = fleet.state.pools
        return [key for key, row in pools.items() if (row.host, row.name) == (host, name)]

    await until(found)
    return found()[0]


async def refresh(fleet: Fleet, vm: ObjectKey, volume: str) -> None:
    """Have a new volume of the pool `default` known: it is read some time after the refresh."""
    key = await pool_of(fleet, vm.host, "default")
    await (await fleet.submit(VERBS["pool-refresh"].request(subject=key)))
    await until(
        lambda: any(one.name == volume and one.described for one in fleet.state.volumes.values())
    )


def shell(alpha: LabHost, name: str, line: str) -> str:
    return in_guest(alpha, name, "/bin/sh", "-c", line)


def defined(alpha: LabHost, name: str) -> str:
    return alpha.virsh("dumpxml", "--inactive", name)


async def test_a_volume_is_attached_written_and_given_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    disks.make("spare", "32M", form="raw")
    name = guest("alpha", "plugged")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "spare.raw")

    later = guest("alpha", "pending")
    pending = await key_of(fleet, later)
    await done(fleet, "volume-attach", pending, volume="default/spare.raw", when="next-start")
    with pytest.raises(OperationFailedError, match="is used by pending, now or from its next"):
        await (await begin(fleet, "volume-attach", vm, volume="default/spare.raw"))
    await done(fleet, "volume-detach", pending, disk="vda", when="next-start")

    operation = await begin(fleet, "volume-attach", vm, volume="default/spare.raw", serial="s1")
    record = await operation
    assert record.outcome == "default/spare.raw is attached to plugged as vda"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "spare.raw" in xml
        assert "<serial>s1</serial>" in xml
    seen = "until grep -q vda /proc/partitions; do sleep 0.1; done"
    line = f"{seen}; echo attached-here > /dev/vda; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    image = alpha.pool / "spare.raw"
    assert image.read_bytes().startswith(b"attached-here")
    with pytest.raises(RefusedError, match="plugged has it already, as vda"):
        await begin(fleet, "volume-attach", vm, volume="default/spare.raw")
    with pytest.raises(RefusedError, match=r"has a disk vda already.*vdb"):
        await begin(fleet, "volume-attach", vm, volume="default/clone.qcow2", target="vda")
    other = await key_of(fleet, "web")
    with pytest.raises(RefusedError, match=r"is used by plugged \(vda\)"):
        await begin(fleet, "volume-attach", other, volume="default/spare.raw")

    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert record.outcome == f"vda ({image}) is detached from plugged"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "spare.raw" not in xml
    assert "vda" not in await asyncio.to_thread(shell, alpha, name, "cat /proc/partitions")
    assert image.read_bytes().startswith(b"attached-here")


async def test_a_guest_that_does_not_let_go_is_asked_again_and_then_the_operator(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    disk = disks.make("kept", "32M")
    name = guest("alpha", "holding", IGNORE_UNPLUG, disk=disk)
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    few: dict[str, Any] = {"disk": "vda", "attempts": 2, "patience": 1.0}

    operation = await begin(fleet, "volume-detach", vm, **few)
    await until(lambda: operation.record.question is not None)
    question = operation.record.question
    assert question is not None
    assert "was asked 2 times to let go of vda, and has not" in question.text
    assert "kept.qcow2" not in defined(alpha, name)
    await fleet.answer(operation.id, "ask-again")
    await until(
        lambda: (
            operation.record.question is not None and operation.record.question.key != question.key
        )
    )
    again = operation.record.question
    assert again is not None
    assert "was asked 4 times" in again.text
    await fleet.answer(operation.id, "leave")
    with pytest.raises(OperationCancelledError, match=r"until it is off, and no more at its next"):
        await operation
    assert "kept.qcow2" in alpha.virsh("dumpxml", name)

    operation = await begin(fleet, "volume-detach", vm, disk="vda", patience=60.0)
    await until(lambda: len(operation.record.steps) > 1)
    await done(fleet, "hard-reboot", vm)
    record = await operation
    assert record.status is OperationStatus.DONE, record
    assert "is detached from holding with its power" in record.outcome
    assert "kept.qcow2" not in alpha.virsh("dumpxml", name)


async def test_a_paused_guest_lets_go_once_it_is_resumed(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    name = guest("alpha", "asleep", disk=disks.make("asleep", "32M"))
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    await done(fleet, "pause", vm)
    operation = await begin(fleet, "volume-detach", vm, disk="vda")
    await until(lambda: any("is paused" in step.text for step in operation.record.steps))
    assert not operation.record.status.final
    await asyncio.to_thread(alpha.virsh, "resume", name)
    record = await operation
    assert record.status is OperationStatus.DONE, record
    assert "asleep.qcow2" not in alpha.virsh("dumpxml", name)


@pytest.mark.parametrize("when", ["both", "now"])
async def test_one_that_another_was_given_in_the_same_moment_is_told_until_it_is_given_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks,
    monkeypatch: pytest.MonkeyPatch, when: str,
) -> None:  # fmt: skip
    volume = disks.make("both", "32M")
    name = guest("alpha", "paused")
    other = guest("alpha", "other", disk=volume, wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "both.qcow2")
    await done(fleet, "pause", vm)
    asked = iter([True])

    def late(*given: Any, **more: Any) -> str:
        """Answer as before the other had it, the first time."""
        return "" if next(asked, False) else user_of(*given, **more)

    monkeypatch.setattr(device_calls, "user_of", late)
    monkeypatch.setattr(disk, "against_users", lambda *_: ())
    with pytest.raises(OperationFailedError, match="is here still, as vda: its guest has not let"):
        await done(fleet, "volume-attach", vm, volume=volume, when=when)
    assert "both.qcow2" in alpha.virsh("dumpxml", name)
    assert "both.qcow2" not in defined(alpha, name)
    assert "both.qcow2" in defined(alpha, other)


async def test_what_libvirt_does_not_take_is_nowhere(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks
) -> None:
    name = guest("alpha", "refusing")
    vm = await key_of(fleet, name)
    missing = str(alpha.pool / "gone.raw")
    before = defined(alpha, name)
    with pytest.raises(OperationFailedError, match="There is no file"):
        await (await begin(fleet, "volume-attach", vm, volume=missing, format="raw"))
    assert defined(alpha, name) == before
    with pytest.raises(RefusedError, match="on sata cannot be attached while"):
        await begin(fleet, "volume-attach", vm, volume=missing, format="raw", bus="sata")
    with pytest.raises(RefusedError, match=r"What format .* is not known: say raw or qcow2"):
        await begin(fleet, "volume-attach", vm, volume=missing)
    with pytest.raises(RefusedError, match="no disk vdz"):
        await (await begin(fleet, "volume-detach", vm, disk="vdz"))


async def test_a_format_that_a_guest_may_have_written_is_not_believed(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks
) -> None:
    disks.make("named", "16M", form="raw")
    disks.make("apart", "16M", form="raw")
    disks.make("own", "16M", form="raw")
    disks.make("base", "16M", form="raw")
    disks.make("data", "16M", form="raw")
    at = {one: str(alpha.pool / f"{one}.raw") for one in ("named", "apart", "own", "base", "data")}
    name = guest("alpha", "owner", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "own.raw")
    await done(fleet, "volume-attach", vm, volume="default/own.raw")
    # as their guests could have written
    for one, more in (
        ("named", ("-b", at["base"], "-F", "raw")),
        ("own", ("-b", at["base"], "-F", "raw")),
        ("apart", ("-o", f"data_file={at['data']},data_file_raw=on")),
    ):
        words = ("qemu-img", "create", "-q", "-f", "qcow2", *more, at[one], "16M")
        await asyncio.to_thread(subprocess.run, words, check=True)
    pool = await pool_of(fleet, "alpha", "default")
    await done(fleet, "pool-refresh", pool)

    def found() -> bool:
        rows = {one.name: one for one in fleet.state.volumes.values() if one.described}
        three = [rows.get(f"{one}.raw") for one in ("named", "apart", "own")]
        return all(one is not None and one.format == "qcow2" for one in three)

    await until(found)
    with pytest.raises(RefusedError, match=r"named\.raw reads as qcow2 over .*base\.raw, and its"):
        await begin(fleet, "volume-attach", vm, volume="default/named.raw")
    with pytest.raises(OperationFailedError, match=r"apart\.raw reads as qcow2 that may name"):
        await done(fleet, "volume-attach", vm, volume="default/apart.raw")
    with pytest.raises(OperationFailedError, match=r"own\.raw is a raw disk, and libvirt would"):
        await done(fleet, "clone", vm, to="owner2")
    keys = {one.name: key for key, one in fleet.state.volumes.items()}
    for one in ("named", "apart"):
        with pytest.raises(OperationFailedError, match=f"{one}.raw reads as qcow2 that may name"):
            await done(fleet, "volume-clone", keys[f"{one}.raw"], to="copy.raw")
    assert "copy.raw" not in alpha.virsh("vol-list", "default")
    outcome = await done(fleet, "volume-attach", vm, volume="default/named.raw", format="raw")
    assert "default/named.raw is attached to owner" in outcome


async def test_what_is_off_has_it_from_its_next_start_on(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks
) -> None:
    disks.make("later", "32M")
    name = guest("alpha", "still", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "later.qcow2")
    outcome = await done(fleet, "volume-attach", vm, volume="default/later.qcow2", bus="sata")
    assert outcome == "default/later.qcow2 is attached to still as sda, from its next start on"
    assert "type='qcow2'" in defined(alpha, name)
    with pytest.raises(RefusedError, match="still has no disk vdz: it has sda"):
        await begin(fleet, "volume-detach", vm, disk="vdz")
    assert "is detached from still" in await done(fleet, "volume-detach", vm, disk="sda")
    assert "later.qcow2" not in defined(alpha, name)
    assert domstate(alpha, name) == "shut off"


async def test_an_interface_is_attached_and_given_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    name = guest("alpha", "wired")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    record = await (await begin(fleet, "interface-attach", vm, network="user", link="down"))
    assert record.status is OperationStatus.DONE, record
    mac = next(word for word in record.outcome.split() if word.count(":") == 5)
    assert alpha.virsh("dumpxml", name).count(mac) == 1
    assert defined(alpha, name).count(mac) == 1
    line = f"cat /sys/class/net/*/address | grep -c {shlex.quote(mac)}"
    seen = f"until {line}; do sleep 0.1; done"
    assert (await asyncio.to_thread(shell, alpha, name, seen)).split()[-1] == "1"
    with pytest.raises(RefusedError, match=r"has an interface .* already"):
        await begin(fleet, "interface-attach", vm, network="user", mac=mac.upper())
    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert record.status is OperationStatus.DONE, record
    assert mac not in alpha.virsh("dumpxml", name)
    assert mac not in defined(alpha, name)
    assert (await asyncio.to_thread(shell, alpha, name, line)).strip() == "0"


async def test_random_numbers_are_plugged_in_and_out_and_what_is_not_there_is_not(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    name = guest("alpha", "random")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    record = await (await begin(fleet, "device-attach", vm, device="rng:/dev/random"))
    assert record.outcome == "rng:/dev/random is attached to random"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "/dev/random" in xml
    with pytest.raises(RefusedError, match="random has rng:/dev/random already"):
        await begin(fleet, "device-attach", vm, device="rng:/dev/random")
    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert record.outcome == "rng:/dev/random is detached from random"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "/dev/random" not in xml
    before = defined(alpha, name)
    for device in ("usb:1234:5678", "pci:99:00.0"):
        with pytest.raises(OperationFailedError):
            await (await begin(fleet, "device-attach", vm, device=device))
    assert defined(alpha, name) == before


DRIVE = """
<disk type='file' device='cdrom'>
  <driver name='qemu' type='raw'/><target dev='sda' bus='scsi'/><readonly/>
</disk>"""


async def test_a_medium_is_put_in_taken_out_and_put_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks, tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    disks.make("tools", "1M", form="raw")
    medium = alpha.pool / "tools.raw"
    medium.write_bytes(b"tools-on-a-disc".ljust(1 << 20, b"."))
    name = guest("alpha", "driven", wanted=Wanted.SHUT_OFF)
    drive = tmp_path / "drive.xml"
    drive.write_text(DRIVE)
    await asyncio.to_thread(alpha.virsh, "attach-device", name, str(drive), "--config")
    await asyncio.to_thread(alpha.virsh, "start", name)
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    await refresh(fleet, vm, "tools.raw")

    record = await (await begin(fleet, "change-media", vm, drive="sda", medium="default/tools.raw"))
    assert record.outcome == "default/tools.raw is in sda of driven"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "tools.raw" in xml
    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert record.outcome == "nothing is in sda of driven"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "tools.raw" not in xml
        assert "device='cdrom'" in xml
    again = undoing(record)
    assert again is not None
    assert (await (await fleet.submit(again))).status is OperationStatus.DONE
    assert "tools.raw" in alpha.virsh("dumpxml", name)
    before = (alpha.virsh("dumpxml", name), defined(alpha, name))
    with pytest.raises(OperationFailedError):
        await (await begin(fleet, "change-media", vm, drive="sda", medium="/nowhere/gone.iso"))
    assert (alpha.virsh("dumpxml", name), defined(alpha, name)) == before
    with pytest.raises(RefusedError, match="driven has no drive vda: it has sda"):
        await begin(fleet, "change-media", vm, drive="vda")
    with pytest.raises(RefusedError, match=r"no volume gone\.iso"):
        await begin(fleet, "change-media", vm, drive="sda", medium="default/gone.iso")


async def test_a_volume_is_made_and_deleted(fleet: Fleet, alpha: LabHost) -> None:
    pool = await pool_of(fleet, "alpha", "default")
    record = await (await begin(fleet, "volume-create", pool, name="made.qcow2", size="48M"))
    assert record.outcome == "default/made.qcow2 is made, of 48 MiB"
    assert "<capacity unit='bytes'>50331648<" in alpha.virsh("vol-dumpxml", "made.qcow2", "default")
    await until(lambda: any(one.name == "made.qcow2" for one in fleet.state.volumes.values()))
    with pytest.raises(RefusedError, match=r"has a volume made\.qcow2 already"):
        await begin(fleet, "volume-create", pool, name="made.qcow2", size="48M")
    made = next(key for key, one in fleet.state.volumes.items() if one.name == "made.qcow2")
    deletes = VERBS["volume-delete"].request(subject=made)
    await until(lambda: not fleet.check(deletes))  # what it is based on is read by then
    assert await done(fleet, "volume-delete", made) == "made.qcow2 is deleted"
    assert "made.qcow2" not in alpha.virsh("vol-list", "default")

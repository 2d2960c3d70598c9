"""Instances made on real QEMU: booted, written to and read back; and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import libvirt
import pycdlib
import pytest

from core.errors import LabError, OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import streams
from core.lab import Lab, LabHost
from core.model import LinkStatus, OperationStatus
from core.model.secret_value import Secret
from core.verbs.create.remove_seed import RemoveSeed
from core.verbs.power.requests import Start, Stop
from core.verbs.undefining import Undefine
from core.verbs.undoing import undoing
from tests.lab.making import asked, booting, in_guest, known, make, remove, there, volumes
from tests.lab.one_host import until

MARK = "virtdeck-was-here"
HASH = "$6$salty$notarealhashbutlongenough"


@pytest.fixture
def named(alpha: LabHost) -> Iterator[Callable[[str], str]]:
    """Returns a name; what is made under it is gone after the test."""
    names: list[str] = []

    def name(wanted: str) -> str:
        names.append(wanted)
        return wanted

    yield name
    alpha.ensure_daemon()
    for wanted in names:
        remove(alpha, wanted)


@pytest.fixture
def image(alpha: LabHost, named: Callable[[str], str], tmp_path: Path) -> str:
    """A raw image of 32 MiB in the pool `default`, with a mark after its first 10 MiB."""
    file = tmp_path / "image.raw"
    with file.open("wb") as out:
        out.truncate(32 << 20)
        out.seek(4 << 20)
        out.write(os.urandom(16 << 20))
        out.seek(10 << 20)
        out.write(MARK.encode())
    tmp_path.chmod(0o755)
    name = named("image-of-test") + ".raw"
    alpha.virsh("vol-create-as", "default", name, "32M", "--format", "raw")
    alpha.virsh("vol-upload", name, str(file), "--pool", "default")
    alpha.virsh("pool-refresh", "default")
    return f"default/{name}"


READ = "dd if=/dev/vda bs=1M skip=10 count=1 2>/dev/null | head -c {}"
WRITE = "printf {} | dd of=/dev/vda bs=1M seek=10 conv=notrunc 2>/dev/null; sync"
"""Where the lab's guest writes nothing: it makes a file system on a disk that has none."""


async def test_one_of_the_short_form_boots_and_keeps_what_is_written(
    fleet: Fleet, lab: Lab, alpha: LabHost, booted: Callable[..., None], named: Callable[[str], str]
) -> None:
    name = named("fresh")
    record = await make(fleet, "create", name=name, size=1, **booting(lab, name))
    assert record.outcome == "fresh runs on alpha"
    assert [step.call for step in record.steps if step.call] == [
        *("prove", "volume-create", "define", "create"),
    ]
    await asyncio.to_thread(booted, "alpha", name)
    await asyncio.to_thread(in_guest, alpha, name, WRITE.format(MARK))
    for request in (Stop(record.subject), Start(record.subject)):
        await (await fleet.submit(request))
    await asyncio.to_thread(booted, "alpha", name)
    read = await asyncio.to_thread(in_guest, alpha, name, READ.format(len(MARK)))
    assert read == MARK
    size = await asyncio.to_thread(in_guest, alpha, name, "cat /sys/block/vda/size")
    assert int(size) * 512 == 1 << 30

    await (await fleet.submit(Stop(record.subject)))
    undo = undoing(record)
    assert undo == Undefine(record.subject, ("vda",))
    await until(lambda: all(one.described for one in fleet.state.instances.values()))
    await until(lambda: any(one.name == "fresh.qcow2" for one in fleet.state.volumes.values()))
    await until(lambda: all(one.described for one in fleet.state.volumes.values()))
    await (await fleet.submit(undo))
    instances, left = await there(alpha)
    assert name not in instances
    assert "fresh.qcow2" not in left


async def test_a_copy_of_an_image_is_its_own_and_one_over_it_leaves_it_as_it_is(
    fleet: Fleet,
    lab: Lab,
    alpha: LabHost,
    booted: Callable[..., None],
    named: Callable[[str], str],
    image: str,
) -> None:
    before = await asyncio.to_thread((alpha.pool / image.partition("/")[2]).read_bytes)
    for name, how in ((named("copied"), "copy"), (named("over"), "over")):
        options = {"how": how, "image": image, "size": 1, "seed": False}
        record = await make(fleet, "create-from-image", name=name, **options, **booting(lab, name))
        assert record.outcome == f"{name} runs on alpha"
        await asyncio.to_thread(booted, "alpha", name)
        read = await asyncio.to_thread(in_guest, alpha, name, READ.format(len(MARK)))
        assert read == MARK, how
        await asyncio.to_thread(in_guest, alpha, name, WRITE.format(MARK.upper()))
        size = await asyncio.to_thread(in_guest, alpha, name, "cat /sys/block/vda/size")
        assert int(size) * 512 == 1 << 30
    chain = alpha.virsh("vol-dumpxml", "over.qcow2", "--pool", "default")
    assert "<backingStore>" in chain
    assert "<compat>1.1</compat>" in chain
    assert "<backingStore>" not in alpha.virsh("vol-dumpxml", "copied.qcow2", "--pool", "default")
    after = await asyncio.to_thread((alpha.pool / image.partition("/")[2]).read_bytes)
    assert after == before


def seed_files(image: bytes) -> dict[str, str]:
    iso: Any = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(image))
    found = {}
    for name in ("meta-data", "user-data"):
        out = io.BytesIO()
        iso.get_file_from_iso_fp(out, rr_path=f"/{name}")
        found[name] = out.getvalue().decode()
    iso.close()
    return found


async def test_a_file_is_uploaded_and_the_seed_is_read_and_removed_while_the_guest_runs(
    fleet: Fleet,
    lab: Lab,
    alpha: LabHost,
    booted: Callable[..., None],
    named: Callable[[str], str],
    image: str,
    tmp_path: Path,
) -> None:
    name, file = named("seeded"), tmp_path / "cloud.qcow2"
    words = ["qemu-img", "convert", "-O", "qcow2", str(tmp_path / "image.raw"), str(file)]
    await asyncio.to_thread(subprocess.run, words, check=True)
    seed = {"user": "ada", "ssh_key": "ssh-ed25519 AAAA ada@here", "password_hash": Secret(HASH)}
    options = {"image": str(file), "size": 1, **seed}
    record = await make(fleet, "create-from-image", name=name, **options, **booting(lab, name))
    assert record.outcome == "seeded runs on alpha; its seed stays until `remove-seed` of seeded"
    await asyncio.to_thread(booted, "alpha", name)
    read = await asyncio.to_thread(in_guest, alpha, name, READ.format(len(MARK)))
    assert read == MARK
    size = await asyncio.to_thread(in_guest, alpha, name, "cat /sys/block/vda/size")
    assert int(size) * 512 == 1 << 30
    iso = f"seeded-seed-{record.subject.id[:8]}.iso"
    files = seed_files(await asyncio.to_thread((alpha.pool / iso).read_bytes))
    assert '"local-hostname": "seeded"' in files["meta-data"]
    assert HASH in files["user-data"]
    kept = await asyncio.to_thread(lambda: [one.read_bytes() for one in tmp_path.glob("journal*")])
    assert not any(HASH.encode() in each for each in kept)

    gone = await (await fleet.submit(RemoveSeed(record.subject)))
    assert gone.outcome == "the seed of seeded is gone"
    assert iso not in await asyncio.to_thread(volumes, alpha)
    for words in (("dumpxml", name), ("dumpxml", "--inactive", name)):
        assert iso not in alpha.virsh(*words)
    assert await asyncio.to_thread(in_guest, alpha, name, "echo alive") == "alive\n"
    with pytest.raises(RefusedError, match="has no seed that virtdeck made"):
        await fleet.submit(RemoveSeed(record.subject))


SAYING = b"THE-INSTALLER-RUNS\r\n"


def _boot_code() -> bytes:
    """A boot sector that writes a line to the first serial port, again and again."""
    loop = (
        *(0x89, 0xFE),  # again: mov si, di
        *(0x2E, 0xAC),  # next: cs lodsb
        *(0x84, 0xC0, 0x74, 0xF8),  # test al, al; jz again
        *(0x88, 0xC4, 0xBA, 0xFD, 0x03),  # mov ah, al; mov dx, 3fd
        *(0xEC, 0xA8, 0x20, 0x74, 0xFB),  # wait: in al, dx; test al, 20; jz wait
        *(0xBA, 0xF8, 0x03, 0x88, 0xE0, 0xEE),  # mov dx, 3f8; mov al, ah; out dx, al
        *(0xEB, 0xE8),  # jmp next
    )
    head = 9  # pop si to the loop: the text follows it
    code = bytes((0xE8, 0x00, 0x00, 0x5E, 0x83, 0xC6, head - 3 + len(loop), 0x89, 0xF7, *loop))
    return (code + SAYING + b"\0").ljust(2048, b"\0")


def _installer() -> bytes:
    iso: Any = pycdlib.PyCdlib()
    iso.new(interchange_level=3)
    code = _boot_code()
    iso.add_fp(io.BytesIO(code), len(code), "/BOOT.;1")
    iso.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1")
    out = io.BytesIO()
    iso.write_fp(out)
    iso.close()
    return out.getvalue()


def _hears(uri: str, name: str, wanted: bytes) -> bool:
    """Listen at a serial console until it says something. Blocking, for 40 s at most."""
    conn = libvirt.open(uri)
    stream = conn.newStream(0)
    try:
        conn.lookupByName(name).openConsole(None, stream, 0)
        heard = b""
        while wanted not in heard:
            heard = (heard + stream.recv(1024))[-4096:]
        return True
    finally:
        with suppress(libvirt.libvirtError):
            stream.abort()
        conn.close()


async def test_an_installer_boots_while_the_disk_is_empty(
    fleet: Fleet, alpha: LabHost, named: Callable[[str], str], tmp_path: Path
) -> None:
    file, name = tmp_path / "installer.iso", named("installed")
    await asyncio.to_thread(file.write_bytes, _installer())
    named("cd-of-test")
    size = str(file.stat().st_size)
    alpha.virsh("vol-create-as", "default", "cd-of-test.iso", size, "--format", "raw")
    alpha.virsh("vol-upload", "cd-of-test.iso", str(file), "--pool", "default")
    alpha.virsh("pool-refresh", "default")
    await until(
        lambda: any(
            one.name == "cd-of-test.iso" and one.described for one in fleet.state.volumes.values()
        )
    )
    record = await make(
        *(fleet, "create"),
        name=name,
        size=1,
        cdrom="default/cd-of-test.iso",
        memory=64,
        network="none",
        graphics="none",
    )
    assert record.outcome == "installed runs on alpha"
    assert await asyncio.to_thread(_hears, alpha.uri, name, SAYING)


async def failing(fleet: Fleet, told: str, verb: str, **options: Any) -> None:
    await until(lambda: known(fleet, options.get("image", "")))
    operation = await fleet.submit(asked(verb, **options))
    with pytest.raises(OperationFailedError, match=told) as caught:
        await operation
    assert caught.value.hint or "undone" in caught.value.message


async def test_whatever_fails_nothing_is_left_of_it(
    fleet: Fleet, lab: Lab, alpha: LabHost, named: Callable[[str], str], image: str
) -> None:
    name = named("failing")
    before = await there(alpha)
    wrong = {**booting(lab, name), "initrd": "/nowhere/initrd"}
    seed = {"image": image, "user": "ada"}
    told = r"initrd.*; what was done before was undone"
    await failing(fleet, told, "create-from-image", name=name, **seed, **wrong)
    assert await there(alpha) == before

    await asyncio.to_thread(os.chmod, alpha.pool, 0o555)
    try:
        told = "The volume failing.qcow2 of default: .*Permission denied"
        await failing(fleet, told, "create", name=name, size=1, **booting(lab, name))
    finally:
        await asyncio.to_thread(os.chmod, alpha.pool, 0o755)
    assert await there(alpha) == before

    # made by somebody else after the last look at the pool
    await asyncio.to_thread((alpha.pool / "failing.qcow2").touch)
    try:
        told = "The volume failing.qcow2 of default: .*exist"
        await failing(fleet, told, "create", name=name, size=1, **booting(lab, name))
        assert (alpha.pool / "failing.qcow2").exists()
    finally:
        (alpha.pool / "failing.qcow2").unlink()
    assert await there(alpha) == before


async def test_a_full_pool_is_named_and_nothing_is_left_in_it(
    fleet: Fleet, lab: Lab, alpha: LabHost, named: Callable[[str], str], image: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("a file system of its own is mounted by root")
    place, name = alpha.directory / "little", named("cramped")
    place.mkdir()
    owner = f"uid={lab.account.uid},gid={lab.account.gid}"
    await asyncio.to_thread(
        subprocess.run,
        ["mount", "-t", "tmpfs", "-o", f"size=4M,{owner}", "tmpfs", str(place)],
        check=True,
    )
    try:
        alpha.virsh("pool-create-as", "little", "dir", "--target", str(place))
        await until(
            lambda: any(
                pool.name == "little" and pool.active for pool in fleet.state.pools.values()
            )
        )
        before = await there(alpha, "little")
        options = {"image": image, "pool": "little", **booting(lab, name)}
        await failing(fleet, "No space left", "create-from-image", name=name, **options)
        assert await there(alpha, "little") == before
    finally:
        with suppress(LabError):
            alpha.virsh("pool-destroy", "little")
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A file whose upload takes a while: it is sent in small pieces, as over a slow link."""
    monkeypatch.setattr(streams, "CHUNK", 512)
    file = tmp_path / "large.raw"
    file.write_bytes(b"x" * (64 << 20))  # holes are not sent
    return str(file)


async def _begun(fleet: Fleet, name: str, file: str, lab: Lab) -> Any:
    await until(lambda: known(fleet))
    options = {"image": file, "format": "raw", "size": 1, **booting(lab, name)}
    operation = await fleet.submit(asked("create-from-image", name=name, **options))
    await until(lambda: (operation.record.progress or 0.0) > 0.0)
    return operation


async def test_a_cancelled_upload_leaves_nothing(
    fleet: Fleet, lab: Lab, alpha: LabHost, named: Callable[[str], str], slowly: str
) -> None:
    before = await there(alpha)
    operation = await _begun(fleet, named("unwanted"), slowly, lab)
    await fleet.cancel(operation.id)
    with pytest.raises(OperationCancelledError, match="what was done before was undone"):
        await operation
    assert await there(alpha) == before


async def test_a_daemon_killed_in_the_middle_leaves_nothing_once_it_is_back(
    fleet: Fleet, lab: Lab, alpha: LabHost, named: Callable[[str], str], slowly: str
) -> None:
    before = await there(alpha)
    operation = await _begun(fleet, named("orphan"), slowly, lab)
    pid = alpha.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: fleet.state.hosts["alpha"].link.status is not LinkStatus.UP)
    await asyncio.to_thread(alpha.ensure_daemon)
    with pytest.raises(OperationFailedError, match="; what was done before was undone"):
        await operation
    assert operation.record.status is OperationStatus.FAILED
    assert await there(alpha) == before

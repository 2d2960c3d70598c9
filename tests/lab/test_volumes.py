"""Volumes of pools on a real host: filled, read, wiped, resized, copied; and refused in use."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    LabError,
    OperationCancelledError,
    OperationFailedError,
    RefusedError,
)
from core.fleet import Fleet
from core.hypervisor.calls import streams
from core.lab import LabHost, Wanted
from core.model import OperationRecord, OperationStatus, Request, Volume
from core.verbs.registry import VERBS
from core.verbs.volume_changing import ResizeVolume, WipeVolume
from core.verbs.volume_cloning import CloneVolume
from core.verbs.volume_transferring import DownloadVolume, UploadVolume
from tests.lab.one_host import do, opened, until

MIB = 1 << 20
TINY = 64
"""Bytes: on an idle machine 512 had 64 MiB over before how far it is was told, after a second."""


@pytest.fixture
def made(alpha: LabHost) -> Iterator[Callable[..., None]]:
    """Makes a volume in the pool `default`; it is gone after the test."""
    names: list[str] = []

    def make(name: str, size: str = "8M", kind: str = "raw") -> None:
        names.append(name)
        alpha.virsh("vol-create-as", "default", name, size, "--format", kind)
        alpha.virsh("pool-refresh", "default")

    yield make
    alpha.virsh("pool-refresh", "default")
    for name in [*names, *(f"copy-of-{name}" for name in names)]:
        with suppress(LabError):  # it was never made
            alpha.virsh("vol-delete", name, "--pool", "default")


async def known(fleet: Fleet, name: str) -> Volume:
    """Return a volume once it, and who uses it, is known."""
    found: list[Volume] = []

    def there() -> bool:
        found[:] = [one for one in fleet.state.volumes.values() if one.name == name]
        rows = [*fleet.state.volumes.values(), *fleet.state.instances.values()]
        return bool(found) and all(one.described for one in rows)

    await until(there)
    return found[0]


def holey(path: Path, size: int = 8 * MIB) -> bytes:
    """Write a file with holes at its beginning and at its end."""
    with path.open("wb") as out:
        out.truncate(size)
        out.seek(3 * MIB)
        out.write(os.urandom(MIB))
    return path.read_bytes()


def halves(folder: Path, pattern: str = "*.half") -> list[Path]:
    """Return what is left of transfers."""
    return list(folder.glob(pattern))


async def test_what_is_written_over_a_volume_is_all_that_it_holds_and_is_read_back(
    fleet: Fleet, alpha: LabHost, made: Callable[..., None], tmp_path: Path
) -> None:
    made("full.raw", "10M")
    there = alpha.pool / "full.raw"
    there.write_bytes(b"\xaa" * 10 * MIB)
    content = holey(tmp_path / "a.raw")
    volume = await known(fleet, "full.raw")
    record = await do(fleet, UploadVolume(volume.key, str(tmp_path / "a.raw")))
    assert "full.raw holds" in record.outcome
    assert record.result["bytes"] == 8 * MIB
    assert record.result["data"] < 3 * MIB
    assert there.read_bytes() == content + bytes(2 * MIB), "what was in its holes is left"
    assert there.stat().st_blocks * 512 < 4 * MIB

    record = await do(fleet, DownloadVolume(volume.key, str(tmp_path / "b.raw")))
    got = tmp_path / "b.raw"
    assert got.read_bytes() == there.read_bytes()
    assert got.stat().st_blocks * 512 < 4 * MIB
    assert got.stat().st_mode & 0o77 == 0
    assert not halves(tmp_path)
    with pytest.raises(OperationFailedError, match=r"b\.raw is there already"):
        await do(fleet, DownloadVolume(volume.key, str(got)))


async def _failing(fleet: Fleet, request: Request, words: str) -> None:
    with pytest.raises(OperationFailedError, match=words) as caught:
        await do(fleet, request)
    assert caught.value.hint


async def test_a_file_that_does_not_fit_is_refused_before_anything_is_written(
    fleet: Fleet, alpha: LabHost, made: Callable[..., None], tmp_path: Path
) -> None:
    made("small.raw", "1M")
    made("image.qcow2", "8M", "qcow2")
    holey(tmp_path / "a.raw")
    before = {name: (alpha.pool / name).read_bytes() for name in ("small.raw", "image.qcow2")}
    small, image = await known(fleet, "small.raw"), await known(fleet, "image.qcow2")
    large = str(tmp_path / "a.raw")
    await _failing(fleet, UploadVolume(small.key, large), "has 8.0 MiB, and default/small.raw only")
    await _failing(fleet, UploadVolume(image.key, large), "is a qcow2 image, and .* is none")
    await _failing(fleet, UploadVolume(small.key, str(tmp_path / "no")), "cannot be read on this")
    await _failing(fleet, UploadVolume(small.key, str(tmp_path)), "neither a file nor a block")
    nowhere = str(tmp_path / "no" / "x")
    await _failing(fleet, DownloadVolume(small.key, nowhere), "There is no folder")
    assert before == {name: (alpha.pool / name).read_bytes() for name in before}


@pytest.fixture
def slowly() -> Iterator[Callable[[], None]]:
    """Has transfers take a while, in small pieces as over a slow link; called again: no longer."""
    usual = streams.CHUNK

    def turn() -> None:
        streams.CHUNK = TINY if usual == streams.CHUNK else usual

    yield turn
    streams.CHUNK = usual


async def begun(fleet: Fleet, request: Request) -> Any:
    """Ask for a transfer, and return its operation once some of it is over."""
    operation = await fleet.submit(request)

    def moves() -> bool:
        record = operation.record
        return record.status.final or (record.moved is not None and record.moved.bytes > 0)

    await until(moves)
    assert not operation.record.status.final, "it was over before anybody could see it move"
    return operation


async def cut_off(fleet: Fleet, request: Request, words: str) -> OperationCancelledError:
    """Cancel a transfer in its middle, and return what is said of it."""
    operation = await begun(fleet, request)
    assert operation.record.moved.of == 64 * MIB
    await fleet.cancel(operation.id)
    with pytest.raises(OperationCancelledError, match=words) as caught:
        await operation
    return caught.value


async def test_a_download_that_was_cancelled_is_gone_on_with_unless_the_volume_changed(
    fleet: Fleet,
    alpha: LabHost,
    made: Callable[..., None],
    tmp_path: Path,
    slowly: Callable[[], None],
) -> None:
    made("long.raw", "64M")
    there = alpha.pool / "long.raw"
    there.write_bytes(os.urandom(MIB) * 64)
    request = DownloadVolume((await known(fleet, "long.raw")).key, str(tmp_path / "b.raw"))
    slowly()
    await cut_off(fleet, request, r"of it are kept in .*b\.raw\.[0-9a-f]{8}\.half")
    (half,) = halves(tmp_path)
    had = half.stat().st_size
    slowly()
    record = await do(fleet, request)
    assert record.result["began"] == had > 0
    assert record.result["data"] == 64 * MIB - had
    assert "of it from before" in record.outcome
    assert (tmp_path / "b.raw").read_bytes() == there.read_bytes()
    assert not halves(tmp_path)

    (tmp_path / "b.raw").unlink()
    slowly()
    await cut_off(fleet, request, "kept in")
    there.write_bytes(os.urandom(MIB) * 64)
    slowly()
    record = await do(fleet, request)
    assert record.result.get("began", 0) == 0
    assert record.outcome.endswith("was not the volume as it is now, so it began anew")
    assert (tmp_path / "b.raw").read_bytes() == there.read_bytes()
    assert not halves(tmp_path)


async def test_an_upload_that_was_cancelled_is_gone_on_with_where_it_says(
    fleet: Fleet,
    alpha: LabHost,
    made: Callable[..., None],
    tmp_path: Path,
    slowly: Callable[[], None],
) -> None:
    made("long.raw", "65M")
    there, file = alpha.pool / "long.raw", tmp_path / "a.raw"
    there.write_bytes(b"\xaa" * 65 * MIB)
    file.write_bytes(os.urandom(MIB) * 63)
    os.truncate(file, 64 * MIB)
    key = (await known(fleet, "long.raw")).key
    slowly()
    error = await cut_off(fleet, UploadVolume(key, str(file)), "was cancelled")
    found = re.search(r"volume upload alpha/default/long\.raw --file .*/a\.raw --offset ([0-9]+)`",
                      error.hint)  # fmt: skip
    assert found is not None, error.hint
    at = int(found[1])
    assert there.read_bytes() == file.read_bytes()[:at] + bytes(65 * MIB - at)
    slowly()
    record = await do(fleet, UploadVolume(key, str(file), at))
    assert record.result["began"] == at > 0
    assert record.result["data"] < 64 * MIB - at
    assert there.read_bytes() == file.read_bytes() + bytes(MIB)

    file.write_bytes(os.urandom(MIB) * 64)
    record = await do(fleet, UploadVolume(key, str(file), 32 * MIB))
    assert record.result.get("began", 0) == 0
    assert "was not the file's, so it began anew" in record.outcome
    assert there.read_bytes() == file.read_bytes() + bytes(MIB)


async def test_a_transfer_goes_on_by_itself_once_a_lost_host_is_back(
    fleet: Fleet,
    alpha: LabHost,
    made: Callable[..., None],
    tmp_path: Path,
    slowly: Callable[[], None],
) -> None:
    made("lost.raw", "64M")
    there = alpha.pool / "lost.raw"
    there.write_bytes(os.urandom(MIB) * 64)
    (tmp_path / "a.raw").write_bytes(os.urandom(MIB) * 64)
    key = (await known(fleet, "lost.raw")).key
    for request in (
        DownloadVolume(key, str(tmp_path / "b.raw")),
        UploadVolume(key, str(tmp_path / "a.raw")),
    ):
        slowly()
        operation = await begun(fleet, request)
        assert alpha.pid is not None
        os.kill(alpha.pid, signal.SIGKILL)
        await asyncio.to_thread(alpha.ensure_daemon)
        slowly()
        record = await operation
        assert "going on with it" in " ".join(one.text for one in record.steps)
        name = "b.raw" if isinstance(request, DownloadVolume) else "a.raw"
        assert there.read_bytes() == (tmp_path / name).read_bytes()
    assert not halves(tmp_path)


async def test_one_that_an_instance_uses_is_left_alone_and_the_user_is_named(
    fleet: Fleet, alpha: LabHost, made: Callable[..., None], guest: Callable[..., str],
    tmp_path: Path,
) -> None:  # fmt: skip
    made("vol-user.qcow2", "16M", "qcow2")
    holey(tmp_path / "a.raw")
    guest("alpha", "vol-user", disk="default/vol-user.qcow2", wanted=Wanted.SHUT_OFF)
    volume = await known(fleet, "vol-user.qcow2")
    await until(lambda: any(one.name == "vol-user" for one in fleet.state.instances.values()))
    await known(fleet, "vol-user.qcow2")
    for request in (
        UploadVolume(volume.key, str(tmp_path / "a.raw")),
        WipeVolume(volume.key),
        ResizeVolume(volume.key, "1G"),
    ):
        with pytest.raises(RefusedError, match=r"vol-user\.qcow2 is needed: by vol-user \(vda\)"):
            await do(fleet, request)


async def test_it_is_resized_copied_and_wiped(
    fleet: Fleet, alpha: LabHost, made: Callable[..., None]
) -> None:
    made("own.qcow2", "8M", "qcow2")
    there = alpha.pool / "own.qcow2"
    words = ["qemu-io", "-f", "qcow2", "-c", "write -P 0x7 1M 1M", str(there)]
    await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    volume = await known(fleet, "own.qcow2")
    await do(fleet, ResizeVolume(volume.key, "16M"))
    await until(lambda: fleet.state.volumes[volume.key].capacity == 16 * MIB)
    await do(fleet, CloneVolume(volume.key, "copy-of-own.qcow2"))
    compare = ["qemu-img", "compare", str(there), str(alpha.pool / "copy-of-own.qcow2")]
    await asyncio.to_thread(subprocess.run, compare, check=True, capture_output=True)
    await do(fleet, ResizeVolume(volume.key, "4M", shrink=True))
    await until(lambda: fleet.state.volumes[volume.key].capacity == 4 * MIB)
    await do(fleet, WipeVolume(volume.key))
    assert not any(there.read_bytes())


KILLED = """
import asyncio, os, sys
from pathlib import Path
from core.fleet import Fleet
from core.hypervisor.calls import streams, volume_transfers
from core.model import ObjectKey
from core.verbs.registry import VERBS
uri, journal, key, verb, path = sys.argv[1:]
streams.CHUNK = 64
volume_transfers.PART_SECONDS = 0.0
async def main():
    async with Fleet.open([f"alpha={uri}"], journal=Path(journal)) as fleet:
        await fleet.ready(600)
        found = ObjectKey("volume", "alpha", key)
        def known():
            rows = [*fleet.state.volumes.values(), *fleet.state.instances.values()]
            return found in fleet.state.volumes and all(one.described for one in rows)
        while not known():
            await asyncio.sleep(0.05)
        kind = VERBS[verb].request
        field = "file" if verb == "volume-upload" else "to"
        operation = await fleet.submit(kind(subject=found, **{field: path}))
        def under_way():
            parts = [step for step in operation.record.steps if ", from " in step.text]
            return operation.record.moved if verb == "volume-download" else parts
        while not under_way() and not operation.record.status.final:
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""


async def test_a_console_killed_in_the_middle_of_a_transfer_leaves_the_next_one_to_go_on(
    uris: dict[str, str], alpha: LabHost, made: Callable[..., None], tmp_path: Path
) -> None:
    made("dead.raw", "64M")
    there = alpha.pool / "dead.raw"
    there.write_bytes(read := os.urandom(MIB) * 64)
    (tmp_path / "a.raw").write_bytes(os.urandom(MIB) * 64)
    pool = alpha.virsh("pool-uuid", "default").strip()
    ends = {}
    for verb, file in (("volume-download", "b.raw"), ("volume-upload", "a.raw")):
        journal = tmp_path / f"{verb}.sqlite3"
        words = [sys.executable, "-c", KILLED, uris["alpha"], str(journal), f"{pool}/dead.raw",
                 verb, str(tmp_path / file)]  # fmt: skip
        done = await asyncio.to_thread(subprocess.run, words, check=False)
        assert done.returncode == -signal.SIGKILL
        async with opened(uris, journal) as fleet:
            records: list[OperationRecord] = []

            def over(fleet: Fleet = fleet, records: list[OperationRecord] = records) -> bool:
                records[:] = fleet.state.operations.values()
                asks = bool(records) and records[0].status is OperationStatus.ASKING
                return bool(records) and (asks or records[0].status.final)

            await until(over)
            if verb == "volume-upload":
                assert records[0].question is not None
                assert "only a part of" in records[0].question.text
                await fleet.answer(records[0].id, "again")
                await until(lambda over=over, found=records: over() and found[0].status.final)  # type: ignore[misc]
            ends[verb] = records[0]
    assert [one.status for one in ends.values()] == [OperationStatus.DONE] * 2
    assert ends["volume-download"].result.get("began", 0) > 0
    assert re.search(r"from [0-9.]+ MiB on, once more", str(ends["volume-upload"].steps))
    assert (tmp_path / "b.raw").read_bytes() == read
    assert not halves(tmp_path)
    assert there.read_bytes() == (tmp_path / "a.raw").read_bytes()


async def test_one_whose_file_others_removed_is_told_missing_and_holds_nothing_up(
    uris: dict[str, str], tmp_path: Path, alpha: LabHost, made: Callable[..., None]
) -> None:
    made("kept.img")
    made("lost.img")
    (alpha.pool / "lost.img").unlink()
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        assert (await known(fleet, "lost.img")).missing
        kept = await known(fleet, "kept.img")
        assert not kept.missing
        await do(fleet, VERBS["volume-delete"].request(subject=kept.key))
        assert not (alpha.pool / "kept.img").exists()
        await asyncio.to_thread(alpha.virsh, "pool-refresh", "default")
        await until(lambda: all(one.name != "lost.img" for one in fleet.state.volumes.values()))

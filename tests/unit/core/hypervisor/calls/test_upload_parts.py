"""An upload that goes in parts, over a volume that is a file of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import HypervisorError
from core.hypervisor.calls import volume_transfers
from core.verbs.volume import FROM_BEGINNING, VolumeUploadCall
from tests.unit.core.hypervisor.calls.local_volume import (
    LocalStream,
    LocalVolume,
    image,
    looked,
    part,
)

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_transfers, "PART_SECONDS", 0.0)
    monkeypatch.setattr(volume_transfers, "PARTS", 2)


def all_parts(volume: LocalVolume, call: VolumeUploadCall) -> int:
    """Write a file to its end; return in how many parts."""
    for number in range(1, 100):
        told = part(volume, call)
        if told.reached is None:
            return number
        call = replace(call, at=told.reached, fresh=True)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    "before", [image(MIB, 4 * MIB), b"\xaa" * 8 * MIB], ids=["an image", "raw"]
)
def test_an_image_that_is_larger_than_its_disk_is_written_as_it_is(
    tmp_path: Path, before: bytes
) -> None:
    (tmp_path / "full.qcow2").write_bytes(image(4 * MIB, 3 * MIB))
    volume = LocalVolume(tmp_path / "v")
    volume.file.write_bytes(before)
    assert all_parts(volume, looked(volume, tmp_path / "full.qcow2")) > 1
    assert not volume.resized, "QEMU wrote into the header of half an image"
    assert volume.file.read_bytes() == (tmp_path / "full.qcow2").read_bytes()


def test_a_raw_volume_is_as_large_as_it_was_after_each_part(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"a" * 4 * MIB)
    volume = LocalVolume(tmp_path / "v")
    volume.file.write_bytes(b"\xaa" * 6 * MIB)
    call = looked(volume, tmp_path / "a.raw")
    told = part(volume, call)
    assert told.reached is not None
    assert volume.file.stat().st_size == 6 * MIB
    all_parts(volume, replace(call, at=told.reached, fresh=True))
    assert volume.file.read_bytes() == b"a" * 4 * MIB + bytes(2 * MIB)


def test_an_image_is_begun_anew_on_a_volume_that_was_cut_off_and_never_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.qcow2").write_bytes(image(4 * MIB, 8 * MIB))
    volume = LocalVolume(tmp_path / "v")
    volume.file.write_bytes(b"\xaa" * 8 * MIB)
    call = looked(volume, tmp_path / "a.qcow2")
    volume.file.write_bytes(b"\0")
    all_parts(volume, call)
    assert volume.file.read_bytes() == (tmp_path / "a.qcow2").read_bytes()


@pytest.fixture
def upload(tmp_path: Path) -> tuple[Path, LocalVolume, VolumeUploadCall]:
    """An upload of 4 MiB that was looked at."""
    (tmp_path / "a.raw").write_bytes(b"a" * 4 * MIB)
    volume = LocalVolume(tmp_path / "v")
    volume.file.write_bytes(b"\xaa" * 4 * MIB)
    return tmp_path / "a.raw", volume, looked(volume, tmp_path / "a.raw")


def replaced(file: Path) -> None:
    """Put another file there by its name."""
    (file.parent / "new").write_bytes(b"b" * 4 * MIB)
    (file.parent / "new").rename(file)


def written(file: Path) -> None:
    """Write into it where it is."""
    with file.open("r+b") as out:
        out.write(b"b" * MIB)


@pytest.mark.parametrize("changed", [replaced, written])
@pytest.mark.parametrize("fresh", [True, False])
def test_no_part_is_written_of_another_file_than_was_looked_at(
    upload: tuple[Path, LocalVolume, VolumeUploadCall],
    changed: Callable[[Path], None],
    *,
    fresh: bool,
) -> None:
    file, volume, call = upload
    told = part(volume, call)
    assert told.reached is not None
    changed(file)
    before = volume.file.read_bytes()
    with pytest.raises(HypervisorError, match=r"v holds a part of what it was\.") as caught:
        part(volume, replace(call, at=told.reached, fresh=fresh))
    assert caught.value.hint == FROM_BEGINNING
    assert volume.file.read_bytes() == before


@pytest.mark.parametrize("over", [True, False])
def test_a_file_that_is_written_to_while_it_is_read_is_not_said_to_be_there(
    upload: tuple[Path, LocalVolume, VolumeUploadCall],
    monkeypatch: pytest.MonkeyPatch,
    *,
    over: bool,
) -> None:
    file, volume, call = upload
    finish = LocalStream.finish

    def late(stream: LocalStream) -> None:
        written(file)
        finish(stream)

    monkeypatch.setattr(LocalStream, "finish", late)
    with pytest.raises(HypervisorError, match="was written to while it was read") as caught:
        part(volume, replace(call, over=over))
    assert caught.value.hint == FROM_BEGINNING

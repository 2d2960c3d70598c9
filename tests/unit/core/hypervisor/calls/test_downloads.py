"""A download whose answer was lost: what it made is told from what others have there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.volume_downloads import download
from core.verbs.volume import VolumeDownloadCall
from tests.unit.core.hypervisor.calls.local_volume import KEY, LocalVolume

CONTENT = os.urandom(3 << 20) + bytes(2 << 20)
"""It ends with zeros, as disks do."""


@pytest.fixture
def volume(tmp_path: Path) -> LocalVolume:
    (tmp_path / "v").write_bytes(CONTENT)
    return LocalVolume(tmp_path / "v")


def test_a_file_that_an_earlier_call_has_made_is_not_read_again(
    volume: LocalVolume, tmp_path: Path
) -> None:
    call = VolumeDownloadCall("default", "v", str(tmp_path / "out"))
    assert download(volume, KEY, call).data == len(CONTENT)
    again = download(volume, KEY, call)
    assert (again.bytes, again.data) == (len(CONTENT), 0)


def as_large(path: Path) -> None:
    path.write_bytes(bytes(len(CONTENT)))


def all_hole(path: Path) -> None:
    path.touch()
    os.truncate(path, len(CONTENT))


def changed_in_one_byte(path: Path) -> None:
    at = 2_900_000
    path.write_bytes(CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1 :])


def named_elsewhere(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(CONTENT)
    path.symlink_to(path.parent / "elsewhere")


def leading_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


OTHERS = [as_large, all_hole, changed_in_one_byte, named_elsewhere, leading_nowhere]


@pytest.mark.parametrize("other", [*OTHERS, Path.mkdir, os.mkfifo])
def test_what_another_has_there_is_left_and_not_said_to_be_the_volume(
    volume: LocalVolume, tmp_path: Path, other: Callable[[Path], None]
) -> None:
    path = tmp_path / "out"
    other(path)
    with pytest.raises(HypervisorError, match="out is there already"):
        download(volume, KEY, VolumeDownloadCall("default", "v", str(path)))
    assert os.path.lexists(path)
    assert not list(tmp_path.glob("*.half"))

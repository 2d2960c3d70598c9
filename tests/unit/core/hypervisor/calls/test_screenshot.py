"""A picture's file: it has its name once it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.hypervisor.calls import screenshot


@pytest.fixture
def directory() -> Iterator[Path]:
    """One of a file system that has files without a name everywhere: overlayfs learnt them late."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


def test_a_file_that_is_being_written_has_no_name_yet(directory: Path) -> None:
    file = directory / "web.ppm"
    with screenshot._whole(file) as out:
        out.write(b"half")
        out.flush()
        assert list(directory.iterdir()) == [], "a process that is killed now leaves nothing"
        out.write(b" and half")
    assert file.read_bytes() == b"half and half"


def test_of_one_that_fails_nothing_is_left(directory: Path) -> None:
    with pytest.raises(ValueError, match="broke"), screenshot._whole(directory / "web.ppm"):
        raise ValueError("it broke")
    assert list(directory.iterdir()) == []


def test_a_file_that_came_meanwhile_is_not_overwritten(directory: Path) -> None:
    file = directory / "web.ppm"
    with pytest.raises(FileExistsError), screenshot._whole(file):
        file.write_bytes(b"theirs")
    assert file.read_bytes() == b"theirs"

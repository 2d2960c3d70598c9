"""A file's data and holes, as they are sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.hypervisor.calls.streams import CHUNK, pieces

MIB = 1 << 20


def sent(path: Path, *, sparse: bool = True) -> list[bytes | int]:
    with path.open("rb") as data:
        return list(pieces(data.fileno(), path.stat().st_size, sparse=sparse))


def whole(found: list[bytes | int]) -> bytes:
    return b"".join(bytes(one) if isinstance(one, int) else one for one in found)


@pytest.fixture
def holey(tmp_path: Path) -> Path:
    path = tmp_path / "holey"
    with path.open("wb") as out:
        out.truncate(8 * MIB)
        out.seek(2 * MIB)
        out.write(b"a" * MIB)
        out.seek(6 * MIB)
        out.write(b"b" * 10)
    return path


def test_holes_are_told_and_the_first_bytes_are_none(holey: Path) -> None:
    found = sent(holey)
    assert whole(found) == holey.read_bytes()
    assert isinstance(found[0], bytes), "the first byte of what was there may be left"
    assert sum(one for one in found if isinstance(one, int)) > 4 * MIB
    assert all(len(one) <= CHUNK for one in found if isinstance(one, bytes))


def test_a_device_is_sent_whole(holey: Path) -> None:
    found = sent(holey, sparse=False)
    assert whole(found) == holey.read_bytes()
    assert all(isinstance(one, bytes) for one in found)


def test_an_empty_file_and_one_that_is_all_hole(tmp_path: Path) -> None:
    empty, hole = tmp_path / "empty", tmp_path / "hole"
    empty.touch()
    hole.touch()
    os.truncate(hole, 3 * MIB)
    assert sent(empty) == []
    assert whole(sent(hole)) == bytes(3 * MIB)
    assert len(sent(hole)) == 2


def test_a_file_that_got_shorter_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "shorter"
    path.write_bytes(b"x" * 100)
    with path.open("rb") as data:
        assert whole(list(pieces(data.fileno(), 200, sparse=False))) == b"x" * 100

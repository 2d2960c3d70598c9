"""The end of the file a host keeps of a console."""

from __future__ import annotations

import os
from pathlib import Path

from core.hypervisor.consoles.log import TAIL, read_tail


def test_the_end_and_what_is_added_to_it(tmp_path: Path) -> None:
    file = tmp_path / "web.log"
    file.write_bytes(b"x" * TAIL + b"end")
    tail = read_tail(str(file))
    assert tail.data == b"x" * (TAIL - 3) + b"end"
    assert (tail.why_not, tail.end) == ("", TAIL + 3)
    assert read_tail(str(file), tail.end).data == b""
    with file.open("ab") as more:
        more.write(b"more")
    added = read_tail(str(file), tail.end)
    assert (added.data, added.end) == (b"more", TAIL + 7)
    file.write_bytes(b"anew")  # rotated
    assert read_tail(str(file), added.end).data == b"anew"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no file" in read_tail(str(tmp_path / "pipe")).why_not
    assert "not there yet" in read_tail(str(tmp_path / "none")).why_not
    assert "no file" in read_tail(str(tmp_path)).why_not
    assert "cannot be read" in read_tail(str(tmp_path / ("long" * 99))).why_not
    assert "cannot be read" in read_tail("/a\0b").why_not or "not there" in read_tail("/a").why_not

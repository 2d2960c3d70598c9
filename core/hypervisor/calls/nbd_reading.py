"""Reading what QEMU serves over NBD, by qemu-img and qemu-io of this machine. Blocking.

Their exit status is what tells whether all was read. An increment is a file over the served disk
into which each range that has changed is read (copy on read), and which is then put on its parent.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec

from core.errors import HypervisorError
from core.hypervisor.calls.image import PLAIN, run_qemu_img
from core.hypervisor.calls.transfers import Transfer
from core.model.text import clean
from core.verbs.backup.pull_calls import PullReadCall
from core.xml.checkpoint import BITMAP

PIECE = 8 << 20
"""Bytes that are read at a time: after each it is told how far it is, and whether to go on."""
_PERCENT = re.compile(rb"\((\d+(?:\.\d+)?)/100%\)")
LOOK = 0.2
"""Seconds between two looks whether to go on."""


class _Extent(msgspec.Struct):
    start: int
    length: int
    data: bool


def read_whole(call: PullReadCall, half: Path, transfer: Transfer) -> None:
    """Read all of a disk to a new file; raises HypervisorError, OSError."""
    packed = ("-c",) if call.compressed else ()
    words = ["convert", "-p", *packed, "-f", "raw", "-O", "qcow2", _uri(call), str(half)]
    with _started(["qemu-img", *words]) as process:
        assert process.stdout is not None
        for percent in _percents(process.stdout):
            transfer.share = min(1.0, percent / 100)
            _stop_where_wanted(process, transfer)
        _whole(process, transfer, call)


def holds(call: PullReadCall, transfer: Transfer) -> bool:
    """Whether a file, with its parents, holds what is served; raises HypervisorError, OSError."""
    words = ["compare", "-p", "-f", "raw", "-F", "qcow2", _uri(call), call.path]
    with _started(["qemu-img", *words]) as process:
        assert process.stdout is not None
        for percent in _percents(process.stdout):
            transfer.share = min(1.0, percent / 100)
            _stop_where_wanted(process, transfer)
        told = b"" if process.stderr is None else process.stderr.read()
        status = process.wait()
        _stop_where_wanted(process, transfer)
    if status not in (0, 1):  # a signal's is below zero: that says nothing about the file
        raise HypervisorError(f"{clean(call.path)} could not be compared: {_last(told)}.")
    return status == 0


def read_changes(call: PullReadCall, half: Path, transfer: Transfer) -> None:
    """Read what has changed to a new file over its parent; raises HypervisorError, OSError."""
    ranges = list(_pieces(changed_ranges(call)))
    if told := run_qemu_img(
        "create", "-q", "-f", "qcow2", "-b", _uri(call), "-F", "raw", str(half)
    ):
        raise HypervisorError(f"{clean(call.path)} cannot be made: {told}.")
    with _started(["qemu-io", "-C", "-f", "qcow2", str(half)], feed=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, (start, length) in enumerate(ranges, start=1):
            _stop_where_wanted(process, transfer)
            process.stdin.write(f"read {start} {length}\n".encode())
            process.stdin.flush()
            _await_piece(process, call, length)
            transfer.share = number / len(ranges)
        process.stdin.close()
        _whole(process, transfer, call)
    based = ("-F", "qcow2", "-b", call.parent) if call.parent else ("-b", "")
    if told := run_qemu_img("rebase", "-q", "-u", "-f", "qcow2", *based, str(half)):
        raise HypervisorError(f"{clean(call.path)} cannot be put on its parent: {told}.")


def changed_ranges(call: PullReadCall) -> list[tuple[int, int]]:
    """Return start and length, in bytes, of what was written since the checkpoint.

    qemu-img calls what a dirty bitmap has `data: false`. Raises HypervisorError.
    """
    options = ",".join([*_options(call), f"x-dirty-bitmap=qemu:dirty-bitmap:{BITMAP}"])
    words = ["qemu-img", "map", "--output=json", "--image-opts", options]
    told = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, env=PLAIN, check=False
    )
    if told.returncode:
        raise HypervisorError(f"What has changed cannot be read: {_last(told.stderr)}.")
    try:
        extents = msgspec.json.decode(told.stdout, type=list[_Extent])
    except msgspec.MsgspecError:
        raise HypervisorError("What has changed cannot be read: qemu-img tells no map.") from None
    return [(one.start, one.length) for one in extents if not one.data]


def _pieces(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, length in ranges:
        for at in range(start, start + length, PIECE):
            yield at, min(PIECE, start + length - at)


def _await_piece(process: subprocess.Popen[bytes], call: PullReadCall, length: int) -> None:
    """Wait until a range was read; raises HypervisorError where it was not."""
    assert process.stdout is not None
    wanted = f"read {length}/{length} bytes".encode()
    while line := process.stdout.readline():
        if wanted in line:
            process.stdout.readline()  # how fast
            return
        if b"failed" in line or b"read " in line:
            break
    process.kill()
    why = _last(line) or "qemu-io ended"
    raise HypervisorError(f"{call.target} could not be read: {why}.")


def _percents(stream: IO[bytes]) -> Iterator[float]:
    """Return how far qemu-img is, as it tells that."""
    while piece := stream.read1(4096):  # type: ignore[attr-defined]
        for found in _PERCENT.finditer(piece):
            yield float(found[1])


def _started(words: list[str], *, feed: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words,
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if feed else subprocess.PIPE,
        env=PLAIN,
    )


def _stop_where_wanted(process: subprocess.Popen[bytes], transfer: Transfer) -> None:
    if transfer.stopped:
        process.kill()
        raise HypervisorError("The reading was ended.")


def _whole(process: subprocess.Popen[bytes], transfer: Transfer, call: PullReadCall) -> None:
    """Wait for its end; raises HypervisorError where it did not read all."""
    told = b"" if process.stderr is None else process.stderr.read()
    if process.wait():
        _stop_where_wanted(process, transfer)
        raise HypervisorError(f"{call.target} could not be read: {_last(told)}.")


def _last(told: bytes) -> str:
    lines = told.decode(errors="replace").strip().splitlines()
    return clean(lines[-1] if lines else "it failed").rstrip(".")


def _uri(call: PullReadCall) -> str:
    kind, _, place = call.server.partition(":")
    if kind == "tcp":
        return f"nbd://{place}/{call.target}"
    return f"nbd+unix:///{call.target}?socket={quote(place)}"


def _options(call: PullReadCall) -> list[str]:
    kind, _, place = call.server.partition(":")
    if kind == "tcp":
        address, _, port = place.rpartition(":")
        where = ["server.type=inet", f"server.host={address}", f"server.port={port}"]
    else:
        where = ["server.type=unix", f"server.path={place.replace(',', ',,')}"]
    return ["driver=nbd", f"export={call.target}", *where]

"""Tapes: a host's observations as JSON lines, readable where libvirt is not installed.

The first line is a `Header`, every other line one `core.model.Observation`. A name that ends in
`.gz` is compressed. All functions block on files: call them from a command or a worker, not from
a busy asyncio loop.
"""

from __future__ import annotations

import tempfile
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from core.errors import TapeError
from core.model import ObjectKey, Observation, Value
from core.model.observation import DetailRead, OperationChanged
from core.verbs.registry import with_doing

VERSION = 3
"""What this virtdeck writes; it reads every version up to this one. 2 has migrations, 3 readings of
snapshots and of block jobs."""
_GZIP_MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS
"""The window bits by which zlib writes and reads gzip's format."""
_CHUNK = 1 << 16


class Header(Value, frozen=True, omit_defaults=False):
    """The first line of a tape."""

    tape: int
    """The version of the format."""
    virtdeck: str
    """The virtdeck that recorded it."""
    recorded: float
    """When the recording began, seconds since the epoch."""
    hosts: tuple[str, ...] = ()
    """The names of the hosts on it."""


class _Version(msgspec.Struct):
    tape: int


_header = msgspec.json.Decoder(Header)
_version = msgspec.json.Decoder(_Version)
_line: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)


class Tape:
    """A tape opened for reading: checked once as a whole, then read line by line when played.

    Memory does not grow with what the lines hold. Use it on one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        """Open and check `path`; raises TapeError with the line and the cure."""
        self.path = path
        self.warning = ""
        """One sentence when the end of the recording is missing; the rest is there."""
        self._times = array("d")
        self._offsets = array("Q")
        self._details: dict[ObjectKey, list[int]] = {}
        self._file = self._spooled()
        try:
            self.header = self._read_header()
            self.start = self.header.recorded
            """Time of the first observation, seconds since the epoch."""
            self._index()
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """How many observations it holds."""
        return len(self._times)

    @property
    def duration(self) -> float:
        """Seconds from the first observation to the last."""
        return self._times[-1] if self._times else 0.0

    def time(self, index: int) -> float:
        """When observation `index` is due, in seconds from the start; never before its forerunner.

        The order of the lines is what counts: hosts' clocks and callbacks may be a little apart.
        """
        return self._times[index]

    def offset(self, index: int) -> int:
        """Where observation `index` begins, in bytes of the unpacked tape."""
        return self._offsets[index]

    def due(self, position: float) -> int:
        """How many observations are due `position` seconds after the start."""
        return bisect_right(self._times, position)

    def read(self, first: int, count: int) -> Iterator[Observation]:
        """Yield `count` observations from `first` on."""
        if count <= 0 or first >= len(self):
            return
        self._file.seek(self._offsets[first])
        for index in range(first, min(first + count, len(self))):
            yield self._decode(self._file.readline(), index + 2)

    def detail_lines(self, key: ObjectKey) -> list[int]:
        """Return the indices of the recorded details of an instance, oldest first."""
        return self._details.get(key, [])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _spooled(self) -> IO[bytes]:
        """Open the tape; a compressed one is unpacked into a temporary file, for seeking."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise TapeError(
                f"The tape {self.path} cannot be opened: {error.strerror}.",
                "Check the file's name; `virtdeck record FILE` makes one.",
            ) from None
        if file.peek(2)[:2] != _GZIP_MAGIC:
            return file
        with file:
            return self._unpacked(file)

    def _unpacked(self, file: IO[bytes]) -> IO[bytes]:
        plain = tempfile.TemporaryFile()  # noqa: SIM115 - the tape closes it
        unpacker = zlib.decompressobj(GZIP)
        ended = False
        try:
            while chunk := file.read(_CHUNK):
                while chunk:
                    plain.write(unpacker.decompress(chunk))
                    chunk, ended = unpacker.unused_data, unpacker.eof
                    if ended:
                        unpacker = zlib.decompressobj(GZIP)
        except (OSError, zlib.error) as error:
            plain.close()
            raise TapeError(
                f"The tape {self.path} is damaged: {str(error).rstrip('.')}.",
                "Copy it again from where it was recorded; compressed data cannot be repaired.",
            ) from None
        if not ended:  # a recorder that was killed leaves no end mark; what it flushed is there
            self.warning = "The tape ends in the middle of its compressed data."
        plain.seek(0)
        return plain

    def _read_header(self) -> Header:
        line = self._file.readline()
        cure = "Give the name of a file that `virtdeck record` wrote."
        try:
            version = _version.decode(line).tape
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise TapeError(f"{self.path} is not a tape: line 1 is no header.", cure) from None
        if not 0 < version <= VERSION:
            raise TapeError(
                f"The tape {self.path} has version {version}; "
                f"this virtdeck reads versions up to {VERSION}.",
                "Replay it with the virtdeck that recorded it, or a newer one.",
            )
        try:
            return _header.decode(line)
        except msgspec.DecodeError as error:
            raise TapeError(f"{self.path}, line 1: {error}.", cure) from None

    def _index(self) -> None:
        """Read every line once: note when and where it is, and that it can be read."""
        offset = self._file.tell()
        for line in self._file:
            if not line.endswith(b"\n"):
                self.warning = f"The tape ends in the middle of line {len(self) + 2}."
                return
            observation = self._decode(line, len(self) + 2)
            if isinstance(observation, DetailRead):
                key = ObjectKey("instance", observation.host, observation.detail.uuid)
                self._details.setdefault(key, []).append(len(self))
            if not self._times:
                self.start = observation.at
            self._times.append(max(observation.at - self.start, self.duration))
            self._offsets.append(offset)
            offset += len(line)

    def _decode(self, line: bytes, number: int) -> Observation:
        try:
            observation = _line.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"The tape {self.path} is corrupt in line {number}: {str(error).rstrip('.')}.",
                f"Keep its first lines with `head -n {number - 1}`, or record it again.",
            ) from None
        if isinstance(observation, OperationChanged):
            return replace(observation, operation=with_doing(observation.operation))
        return observation

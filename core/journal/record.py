"""The recorder: writes every observation the store applies to a tape."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

import msgspec

from core.clock import Clock, SystemClock
from core.errors import TapeError
from core.journal.tape import GZIP, VERSION, Header
from core.model import Observation

FLUSH_EVERY = 0.5
"""Seconds after which what was written is flushed: all that a kill can cost."""


class Recorder:
    """An open tape. Call its methods on the source's loop: a write costs microseconds.

    Whatever the end of the process, a tape is whole up to the last flush.
    """

    def __init__(
        self,
        path: Path,
        hosts: Iterable[str],
        *,
        virtdeck: str,
        force: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Create `path`, readable by its owner only; compressed when it ends in `.gz`.

        Raises TapeError when it exists (without `force`) or cannot be created.
        """
        self._clock = clock or SystemClock()
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self._pending: list[bytes] = []
        self._packer = zlib.compressobj(wbits=GZIP) if path.suffix == ".gz" else None
        self._flushed = self._clock.monotonic()
        self.written = 0
        """Observations on the tape so far."""
        header = Header(
            tape=VERSION, virtdeck=virtdeck, recorded=self._clock.now(), hosts=tuple(hosts)
        )
        self._file = _created(path, force)
        self._append(header)
        self.flush()

    def write(self, observation: Observation) -> None:
        """Append an observation; raises TapeError when the disk is full."""
        self._append(observation)
        self.written += 1
        if self._clock.monotonic() - self._flushed >= FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the operating system."""
        data = b"".join(self._pending)
        self._pending.clear()
        if self._packer is not None:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self._put(data)
        self._flushed = self._clock.monotonic()

    def close(self) -> None:
        """Finish the tape; once is enough, more does no harm."""
        if self._file.closed:
            return
        with self._file:
            self.flush()
            if self._packer is not None:
                self._put(self._packer.flush(zlib.Z_FINISH))

    def _append(self, line: Header | Observation) -> None:
        self._pending += (self._encoder.encode(line), b"\n")

    def _put(self, data: bytes) -> None:
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            self._file.close()
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> TapeError:
        return TapeError(
            f"The tape {self._path} cannot be written: {error.strerror}.",
            "What was written before can be replayed; make room and record again.",
        )


def _created(path: Path, force: bool) -> FileIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
    try:
        file = FileIO(os.open(path, flags, 0o600), "w")
    except FileExistsError:
        raise TapeError(
            f"The file {path} exists already.", "Choose another name, or add --force to replace it."
        ) from None
    except OSError as error:
        raise TapeError(
            f"The tape {path} cannot be created: {error.strerror}.",
            "Choose a directory that exists and that you may write to.",
        ) from None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fchmod(file.fileno(), 0o600)  # with `force`, an older file may have been open to others
    return file

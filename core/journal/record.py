"""The recorder: writes every observation the store applies to a tape."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec

from core.clock import Clock, SystemClock
from core.errors import TapeError
from core.journal.tape import VERSION, Header
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
        self._raw = _created(path, force)
        self._out: IO[bytes] | gzip.GzipFile = (
            gzip.GzipFile(fileobj=self._raw, mode="wb", mtime=0)
            if path.suffix == ".gz"
            else self._raw
        )
        self._encoder = msgspec.json.Encoder()
        self._flushed = self._clock.monotonic()
        self.written = 0
        """Observations on the tape so far."""
        header = Header(
            tape=VERSION, virtdeck=virtdeck, recorded=self._clock.now(), hosts=tuple(hosts)
        )
        self._append(self._encoder.encode(header))
        self.flush()

    def write(self, observation: Observation) -> None:
        """Append an observation; raises TapeError when the disk is full."""
        self._append(self._encoder.encode(observation))
        self.written += 1
        if self._clock.monotonic() - self._flushed >= FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the operating system."""
        try:
            self._out.flush()
            self._raw.flush()
        except OSError as error:
            raise self._failed(error) from None
        self._flushed = self._clock.monotonic()

    def close(self) -> None:
        """Finish the tape."""
        try:
            self._out.close()
            self._raw.close()
        except OSError as error:
            raise self._failed(error) from None

    def _append(self, line: bytes) -> None:
        try:
            self._out.write(line + b"\n")
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> TapeError:
        return TapeError(
            f"The tape {self._path} cannot be written: {error.strerror}.",
            "What was written before can be replayed; make room and record again.",
        )


def _created(path: Path, force: bool) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
        os.fchmod(handle, 0o600)  # with `force`, an older file may have been open to others
    except FileExistsError:
        raise TapeError(
            f"The file {path} exists already.", "Choose another name, or add --force to replace it."
        ) from None
    except OSError as error:
        raise TapeError(
            f"The tape {path} cannot be created: {error.strerror}.",
            "Choose a directory that exists and that you may write to.",
        ) from None
    return os.fdopen(handle, "wb")

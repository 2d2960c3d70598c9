"""The error stream and the log file.

Libraries in C write on file descriptor 2 when they have something to say: libvirt its client log,
libxml2 its complaints. It would stand between our sentences, or on the console's screen. So
descriptor 2 is the log, and only what virtdeck itself says reaches the operator.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core import directories
from core.model.secrets import without_secrets

LARGEST = 4 << 20
"""Bytes after which the log starts anew, keeping one old file."""


def log_path() -> Path:
    """Where the log is: XDG's state directory."""
    return directories.state() / "virtdeck.log"


def open_log() -> TextIO:
    """Open the log for appending, readable by its owner only; the null device where that fails.

    A console must start on a full or read-only disk too.
    """
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".log.old"))
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        handle = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    return os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace", buffering=1)


class LogFile(logging.Handler):
    """Appends records to the log, which the first of them opens: most commands have none.

    A command's error stream is for sentences; tracebacks of the core belong here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; any thread."""
        with open_log() as log:
            log.write(f"{without_secrets(self.format(record))}\n")


def take_stderr() -> None:
    """Point descriptor 2 at the log; `sys.stderr` goes on to where it went, through a private copy.

    The first thing a process does, and once: what libvirt's client log, libxml2 and children say
    on descriptor 2 is never for the operator, and neither of the libraries can be told so.
    """
    try:
        copy: int | None = os.dup(2)
    except OSError:  # closed; were it left so, the next socket would get the number 2
        copy = None
    with open_log() as log:
        os.dup2(log.fileno(), 2)
    if copy is not None and sys.stderr is not None:
        encoding = sys.stderr.encoding
        own = os.fdopen(copy, "w", encoding=encoding, errors="backslashreplace", buffering=1)
        sys.stderr = sys.__stderr__ = own  # type: ignore[misc]


@contextmanager
def drawing() -> Iterator[None]:
    """Have Textual draw on the terminal of standard output, and log what Python has to say.

    Enter it before Textual is imported, after `take_stderr`.
    """
    kept = sys.stderr, sys.__stderr__
    with (
        open_log() as log,
        os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace") as terminal,
    ):
        sys.stderr, sys.__stderr__ = log, terminal  # type: ignore[misc]
        try:
            yield
        finally:
            sys.stderr, sys.__stderr__ = kept  # type: ignore[misc]

"""The error stream and the log file.

Textual draws on file descriptor 2, and so do libvirt, libxml2 and ssh when they have something to
say. While the console runs, Textual keeps the terminal through a private copy and everything else
written there lands in the log.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import platformdirs

from core.model.secrets import without_secrets

LARGEST = 4 << 20
"""Bytes after which the log starts anew, keeping one old file."""


def log_path() -> Path:
    """Where the log is: XDG's state directory."""
    return platformdirs.user_state_path("virtdeck") / "virtdeck.log"


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


@contextmanager
def diverted() -> Iterator[TextIO]:
    """Point descriptor 2 at the log and leave Textual a private copy of the terminal.

    Enter it before Textual is imported, once per process; it gives the stream of the terminal.
    Afterwards everything is as it was.
    """
    sys.stderr.flush()
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    log = open_log()
    kept = sys.stderr, sys.__stderr__
    sys.stderr, sys.__stderr__ = log, terminal  # type: ignore[misc]
    os.dup2(log.fileno(), 2)
    try:
        yield terminal
    finally:
        terminal.flush()
        os.dup2(terminal.fileno(), 2)
        sys.stderr, sys.__stderr__ = kept  # type: ignore[misc]
        log.close()
        terminal.close()

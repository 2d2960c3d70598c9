"""The console as a real process on a pseudo-terminal, with an emulator reading its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A child process on a pty of a given size; `read_for` feeds the emulator and counts bytes.

    The child is our Python with `arguments`, or the command line `command`.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        *,
        command: Sequence[str] | None = None,
        columns: int = 120,
        lines: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.bytes = 0
        self._stream = pyte.ByteStream(self.screen)
        self.started = time.monotonic()
        self.status: int | None = None
        """The exit status of the child, once `ended` saw it."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor"})
            os.environ.update(environment or {})
            # the size is the terminal's; and as an installed one it keeps what it compiled
            for name in ("SSH_CONNECTION", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
                os.environ.pop(name, None)
            words = [sys.executable, *arguments] if command is None else [*command]
            # readline, where it is loaded, has put another size into C's environment: not that one
            os.execvpe(words[0], words, os.environ)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def ended(self) -> bool:
        """Whether the child has ended; what it wrote last may still have to be fed."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def left_with(self, seconds: float) -> int | None:
        """Read until the child ends; its exit status, or None when it has not ended by then."""
        end = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < end:
            self.feed(0.05)
        while self.ended() and self.feed(0):
            pass
        return self.status

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def read_for(self, seconds: float) -> int:
        """Feed the emulator with what comes within the time; the number of bytes."""
        end = time.monotonic() + seconds
        before = self.bytes
        while (left := end - time.monotonic()) > 0:
            self.feed(left)
        return self.bytes - before

    def read_raw(self, wait: float) -> bytes:
        """What comes within the time, past the emulator; b"" when nothing does."""
        if not select.select([self._fd], [], [], wait)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return b""
        self.bytes += len(data)
        self._answer(data)
        return data

    def drain(self, seconds: float) -> None:
        """Take what comes within the time and throw it away: emulating it costs more than it."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                self.bytes += len(os.read(self._fd, 1 << 16))

    def feed(self, wait: float) -> bool:
        """Read once, waiting at most `wait` seconds; False when nothing came."""
        if not select.select([self._fd], [], [], wait)[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return False
        self.bytes += len(data)
        self._answer(data)
        self._stream.feed(data.replace(b"\x1b[?2026h", b"").replace(b"\x1b[?2026l", b""))
        return True

    def wait(self, condition: Callable[[list[str]], bool], seconds: float) -> float | None:
        """Read until the screen's lines satisfy the condition; seconds since the start, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.feed(0.05)
            if condition(self.screen.display):
                return time.monotonic() - self.started
        return None

    def _answer(self, data: bytes) -> None:
        # Textual asks whether the terminal synchronises output; a real one says yes.
        if b"\x1b[?2026$p" in data:
            os.write(self._fd, b"\x1b[?2026;2$y")

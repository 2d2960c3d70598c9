"""The operator's own editor, on a file that nobody else can read."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import UsageError

_EDITORS = ("VISUAL", "EDITOR")
_FALLBACK = "vi"


def editor() -> list[str]:
    """Return the words that start the operator's editor, as virsh finds it; vi without one.

    Raises UsageError for one that is no command.
    """
    given = next((os.environ[name] for name in _EDITORS if os.environ.get(name)), _FALLBACK)
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"$EDITOR is no command: {given!r} ({error}).") from None
    return words or [_FALLBACK]


class Draft:
    """A text on disk, in a file of mode 0600, until it is `dropped`."""

    def __init__(self, name: str, text: str) -> None:
        """`name` is what the file is called after. Raises UsageError where there is no room."""
        plain = re.sub(r"[^\w.-]+", "_", name)[:40]
        try:
            number, path = tempfile.mkstemp(".xml", f"virtdeck-{plain}-")
            os.close(number)
            self.path = Path(path)
            self.put(text)
        except OSError as error:
            raise UsageError(f"The text cannot be written to a file: {error}.") from None

    def put(self, text: str) -> None:
        """Write the text anew; raises OSError."""
        self.path.write_text(text, encoding="utf-8", errors="replace")

    def read(self) -> str:
        """Return the text as it now is; raises UsageError where it cannot be read."""
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} cannot be read: {error}.") from None

    def edit(self) -> None:
        """Run the editor on it and wait; raises UsageError where that fails."""
        command = editor()
        with _running(command[0]):
            status = subprocess.call([*command, str(self.path)])
        _require_success(command[0], status)

    async def edit_meanwhile(self) -> None:
        """Do the same, and let the asyncio loop of the caller, the main thread's, go on."""
        command = editor()
        with _running(command[0]):
            process = await asyncio.create_subprocess_exec(*command, str(self.path))
            status = await process.wait()
        _require_success(command[0], status)

    def drop(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self.path.unlink()


def _require_success(program: str, status: int) -> None:
    if status:
        raise UsageError(f"{program} ended with status {status}: nothing was changed.")


@contextmanager
def _running(program: str) -> Iterator[None]:
    """While inside, Ctrl-C and Ctrl-\\ are the editor's alone: a child begins with them at rest.

    Raises UsageError for one that cannot be run.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT)}
    for number in before:
        signal.signal(number, lambda *_: None)
    try:
        yield
    except OSError as error:
        cure = "Set $EDITOR to one that is installed."
        raise UsageError(f"{program} cannot be run: {error.strerror}.", cure) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

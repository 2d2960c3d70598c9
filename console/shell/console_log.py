"""The file that the text of a guest's console is written to. UI thread."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from console.terminal.filters import TextFilter
from core.errors import UsageError


class ConsoleLog:
    """A new file that only its owner may read; never over another."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where it cannot be made."""
        self.path = path
        self._filter = TextFilter()
        try:
            self._out: BinaryIO = path.open("xb", buffering=0)
            path.chmod(0o600)
        except FileExistsError:
            raise UsageError(f"{path} exists already.", "Name another file.") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None

    def write(self, data: bytes) -> None:
        """Add the text of what came; raises OSError."""
        self._out.write(self._filter.pass_on(data))

    def close(self) -> None:
        """Write no more."""
        self._out.close()

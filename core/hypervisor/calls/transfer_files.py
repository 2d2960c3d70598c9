"""Files of this machine that volumes are filled from, and read into. Run on a lane thread."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import HypervisorError
from core.model.text import printable_name


@contextmanager
def opened(file: str) -> Iterator[tuple[int, int]]:
    """Open a file of this machine to be read: its descriptor and its bytes."""
    path = Path(file).expanduser()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"{printable_name(str(path))} cannot be read on this machine: {reason}."
        raise HypervisorError(text, "Give the path of a file that this user can read.") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            text = (
                f"{printable_name(str(path))} of this machine is neither a file nor a block device."
            )
            raise HypervisorError(text, "Give the path of an image.")
        yield descriptor, os.lseek(descriptor, 0, os.SEEK_END)
    finally:
        os.close(descriptor)


def name_whole(descriptor: int, half: Path, path: Path) -> None:
    """Give a whole file its name, unless another one has it; raises OSError."""
    mine, found = os.fstat(descriptor), half.stat()
    if (mine.st_dev, mine.st_ino) != (found.st_dev, found.st_ino):
        text = f"Another download writes to {printable_name(str(half))}."
        raise HypervisorError(text, "Choose another name.")
    try:
        os.link(half, path)
    except FileExistsError:
        text = f"{printable_name(str(path))} is there already."
        raise HypervisorError(text, "Choose another name.") from None
    except PermissionError:  # a file system without links
        half.rename(path)

"""Files of this machine that volumes are filled from, and read into. Run on a lane thread."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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


def sign_of(descriptor: int) -> str:
    """Return what tells an open file from another, and from what is written into it later."""
    found = os.fstat(descriptor)
    if stat.S_ISBLK(found.st_mode):  # the times of its node are not of what it holds
        return f"{found.st_rdev:x}"
    return f"{found.st_dev:x}.{found.st_ino:x}.{found.st_size:x}.{found.st_mtime_ns:x}"


SIGN = 8
"""Characters of a sign."""


@dataclass(frozen=True, slots=True)
class Half:
    """What there is of a file until it is whole, by a name that tells what it is of."""

    path: Path
    whole: Path

    @classmethod
    def of(cls, whole: Path, sign: str) -> Half:
        """Return that of a file, of what has this sign: hexadecimal digits."""
        return cls(whole.with_name(f"{whole.name}.{sign[:SIGN]}.half"), whole)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open it for this process alone, and leave none that is empty. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, 0o600)
        try:
            self._require_own(descriptor)
            try:
                yield descriptor
            except BaseException:
                if os.fstat(descriptor).st_size == 0:
                    self.path.unlink(missing_ok=True)
                raise
        finally:
            os.close(descriptor)

    def _require_own(self, descriptor: int) -> None:
        """Raise HypervisorError for what another user or another download has there."""
        found, shown = os.fstat(descriptor), printable_name(str(self.path))
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            text = f"{shown} is not a file of this user's."
            raise HypervisorError(text, "Remove it, or choose another name.")
        if not (_locked(descriptor) and _is_at(descriptor, self.path)):
            text = f"Another download writes to {shown}."
            raise HypervisorError(text, "Wait for it, or choose another name.")

    def drop_others(self) -> bool:
        """Remove what is left of this file from something else, or of another time; whether any."""
        others = re.compile(rf"{re.escape(self.whole.name)}\.[0-9a-f]{{{SIGN}}}\.half")
        found = [one for one in self.whole.parent.iterdir() if others.fullmatch(one.name)]
        return sum(_dropped(one) for one in found if one != self.path) > 0


def _locked(descriptor: int) -> bool:
    """Have a file to this process alone; whether no other has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether a file has this name still: who had it before may have given it another."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _dropped(half: Path) -> bool:
    """Remove a file of this user's that nobody writes to."""
    try:
        descriptor = os.open(half, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_uid != os.geteuid() or not _locked(descriptor):
            return False
        if not _is_at(descriptor, half):
            return False
        half.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


def name_whole(descriptor: int, half: Path, path: Path) -> None:
    """Give a whole file of this process its name; raises HypervisorError, and OSError for none."""
    mine, found = os.fstat(descriptor), half.stat()
    if (mine.st_dev, mine.st_ino) != (found.st_dev, found.st_ino):
        text = f"Another download writes to {printable_name(str(half))}."
        raise HypervisorError(text, "Choose another name.")
    give_name(half, path)


def give_name(half: Path, path: Path) -> None:
    """Give a whole file its name, unless another one has it.

    Raises HypervisorError, with the file left as it is: to write it took its time.
    """
    shown, kept = printable_name(str(path)), f"It is whole, in {printable_name(str(half))}"
    try:
        _named(half, path)
    except FileExistsError:
        text = f"{shown} is there already. {kept}."
        raise HypervisorError(text, "Give it another name.") from None
    except OSError as error:
        text = f"{shown} cannot be named so: {error.strerror or error}. {kept}."
        raise HypervisorError(text, "Give it a name yourself.") from None
    with suppress(OSError):  # it has its name
        half.unlink(missing_ok=True)


def _named(half: Path, path: Path) -> None:
    try:
        os.link(half, path)
        return
    except FileExistsError:
        if os.path.samestat(half.stat(), path.lstat()):
            return  # NFS says so of its own link, where its first answer was lost
        raise
    except OSError:
        pass  # a file system without links says EPERM, EOPNOTSUPP, ENOSYS, or something else
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        half.rename(path)  # over what was made right before: of another file's name it would fail
    except OSError:
        path.unlink(missing_ok=True)
        raise

"""The call that takes a picture of an instance. Runs on a lane thread; raises libvirtError."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.verbs.screenshot import ScreenshotCall


def screenshot(conn: Connection, subject: ObjectKey, call: ScreenshotCall) -> None:
    """Write what an instance shows into a new file (virDomainScreenshot).

    Nothing is left of one that fails, or whose process is killed. Raises HypervisorError where the
    file cannot be made.
    """
    file = Path(call.to).expanduser()
    try:
        if os.path.lexists(file):
            raise FileExistsError
        with _whole(file) as out:
            _receive(conn, subject.id, call.screen, out)
    except FileExistsError:
        raise HypervisorError(f"{file} exists already.", "Name another file.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise HypervisorError(f"{file} cannot be written: {reason}.", "Name another.") from None


@contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """Make a new file that has its name once it is written (O_TMPFILE); raises OSError.

    Where the file system has no files without a name, as NFS, it has it at once.
    """
    try:
        handle = os.open(file.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
        with file.open("xb") as out:
            try:
                yield out
            except BaseException:
                file.unlink()
                raise
        return
    with os.fdopen(handle, "wb") as out:
        yield out
        out.flush()
        # named for a directory, of which an absolute path makes no use, Python follows the link
        os.link(f"/proc/self/fd/{handle}", file, src_dir_fd=handle)


def picture(conn: Connection, uuid: str, screen: int, most: int) -> bytes:
    """Return what a screen of an instance shows, as the driver gives it (PNG, PPM).

    Raises HypervisorError for one of more than `most` bytes, and libvirtError.
    """
    out = _Bounded(most)
    _receive(conn, uuid, screen, out)
    return out.getvalue()


class _Bounded(BytesIO):
    """Takes no more than so many bytes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._most:
            raise HypervisorError(f"The picture has more than {self._most:,} bytes.")
        return super().write(data)


def _receive(conn: Connection, uuid: str, screen: int, out: BinaryIO) -> None:
    stream = conn.newStream(0)
    try:
        conn.lookupByUUIDString(uuid).screenshot(stream, screen, 0)
        stream.recvAll(_write, out)
        stream.finish()
    except BaseException as error:
        _abort(stream)
        if "no screens to take screenshot from" in str(error):  # virDomainScreenshot's own words
            cure = "Give it a <video> device, by editing it: it has one from its next start on."
            raise HypervisorError("It has no screen.", cure) from None
        raise


def _write(_: Any, data: bytes, out: BinaryIO) -> int:
    return out.write(data)


def _abort(stream: Any) -> None:
    with suppress(libvirt.libvirtError):  # it may never have begun
        stream.abort()


CALL_FUNCTIONS: CallFunctions = {ScreenshotCall: screenshot}

"""The call that takes a picture of an instance. Runs on a lane thread; raises libvirtError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.verbs.screenshot import ScreenshotCall


def screenshot(conn: Connection, subject: ObjectKey, call: ScreenshotCall) -> None:
    """Write what an instance shows into a new file (virDomainScreenshot).

    Nothing is left of one that fails. Raises HypervisorError where the file cannot be made.
    """
    file = Path(call.to).expanduser()
    try:
        with file.open("xb") as out:
            try:
                _receive(conn, subject.id, call.screen, out)
            except BaseException:
                file.unlink()
                raise
    except FileExistsError:
        raise HypervisorError(f"{file} exists already.", "Name another file.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise HypervisorError(f"{file} cannot be written: {reason}.", "Name another.") from None


def _receive(conn: Connection, uuid: str, screen: int, out: BinaryIO) -> None:
    stream = conn.newStream(0)
    try:
        conn.lookupByUUIDString(uuid).screenshot(stream, screen, 0)
        stream.recvAll(_write, out)
        stream.finish()
    except BaseException:
        _abort(stream)
        raise


def _write(_: Any, data: bytes, out: BinaryIO) -> int:
    return out.write(data)


def _abort(stream: Any) -> None:
    with suppress(libvirt.libvirtError):  # it may never have begun
        stream.abort()


CALL_FUNCTIONS: CallFunctions = {ScreenshotCall: screenshot}

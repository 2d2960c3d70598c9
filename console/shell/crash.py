"""What is kept of a crash: the traceback, the end of the log and the last events, in a file.

Nobody who reports a defect can be asked for what scrolled away. Values of variables are left out,
and what sounds like a secret: the file is made to be sent.
"""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from console.shell.stderr import log_path
from core.model import Event
from core.model.secrets import without_secrets
from core.model.text import clean
from core.state.event_text import describe

LAST_EVENTS = 100
KEPT = 10
"""Files of crashes; older ones are removed."""
_LOG_BYTES = 64 << 10
"""Of the log's end."""


class BrokenScreenError(Exception):
    """A defect, the cause, ended the console; `events` are the last it knew of."""

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__("the screen broke")
        self.events = tuple(events[-LAST_EVENTS:])


def keep_crash(error: BaseException, events: Sequence[Event] = ()) -> Path | None:
    """Write the file beside the log, for its owner only, and return its path; None: no place."""
    now = datetime.now(UTC)
    path = log_path().with_name(f"crash-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(without_secrets(crash_text(error, events, now, _end_of_log())))
        _remove_old(path.parent)
    except OSError:
        return None
    return path


def crash_text(
    error: BaseException, events: Sequence[Event], now: datetime, log: Sequence[str]
) -> str:
    """What the file says: versions, the traceback, the events, oldest first, the log."""
    names = ("virtdeck", "textual", "libvirt-python")
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    parts = [
        f"virtdeck crashed at {now:%Y-%m-%d %H:%M:%S} UTC",
        f"{versions}, Python {platform.python_version()}, {platform.platform()}",
        "",
        "".join(traceback.format_exception(error)).rstrip(),
        "",
        f"The last {min(len(events), LAST_EVENTS)} events:",
        *map(_line, events[-LAST_EVENTS:]),
        "",
        f"The end of {log_path()}:",
        *log,
    ]
    return "\n".join(parts) + "\n"


def _line(event: Event) -> str:
    when = datetime.fromtimestamp(event.at, UTC)
    return f"  {when:%H:%M:%S.%f} {clean(event.host)} {clean(event.name)}: {describe(event)}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # it runs from a tree that is not installed
        return "?"


def _end_of_log() -> list[str]:
    try:
        with log_path().open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
            return log.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _remove_old(folder: Path) -> None:
    for path in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
        path.unlink(missing_ok=True)

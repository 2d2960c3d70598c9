"""Runs a command and reaps what it leaves behind: `python -m tests.as_init COMMAND`.

libvirt waits for the process of an instance it ends until that is gone from the process table. It
has daemonised, so only an init can reap it: at once on a real machine, but there are containers
and small virtual machines whose first process looks every two seconds. Then every migration ends,
and every abort takes, up to two seconds more, with virsh as with anything.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h: orphans among our descendants become our children."""


def main() -> int:
    """Return the command's exit status."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # a terminal's Ctrl-C reaches the command by itself
        for pid in started if number != signal.SIGINT else ():
            os.kill(pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)  # a handler, for what is ignored stays so in the command
    command = subprocess.Popen(sys.argv[1:])
    started.append(command.pid)
    while True:
        pid, status = os.wait()
        if pid == command.pid:
            code = os.waitstatus_to_exitcode(status)
            command.returncode = code  # reaped here: it shall not wait for another's number
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

"""Brings a lab up and reaps its processes, as an init does: `python -m ... NAME`, until EOF.

libvirt waits for the process of an instance it ends until that is gone from the process table. It
has daemonised, so only an init can reap it: at once on a real machine, but there are containers
and small virtual machines whose first process looks every two seconds. Then every migration ends,
and every abort takes, up to two seconds more, with virsh as with anything.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time

from core.lab import Lab

PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h: orphans among our descendants become our children."""


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Say `up` when the lab is, then reap for ever."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Lab(sys.argv[1]).up(guests=False)
    print("up", flush=True)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.05)


if __name__ == "__main__":
    main()

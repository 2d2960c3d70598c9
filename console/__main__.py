"""`virtdeck`, or `python -m console`: the console and the command line."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from console.cli.root import run
from console.shell.stderr import take_stderr


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    take_stderr()
    leave(run())


def leave(status: int) -> NoReturn:
    """End the process at once, without the interpreter's own end.

    That frees every object one by one: 40 ms of a command that takes 200. Nothing waits for it:
    the threads that are left are daemons, and what is kept is written before `run` returns.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # `run` has told what it could not write
            if stream is not None:
                stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()

"""A server that a test has for itself: a free port, the start, the wait for an answer, the end.

    class SmallThing(PrivateServer):
        def __init__(self) -> None:
            super().__init__("vdx-")
            self.port = free_port()

        def start(self) -> None:
            thing = self.launch(*DIES_WITH_US, "thing", "--port", str(self.port))
            thing.wait_until(lambda: listens(self.port))

    with SmallThing() as thing:
        thing.port

Where one process is all there is, `with ServerProcess(words, log) as process:` is enough. All of it
blocks.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tests.patience import PATIENCE

DIES_WITH_US = ("setpriv", "--pdeathsig=KILL")
"""Before a command: it ends with the thread that started it, whatever that dies of."""


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether somebody listens on a TCP port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ServerProcess(subprocess.Popen[bytes]):
    """A process in a session of its own that writes to a log; leaving its context ends it."""

    def __init__(
        self,
        words: tuple[str, ...],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            super().__init__(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, cwd=directory, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wait_until(
        self,
        condition: Callable[[], object],
        seconds: float = 10.0,
        *,
        problem: str = "it does not answer",
    ) -> None:
        """Wait for what the process brings about; `seconds` of an idle machine.

        Raises AssertionError with the end of the log, where the process ends or the time is over.
        """
        until = time.monotonic() + seconds * PATIENCE
        while not condition():
            ended = self.poll()
            assert ended is None, f"{problem}, and has ended by {ended}: {self.said()}"
            assert time.monotonic() < until, f"{problem}: {self.said()}"
            time.sleep(0.02)

    def said(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-2000:]

    def end(self) -> None:
        """End it by SIGKILL; returns when it has ended."""
        self.kill()
        self.wait()


class PrivateServer:
    """Processes with a directory of their own; a context manager that leaves nothing behind."""

    def __init__(self, prefix: str) -> None:
        """`prefix`: what the name of its directory begins with."""
        self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        self.processes: list[ServerProcess] = []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it; returns when it answers."""
        raise NotImplementedError

    def launch(
        self,
        *words: str,
        log: str = "log",
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> ServerProcess:
        """Start one of its processes, which writes to a file in its directory."""
        process = ServerProcess(
            words, self.directory / log, environment=environment, directory=directory
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """End its processes, the last one first."""
        while self.processes:
            self.processes.pop().end()

    def close(self) -> None:
        """End it, and remove its directory."""
        self.end()
        shutil.rmtree(self.directory, ignore_errors=True)

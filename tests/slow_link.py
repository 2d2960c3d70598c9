"""A proxy before a libvirt socket: a link of a set round trip, on which calls are counted.

    with SlowLink(directory / "far", host.socket, round_trip=0.1, jitter=0.02) as link:
        f"test+unix:///default?socket={link.path}"
        link.calls()               # calls so far, by libvirt's procedure number
        link.cut()                 # every connection ends, as when sshd is killed

What is sent arrives half a round trip later, and up to `jitter` more; nothing overtakes what was
sent before it, and any amount is under way at once, so the throughput stays that of the socket. The
proxy is a process of its own: it shares no interpreter with whoever is measured.

Calls are counted on the wire, which sees what the binding and the library really send. libvirt's
frame begins with: length, program, version, procedure, type, serial, status, each a big-endian
32-bit word (virNetMessageHeader); type 0 is a call. Keepalives are another program.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
REMOTE_PROGRAM = 0x20008086
CALL = 0
HEADER = struct.Struct(">7I")
CHUNK = 1 << 20


class SlowLink:
    """The proxy's process: listens at `path`, forwards to `target`; a context manager.

    `round_trip` and `jitter` are seconds. Without them it only counts.
    """

    def __init__(
        self, path: Path, target: Path, *, round_trip: float = 0.0, jitter: float = 0.0
    ) -> None:
        self.path = path
        words = [str(path), str(target), str(round_trip / 2), str(jitter)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.slow_link", *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def calls(self) -> Counter[int]:
        """How often each procedure was called so far, on all connections."""
        return Counter({int(number): times for number, times in self._ask("calls").items()})

    def last_calls(self) -> dict[int, float]:
        """When each procedure was called last, by the clock of `time.monotonic`."""
        return {int(number): at for number, at in self._ask("moments").items()}

    def cut(self) -> None:
        """End every connection at once; new ones are taken."""
        self._ask("cut")

    def close(self) -> None:
        """End the proxy, and with it every connection."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self.path.unlink(missing_ok=True)

    def _ask(self, command: str) -> dict[str, Any]:
        """Send a command to the process; its answer has come when it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class CallCounter:
    """Counts the calls in a stream of libvirt's frames, however it is cut into pieces."""

    def __init__(self, calls: Counter[int], moments: dict[int, float]) -> None:
        self._calls = calls
        self._moments = moments
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._pending += data
        while len(self._pending) >= HEADER.size:
            length, program, _, procedure, kind, _, _ = HEADER.unpack_from(self._pending)
            if len(self._pending) < length:
                return
            if program == REMOTE_PROGRAM and kind == CALL:
                self._calls[procedure] += 1
                self._moments[procedure] = time.monotonic()
            del self._pending[:length]


class Proxy:
    """What runs in the process. All methods on its loop."""

    def __init__(self, target: str, delay: float, jitter: float) -> None:
        self.calls: Counter[int] = Counter()
        self.moments: dict[int, float] = {}
        self._target = target
        self._delay = delay
        self._jitter = jitter
        self._connections: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to carry a client's connection."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections[task] = (writer,)
        task.add_done_callback(self._connections.pop)

    async def cut(self) -> None:
        """End every connection, without a word of what is still under way."""
        tasks = dict(self._connections)
        for writers in tasks.values():
            for writer in writers:
                writer.transport.abort()
        await asyncio.gather(*tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client's connection until either side ends it."""
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(self._target, limit=CHUNK)
        except OSError:  # the daemon is not there: the client sees its connection end
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = (writer, up_writer)
        counter = CallCounter(self.calls, self.moments)
        await asyncio.gather(
            self._carry(reader, up_writer, counter.feed),
            self._carry(up_reader, writer, lambda _data: None),
        )

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seen: Callable[[bytes], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        under_way: deque[bytes] = deque()
        due = 0.0

        def arrive() -> None:
            if data := under_way.popleft():
                writer.write(data)
            else:
                writer.close()

        data = b"more"
        while data:
            data = b""
            with contextlib.suppress(OSError):
                data = await reader.read(CHUNK)
            seen(data)
            under_way.append(data)
            # Never before what was sent earlier; the timers of one moment may fire in any order,
            # so each lets the oldest arrive.
            due = max(due, loop.time() + self._delay + random.random() * self._jitter)
            loop.call_at(due, arrive)


async def run(path: str, target: str, delay: float, jitter: float) -> None:
    """Serve until standard input ends; each line of it is a command, answered by one of JSON."""
    proxy = Proxy(target, delay, jitter)
    server = await asyncio.start_unix_server(proxy.accept, path, limit=CHUNK, backlog=1024)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while command := (await commands.readline()).decode().strip():
        if command == "cut":
            await proxy.cut()
        answers = {"calls": proxy.calls, "moments": proxy.moments}
        print(json.dumps(answers.get(command, {})), flush=True)
    server.close()
    await proxy.cut()


if __name__ == "__main__":
    socket, served, half, more = sys.argv[1:]
    asyncio.run(run(socket, served, float(half), float(more)))

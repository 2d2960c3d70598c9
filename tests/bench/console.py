"""A guest's console: 10 MB of output through the widget, beside tmux, and keys meanwhile.

The same command runs on a pty under the console's own screen and under tmux, both on a terminal of
120x40 of which the output is read and thrown away. The command writes its file as `cat` does and
notes when a key reaches it.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import Row, percentile
from tests.bench.terminal import Terminal

SIZE = 10_000_000
COLUMNS, ROWS = 120, 40
KEYS = 20
_FLOOD = 30
"""How often the file is written while keys are pressed."""
_COMMAND = """
import os, sys, termios, threading, time, tty
tty.setraw(0)
os.write(1, b"READY-TO-GO\\r\\n")
os.read(0, 1)
times = int(sys.argv[2])
data = open(sys.argv[1], "rb").read()
def write():
    for _ in range(times):
        place = 0
        while place < len(data):
            place += os.write(1, data[place:place + 65536])
    os.write(1, b"\\r\\nALL-IS-WRITTEN\\r\\n")
threading.Thread(target=write, daemon=True).start()
with open(sys.argv[3], "a", buffering=1) as out:
    while True:
        os.read(0, 1)
        out.write(f"{time.monotonic()}\\n")
"""


def samples(folder: Path) -> dict[str, Path]:
    """Files of plain text, of coloured text and of whole screens, as a log and a build write."""
    rng = random.Random(1)

    def log(paint: bool) -> bytes:
        now = f"{rng.randrange(60):02}:{rng.randrange(60):02}"
        usb = f"usb {rng.randrange(9)}-1"
        error = f"error -{rng.randrange(99)}"
        if paint:
            colour = rng.randrange(7)
            now, usb = f"\x1b[3{colour}m{now}\x1b[0m", f"\x1b[1;38;5;{colour + 60}m{usb}\x1b[0m"
        return f"Nov 29 {now} host kernel: {usb}: device descriptor read/64, {error}\r\n".encode()

    def screen() -> bytes:
        lines = [f"\x1b[{row};1H\x1b[K".encode() + log(True)[:-2] for row in range(1, ROWS)]
        return b"".join(lines)

    makers = {"plain": lambda: log(False), "colour": lambda: log(True), "full screen": screen}
    found = {}
    for name, make in makers.items():
        found[name] = folder / name.replace(" ", "-")
        with found[name].open("wb") as out:
            while out.tell() < SIZE:
                out.write(make())
    return found


class Flood:
    """A terminal with the command on it, ready to go."""

    def __init__(self, terminal: Terminal, notes: Path) -> None:
        self._terminal = terminal
        self._notes = notes
        self._seen = b""

    def wait_for(self, word: bytes, seconds: float) -> float:
        """Read until the word was written to the terminal; seconds it took."""
        began = time.monotonic()
        while word not in self._seen:
            if time.monotonic() - began > seconds:
                raise AssertionError(f"no {word!r} within {seconds} s: {self._seen[-500:]!r}")
            self._seen = self._seen[-200:] + self._terminal.read_raw(0.05)
        return time.monotonic() - began

    def latencies(self, count: int) -> list[float]:
        """Press keys while it writes; the milliseconds until each reached the command."""
        found = []
        for _ in range(count):
            before = self._arrived()
            pressed = time.monotonic()
            self._terminal.press("x")
            while len(arrived := self._arrived()) == len(before):
                self._terminal.read_raw(0.002)
                if time.monotonic() - pressed > 10:
                    raise AssertionError("a key did not reach the guest within 10 s")
            found.append((arrived[-1] - pressed) * 1000)
            self._terminal.drain(0.05)
        return found

    def _arrived(self) -> list[float]:
        return [float(line) for line in self._notes.read_text().splitlines() if line]


def command(file: Path, times: int, notes: Path) -> list[str]:
    """What runs in the guest's place."""
    notes.write_text("")
    return [sys.executable, "-c", _COMMAND, str(file), str(times), str(notes)]


def ours(words: list[str]) -> Terminal:
    """The console's screen with the command as a guest."""
    app = ["-m", "tests.bench.console_app", f"{COLUMNS}x{ROWS}", *words]
    terminal = Terminal(app, columns=COLUMNS, lines=ROWS)
    terminal.wait(lambda lines: any("instance-00000" in line for line in lines), 60)
    terminal.press("i")
    return terminal


def tmux(words: list[str], socket: Path) -> Terminal:
    """The same under tmux."""
    start = ["tmux", "-S", str(socket), "-f", "/dev/null", "new-session", *words]
    return Terminal(command=start, columns=COLUMNS, lines=ROWS)


def measured(kind: str, file: Path, folder: Path) -> tuple[float, list[float]]:
    """Seconds that 10 MB take, and the latencies of keys while more is written."""
    notes, socket = folder / "notes", folder / "tmux"
    found: list[float] = []
    seconds = 0.0
    for times in (1, _FLOOD):
        words = command(file, times, notes)
        with ours(words) if kind == "virtdeck" else tmux(words, socket) as terminal:
            flood = Flood(terminal, notes)
            flood.wait_for(b"READY-TO-GO", 60)
            terminal.drain(1.0)
            terminal.press("g")
            if times == 1:
                seconds = flood.wait_for(b"ALL-IS-WRITTEN", 300)
            else:
                terminal.drain(0.3)
                found = flood.latencies(KEYS)
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], capture_output=True, check=False)
    return seconds, found


def run() -> Iterator[Row]:
    """Rows for each kind of output, ours beside tmux's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, file in samples(folder).items():
            rival, rival_keys = measured("tmux", file, folder)
            value, keys = measured("virtdeck", file, folder)
            yield Row(
                "console", f"10 MB through a guest's console, {kind}", value, "s",
                rival=rival, rival_name="tmux", target="<= 3x", met=value <= 3 * rival,
            )  # fmt: skip
            p95 = percentile(keys, 95)
            yield Row(
                "console", f"a key to the guest meanwhile, {kind}, p95", p95, "ms",
                rival=percentile(rival_keys, 95), rival_name="tmux",
                target="< 50", met=p95 < 50,
            )  # fmt: skip

"""A volume of a pool attached to a running guest and taken from it by the console's keys: how soon
the guest sees it, against virsh, and how soon the screen says that it is gone."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.lab import Guest, Lab, LabHost, ensure_guest, wait_ready
from tests.bench.rows import Row, limited, percentile
from tests.bench.terminal import Terminal
from tests.driver.command import Virtdeck
from tests.lab.scratch_disk import ScratchDisks

NAME, TARGET = "plugged", "vda"
REPEATS = int(os.environ.get("BENCH_REPEATS", "15"))
LIMIT = 1.1
SEEN = 100.0
"""Milliseconds from the event to the words on the screen."""
PATIENCE = 60.0


def run() -> Iterator[Row]:
    """By turns with virsh, on a lab of their own."""
    lab = Lab("devices-bench")
    lab.up(guests=False)
    try:
        alpha = lab.host("alpha")
        volume = ScratchDisks(lab, alpha).make("spare", "32M", form="raw")
        ensure_guest(alpha, Guest(NAME, NAME, "Made by a bench."), lab.root, lab.accelerator)
        wait_ready(alpha, NAME)
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
            environment = Virtdeck(Path(home)).environment
            words = ["-m", "console", "-c", f"alpha={alpha.uri}"]
            with Terminal(words, environment=environment) as terminal:
                yield from _Bench(alpha, volume, terminal).rows()
    finally:
        lab.down()


class _Bench:
    """One guest, seen by a console and by a connection of the bench's own."""

    def __init__(self, alpha: LabHost, volume: str, terminal: Terminal) -> None:
        self._alpha = alpha
        self._volume = volume
        self._terminal = terminal
        event_loop.ensure_running()
        conn = libvirt.open(alpha.uri)
        self._instance = conn.lookupByName(NAME)
        self._removed: list[float] = []
        kind = libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED
        conn.domainEventRegisterAny(None, kind, self._note, None)

    def _note(self, *_: Any) -> None:
        self._removed.append(time.monotonic())

    def rows(self) -> Iterator[Row]:
        """Attach and detach, by turns."""
        self._shows(NAME, "running")
        self._terminal.read_for(5)
        ours, theirs, gone, back = [], [], [], []
        for _ in range(REPEATS):
            ours.append(self._attach())
            gone.append(self._detach())
            theirs.append(self._virsh_attach())
            back.append(self._virsh_detach())
        value, rival = median(ours), median(theirs)
        yield Row(
            "devices", f"attach of a pool volume, key to its guest reading it, median of {REPEATS}",
            value, "s", rival, "virsh attach-disk --live --config", f"<= {LIMIT}x",
            value <= rival * LIMIT,
        )  # fmt: skip
        for percent, limit in ((50, None), (95, SEEN)):
            name = f"DEVICE_REMOVED to 'done' on the screen, p{percent} of {REPEATS}"
            yield limited("devices", name, percentile(gone, percent) * 1000, "ms", limit)
        name = f"DEVICE_REMOVED until virsh detach-disk is back, p95 of {REPEATS}"
        yield limited("devices", name, percentile(back, 95) * 1000, "ms", None)

    def _seen(self, words: tuple[str, ...], without: str, seconds: float) -> bool:
        """Wait until the screen shows words, and not another; whether it did."""

        def there(lines: list[str]) -> bool:
            text = "".join(lines)
            return all(word in text for word in words) and without not in text

        return self._terminal.wait(there, seconds) is not None

    def _shows(self, *words: str, without: str = "\n") -> float:
        """As `_seen`; returns when it did."""
        if not self._seen(words, without, PATIENCE):
            raise AssertionError("\n".join([f"not seen: {words}", *self._terminal.screen.display]))
        return time.monotonic()

    def _menu(self, key: str, title: str) -> None:
        """Open a form of the menu of disks, once no line of an earlier one is in view.

        It is refused while what a call has changed is read again: then once more.
        """
        self._shows(NAME, without=": done")
        for _ in range(5):
            for pressed, words in (("a", "Network devices"), ("d", "› Disks")):
                self._terminal.press(pressed)
                self._shows(words)
            self._terminal.press(key)
            if self._seen((title, "^s do it"), "\n", 3):
                return
            for _ in range(2):
                self._terminal.press("\x1b")
                self._terminal.read_for(1)  # else it is alt and the next key
        self._shows(title)

    def _attach(self) -> float:
        self._menu("a", "Attach a volume: ")
        self._terminal.press(self._volume)
        self._shows(f"--volume {self._volume}")
        pressed = time.monotonic()
        self._terminal.press("\x13")
        seen = self._read_by_guest(lambda: self._terminal.feed(0.002))
        self._shows(f"volume-attach {NAME}: done")
        return seen - pressed

    def _detach(self) -> float:
        self._menu("d", "Detach a disk: ")
        told = len(self._removed)
        self._terminal.press("\x13")
        self._shows(f"type {NAME} to go on")  # for all it knows it boots from its only disk
        self._terminal.press(f"{NAME}\r")
        shown = self._shows(f"volume-detach {NAME}: done")
        return shown - self._removed[told]

    def _virsh_attach(self) -> float:
        path = str(self._alpha.pool / self._volume.rpartition("/")[2])
        words = ("attach-disk", NAME, path, TARGET, "--live", "--config")
        began = time.monotonic()
        virsh = Thread(target=self._alpha.virsh, args=words)
        virsh.start()
        seen = self._read_by_guest(lambda: time.sleep(0.002))
        virsh.join()
        return seen - began

    def _virsh_detach(self) -> float:
        told = len(self._removed)
        self._alpha.virsh("detach-disk", NAME, TARGET, "--live", "--config")
        back = time.monotonic()
        return max(0.0, back - self._removed[told])

    def _read_by_guest(self, meanwhile: Callable[[], object]) -> float:
        """Wait until the guest's kernel looks for partitions on the disk; when it did."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                if self._instance.blockStats(TARGET)[0]:
                    return time.monotonic()
            except libvirt.libvirtError:  # not there yet
                pass
            meanwhile()
        raise AssertionError("the guest has not read its disk")

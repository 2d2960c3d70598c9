"""Fifty instances that are started together, against a shell loop of virsh."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from core.lab import Lab, LabHost
from core.lab.processes import belonging
from tests.bench.rows import Row
from tests.driver.command import Virtdeck

COUNT = 50
REPEATS = 3
LIMIT = 0.5
DOMAIN = """
<domain type='{kind}'>
  <name>{name}</name>
  <memory unit='MiB'>16</memory>
  <os><type>hvm</type></os>
  <devices><console type='pty'/></devices>
</domain>
"""
"""The firmware finds nothing to boot and halts: what is measured is the start alone."""


def run() -> Iterator[Row]:
    """Both by turns, on a lab of their own; medians."""
    lab = Lab("starting-bench")
    lab.up(guests=False)
    try:
        alpha = lab.host("alpha")
        names = [f"start-{number:02}" for number in range(COUNT)]
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
            for name in names:
                file = Path(home) / f"{name}.xml"
                file.write_text(DOMAIN.format(kind=lab.accelerator, name=name))
                alpha.virsh("define", str(file))
            try:
                yield from _rows(lab, Virtdeck(Path(home)), names)
            finally:
                _shell(alpha, "undefine", names)
    finally:
        lab.down()


def _rows(lab: Lab, virtdeck: Virtdeck, names: list[str]) -> Iterator[Row]:
    alpha = lab.host("alpha")

    def ours() -> None:
        done = virtdeck("-c", f"alpha={alpha.uri}", "start", *names)
        assert done.status == 0, done

    def theirs() -> None:
        _shell(alpha, "start", names)

    taken: dict[Callable[[], None], list[float]] = {ours: [], theirs: []}
    burnt: dict[Callable[[], None], list[float]] = {ours: [], theirs: []}
    for _ in range(REPEATS):
        for way, times in taken.items():
            before, began = _cpu(lab), time.monotonic()
            way()
            times.append(time.monotonic() - began)
            burnt[way].append(_cpu(lab) - before)
            _shell(alpha, "destroy", names)
    value, rival = median(taken[ours]), median(taken[theirs])
    yield Row(
        "starting", f"{COUNT} instances started by one command", value, "s",
        rival, "a shell loop of virsh start", f"< {LIMIT}x", value < rival * LIMIT,
    )  # fmt: skip
    least = [median(burnt[way]) / (os.cpu_count() or 1) for way in (ours, theirs)]
    yield Row(
        "starting", "the same, were no core idle: CPU of QEMU, libvirt and the command, per core",
        least[0], "s", least[1], "of the loop",
    )  # fmt: skip


def _cpu(lab: Lab) -> float:
    """Seconds of CPU that the lab's processes and the commands that ended have used."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    each = [process.cpu_times() for process in belonging(lab.root, lab.account.uid)]
    return ended.ru_utime + ended.ru_stime + sum(one.user + one.system for one in each)


def _shell(alpha: LabHost, verb: str, names: list[str]) -> None:
    """The loop that an operator types."""
    loop = f'for name in {" ".join(names)}; do virsh -q -c "$0" {verb} "$name" || exit; done'
    subprocess.run(["bash", "-c", loop, alpha.uri], check=True, stdout=subprocess.DEVNULL)

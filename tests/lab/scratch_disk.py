"""Disks of a test's own in a lab's pool, and a small file system for what is to fill it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lxml import etree

from core.lab import Lab, LabHost

SMALL = "small"
"""The folder of a host in which a small file system is mounted."""


class ScratchDisks:
    """Images in the pool `default` of a host that go with the test. Blocking."""

    def __init__(self, lab: Lab, host: LabHost) -> None:
        self._lab = lab
        self._host = host
        self._before = set(host.pool.iterdir())

    def make(self, name: str, size: str = "64M", *, base: str = "", form: str = "qcow2") -> str:
        """Make an image, on another where that is named; return what a guest's disk is told."""
        path = self._host.pool / f"{name}.{form}"
        below = ["-b", f"{base}.qcow2", "-F", "qcow2"] if base else []
        words = ["qemu-img", "create", "-q", "-f", form, *below, str(path)]
        subprocess.run([*words, *([] if base else [size])], check=True)
        own(self._lab, path)
        self._host.virsh("pool-refresh", "default")
        return f"default/{path.name}"

    def remove(self) -> None:
        """Remove what the test left in the pool."""
        for path in set(self._host.pool.iterdir()) - self._before:
            path.unlink()
        self._host.virsh("pool-refresh", "default")


def own(lab: Lab, path: Path) -> None:
    """Give a file to the account of a lab."""
    if os.geteuid() == 0:
        os.chown(path, lab.account.uid, lab.account.gid)


@contextmanager
def small_file_system(lab: Lab, host: LabHost, mib: int) -> Iterator[Path]:
    """Have a file system of so many MiB, which the host's daemon sees. Root only."""
    place = host.directory / SMALL
    place.mkdir()
    size = f"size={mib}m,uid={lab.account.uid},gid={lab.account.gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, SMALL, str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        shutil.rmtree(place)


def unmount_small(root: Path) -> None:
    """Unmount what a run that was killed left mounted below the root of its lab."""
    for place in root.glob(f"*/{SMALL}"):
        if place.is_mount():
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def chain(host: LabHost, name: str, target: str = "vda", *flags: str) -> list[str]:
    """The files that a disk of a guest is made of, the one in use first."""
    tree = etree.fromstring(host.virsh("dumpxml", name, *flags))
    disk = tree.xpath(f"//disk[target/@dev='{target}']")[0]
    found = [disk.find("source"), *disk.iterfind(".//backingStore/source")]
    return [Path(str(one.get("file"))).name for one in found if one is not None]


def write(host: LabHost, name: str, number: int, length: str = "64k", disk: int | str = 0) -> None:
    """Have QEMU write the byte `number` to the disk of a guest that runs, at that MiB.

    The disk by its number, or by its alias where it has one of its own.
    A byte has 8 bits: qemu-io writes nothing where it is told of one with more.
    """
    _qemu_io(host, name, disk, f"write -P {number % 255 or 255} {number}M {length}")
    flush(host, name, disk)


def flush(host: LabHost, name: str, disk: int | str = 0) -> None:
    """Have QEMU write what it keeps of the disk of a guest to the image: others read it there."""
    _qemu_io(host, name, disk, "flush")


def _qemu_io(host: LabHost, name: str, disk: int | str, command: str) -> None:
    alias = f"virtio-disk{disk}" if isinstance(disk, int) else disk
    line = f'qemu-io -d /machine/peripheral/{alias}/virtio-backend "{command}"'
    told = host.virsh("qemu-monitor-command", name, "--hmp", line)
    assert "Error" not in told, told


def holds(image: Path, number: int, length: str = "64k", form: str = "qcow2") -> bool:
    """Whether an image, with what is below it, has that byte at that MiB."""
    command = ["qemu-io", "-U", "-f", form, "-r", "-c", f"read -P {number} {number}M {length}"]
    told = subprocess.run([*command, str(image)], check=False, capture_output=True, text=True)
    assert "read " in told.stdout, told.stderr
    return "verification failed" not in told.stdout


def info(image: Path) -> dict[str, object]:
    """What qemu-img tells of an image."""
    command = ["qemu-img", "info", "-U", "--output=json", str(image)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, object] = json.loads(told.stdout)
    return found

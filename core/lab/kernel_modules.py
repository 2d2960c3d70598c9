"""The kernel modules a guest loads, with what they need first, in loading order.

Dependencies are read from the modules themselves (`depends=` and `softdep=` of .modinfo): no
depmod is needed, and Debian's cloud kernel ships no modules.dep.
"""

from __future__ import annotations

import lzma
import re
import subprocess
from pathlib import Path

from core.errors import LabError
from core.lab.command import find_program

WANTED = (
    *("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "virtio_net"),
    *("virtio_console", "virtio_balloon", "virtio_rng", "button", "evdev", "isofs"),
    *("pvpanic_mmio", "pvpanic", "pvpanic_pci", "i6300esb", "virtio_mem", "nvme", "ext4"),
)
"""What the lab's devices and hot-plugged ones need; what a kernel has built in is not found."""

MODULE_FILE = re.compile(r"(.+)\.ko(\.xz|\.zst)?")
HARD = re.compile(rb"\0depends=([^\0]*)\0")
SOFT = re.compile(rb"\0softdep=pre: ([^\0]*)\0")


def find_modules(directory: Path) -> dict[str, Path]:
    """Module name (with underscores, as the kernel says it) -> file, below `directory`."""
    found = {}
    for path in sorted(directory.rglob("*.ko*")):
        if matched := MODULE_FILE.fullmatch(path.name):
            found[matched[1].replace("-", "_")] = path
    return found


def needs(module: bytes) -> list[str]:
    """The names of the modules an uncompressed module wants loaded before it."""
    hard = [name for match in HARD.findall(module) for name in match.decode().split(",") if name]
    soft = [name for match in SOFT.findall(module) for name in match.decode().split()]
    return [name.replace("-", "_") for name in hard + soft]


def read_module(path: Path) -> bytes:
    """A module's uncompressed bytes. Raises LabError when Ubuntu's zstd is missing."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        zstd = find_program("zstd")
        if zstd is None:
            raise LabError(
                "This kernel's modules are compressed with zstd, which is not installed.",
                "Run `sudo apt-get install zstd`.",
            )
        return subprocess.run([zstd, "-dcq"], input=data, capture_output=True, check=True).stdout
    return data


def in_loading_order(directory: Path) -> dict[str, bytes]:
    """Every wanted module and all it needs, name -> bytes, each after what it needs."""
    files = find_modules(directory)
    loaded: dict[str, bytes] = {}
    visiting: set[str] = set()

    def load(name: str) -> None:
        if name in visiting or name not in files:
            return
        visiting.add(name)
        content = read_module(files[name])
        for needed in needs(content):
            load(needed)
        loaded[name] = content

    for name in WANTED:
        load(name)
    return loaded

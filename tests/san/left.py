"""What a host has connected: to be nothing, once it is let go of."""

from __future__ import annotations

import re

from tests.san.host import SanHost

_SEEN = r"""
{ iscsiadm -m session; iscsiadm -m node; } 2>&1 | grep -v 'No active sessions\|No records found'
ls /sys/block | grep -v '^loop\|^vd'
dmsetup ls | grep -v 'No devices found'
ls /sys/class/nvme 2> /dev/null
awk '$3 == "nfs" || $3 == "nfs4" { print $2 }' /proc/mounts
ls /dev/disk/by-id 2> /dev/null | grep os-brick
:
"""


def left(san: SanHost) -> list[str]:
    """Return its sessions, devices, maps and mounts."""
    san.run("udevadm settle --timeout=60")
    return san.run(_SEEN).splitlines()


def bytes_of(san: SanHost, device: str) -> int:
    """Return how large a device is."""
    return int(san.run(f"blockdev --getsize64 {device}"))


def grow(san: SanHost, name: str, mib: int) -> None:
    """Let what the target gives out grow on its storage."""
    loop = san.run(f"losetup -j /srv/{name}").partition(":")[0]
    assert re.fullmatch(r"/dev/loop\d+", loop)
    san.run(f"truncate -s {mib}M /srv/{name} && losetup -c {loop}")


def writes(san: SanHost, device: str, name: str, words: str) -> None:
    """Write to a device, and see it arrive where the target keeps it."""
    line = f"printf '%-512s' '{words}' | dd of={device} bs=512 count=1 oflag=direct status=none"
    san.run(line)
    back = f"head -c {len(words)}"
    loop = f"$(losetup -j /srv/{name} | cut -d: -f1)"
    assert san.run(f"dd if={loop} bs=512 count=1 iflag=direct status=none | {back}") == words

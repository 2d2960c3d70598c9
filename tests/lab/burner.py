"""Guests that do nothing but write memory, at a set rate: a boot sector of our own, no kernel.

What they write means nothing to them: a kernel does not survive a pre-copy migration under TCG with
QEMU before 9.0 (docs/architecture.md). And they are up in half a second.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Protocol

from core.lab.account import Account
from tests.lab.removing import remove_instance

TICKS = 1193182 / 65536
"""Timer interrupts a second, as a BIOS sets the timer: 18.2."""
PAGE = 4096
FIRST = 1 << 20
"""Where they begin to write: above what the BIOS uses."""

XML = Template("""\
<domain type='$accelerator'>
  <name>$name</name>
  <memory unit='MiB'>$memory</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <on_crash>preserve</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$image'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
    </disk>
    <memballoon model='none'/>
  </devices>
  <seclabel type='none'/>
</domain>
""")


class Place(Protocol):
    """Where burners run: a `core.lab.Lab`, or `tests.lab.networked.NetworkedHosts`."""

    root: Path
    account: Account

    @property
    def hosts(self) -> tuple[Any, ...]: ...
    @property
    def accelerator(self) -> str: ...
    def host(self, name: str, /) -> Any: ...


@dataclass(frozen=True)
class Burner:
    """A guest of `memory` MiB that writes to `writes` MiB of it at `rate` MiB/s, for ever."""

    name: str
    memory: int = 96
    writes: int = 48
    rate: int = 30
    rests: bool = True
    """False: it writes as fast as its processor can, whatever its rate."""
    fills: int | None = None
    """MiB that it writes once at first; None: those it goes on writing to. The rest is zeros."""


def boot_sector(burner: Burner) -> bytes:
    """The 512 bytes a burner boots from: 16-bit code with one 32-bit segment for the writing."""
    last, filled = (
        struct.pack("<I", FIRST + size * 1024 * 1024)
        for size in (burner.writes, burner.fills or burner.writes)
    )
    first, step = struct.pack("<I", FIRST), struct.pack("<I", PAGE)
    pages = round(burner.rate * 1024 * 1024 / PAGE / TICKS)
    to_first = b"\x66\xbf" + first  # mov edi, first
    on = b"\x66\x81\xc7" + step + b"\x66\x81\xff"  # add edi, page; cmp edi, ...
    forward = on + last
    enter = bytes.fromhex(
        "fa 31c0 8ed8 8ed0 bc007c"  # cli; ds = ss = 0; sp = 0x7c00
        "0f0116 f07d 0f20c0 0c01 0f22c0 eb00"  # lgdt [0x7df0]; protected mode on
        "bb0800 8ee3 24fe 0f22c0 eb00"  # fs = flat; protected mode off: its limit stays
        "31c0 8ee0"  # fs = 0
    )
    write = b"\x64\x67\x66\x89\x3f"  # mov fs:[edi], edi: no page of it is zero any more
    fill = to_first + write + on + filled
    fill += b"\x72" + struct.pack("<b", -(len(write) + len(forward) + 2))  # jb: the next page
    change = b"\x64\x67\x66\xff\x07"  # inc dword fs:[edi]
    page = change + forward + b"\x72\x06" + to_first
    burst = b"\xb9" + struct.pack("<H", pages) + page  # mov cx, pages
    burst += b"\xe2" + struct.pack("<b", -(len(page) + 2))  # loop: the next page
    rest = b"\xf4" if burner.rests else b""  # hlt: until the timer
    tick = rest + (burst if pages else b"")
    tick += b"\xeb" + struct.pack("<b", -(len(tick) + 2))  # jmp: the next tick
    code = enter + fill + to_first + b"\xfb" + tick  # sti
    table = bytes(8) + bytes.fromhex("ffff0000 0092cf00")  # null; flat, writable, 4 GiB
    assert len(code) <= 0x1D0, len(code)
    sector = code.ljust(0x1E0, b"\x90") + table[:16]
    pointer = struct.pack("<HI", 15, 0x7C00 + 0x1E0)
    return (sector + pointer).ljust(510, b"\x00") + b"\x55\xaa"


def start(lab: Place, host: str, burner: Burner) -> str:
    """Define and start a burner on a host of the lab; returns its name."""
    image = lab.root / "shared" / f"{burner.name}.img"
    image.write_bytes(boot_sector(burner).ljust(1 << 20, b"\x00"))
    lab.account.own(image)
    description = lab.root / f"{burner.name}.xml"
    values = {"accelerator": lab.accelerator, "name": burner.name, "memory": burner.memory}
    description.write_text(XML.substitute(values, image=image))
    lab.host(host).virsh("define", str(description))
    lab.host(host).virsh("start", burner.name)
    return burner.name


def remove(lab: Place, name: str) -> None:
    """Remove a burner from wherever it is."""
    remove_instance(lab.hosts, name)

"""Makes the image of a Debian 13 as clouds boot it: GRUB, a root that grows, cloud-init, the agent.

Of packages alone, and without a mount or a loop device: mke2fs fills the file system, and GRUB is
written where its own installer would put it. It takes a minute, most of it mmdebstrap's. Root only.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from tests.debian.bootstrap import bootstrap

PACKAGES = (
    *("linux-image-cloud-amd64", "grub-pc-bin", "systemd-sysv", "udev", "dbus", "e2fsprogs"),
    *("cloud-init", "cloud-guest-utils", "fdisk"),  # fdisk's sfdisk grows the partition
    *("qemu-guest-agent", "iproute2", "login", "passwd", "sudo", "vim-tiny"),
)
LEFT_OUT = ("doc", "man", "locale")

SECTOR = 512
FIRST = 2048
"""The sector at which the root's partition begins."""
SECTORS = (1 << 30) // SECTOR
BOOT_CODE, TABLE = 440, 446
"""How long the code in the boot sector may be, and where the table of partitions begins."""
LINUX = 0x83
FAR = b"\xfe\xff\xff"
"""The address by cylinders of what lies past them: everybody reads the sectors instead."""

PATIENT = "[Manager]\nDefaultDeviceTimeoutSec=30min\n"
"""An emulated guest on a busy machine needs more than 90 s until udev shows the serial line: then
there would be no login on it."""
GRUB = """
serial --unit=0
terminal_input serial console
terminal_output serial console
linux /vmlinuz root=LABEL=root ro console=ttyS0
initrd /initrd.img
boot
"""
EARLY = """
search --label root --set=root
configfile /boot/grub/grub.cfg
"""
MODULES = "biosdisk part_msdos ext2 search search_label configfile normal linux serial terminal"


def make_image(directory: Path) -> Path:
    """Make the image in an empty directory: a qcow2 of 1 GiB, compressed. Blocking.

    Raises NoMirrorError, CalledProcessError.
    """
    tree, raw, image = directory / "tree", directory / "raw", directory / "debian-13.qcow2"
    bootstrap(tree, PACKAGES, *(f"--dpkgopt=path-exclude=/usr/share/{it}/*" for it in LEFT_OUT))
    for emptied in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(tree / emptied)
    (tree / "etc/machine-id").write_text("")  # each instance makes its own
    (tree / "etc/fstab").write_text("LABEL=root / ext4 errors=remount-ro 0 1\n")
    (tree / "etc/systemd/system.conf.d").mkdir(parents=True, exist_ok=True)
    (tree / "etc/systemd/system.conf.d/slow.conf").write_text(PATIENT)
    core = _boot_loader(tree)
    code = (tree / "usr/lib/grub/i386-pc/boot.img").read_bytes()[:BOOT_CODE]
    root = struct.pack("<B3sB3sII", 0x80, FAR, LINUX, FAR, FIRST, SECTORS - FIRST)
    boot_sector = code.ljust(TABLE, b"\0") + root.ljust(SECTOR - TABLE - 2, b"\0") + b"\x55\xaa"
    with raw.open("wb") as file:
        file.write(boot_sector + core)
        file.truncate(SECTORS * SECTOR)
    size = f"{(SECTORS - FIRST) * SECTOR // 1024}k"
    offset = f"offset={FIRST * SECTOR}"
    made = ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", tree, "-E", offset, raw, size]
    subprocess.run(made, check=True)
    subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", raw, image], check=True)
    raw.unlink()
    shutil.rmtree(tree)
    return image


def _boot_loader(tree: Path) -> bytes:
    """What stands from the second sector on: GRUB's core, which reads its menu from the root."""
    grub = tree / "boot/grub"
    grub.mkdir(exist_ok=True)
    (grub / "grub.cfg").write_text(GRUB)
    (grub / "early.cfg").write_text(EARLY)
    made = ["chroot", tree, "grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub"]
    made += ["-c", "/boot/grub/early.cfg", "-o", "/boot/grub/core.img", *MODULES.split()]
    subprocess.run(made, check=True)
    core = (grub / "core.img").read_bytes()
    assert len(core) < (FIRST - 1) * SECTOR, "it fits before the partition"
    return core

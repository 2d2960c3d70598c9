"""Makes the system of the SAN's guest: a Debian 13 with a full kernel, its tools and os-brick.

Kept in the cache like the lab's guests, keyed by what goes in. Root only, for mmdebstrap's mounts;
blocking: minutes, most of them apt's. Nothing of a test is in it: that comes with each start.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from core.errors import LabError
from core.lab.archive import character_device, directory, pack, regular
from core.lab.kernel_modules import find_modules, in_loading_order, read_module
from core.lab.places import cache_directory, exclusive
from tests.debian.bootstrap import SUITE, bootstrap
from tests.places import ROOT_DIRECTORY

PACKAGES = (
    *("linux-image-amd64", "busybox-static", "udev", "kmod", "iproute2", "procps", "e2fsprogs"),
    *("python3", "openssh-server", "open-iscsi", "nvme-cli", "nfs-common", "nfs-kernel-server"),
    *("multipath-tools", "cryptsetup-bin", "dmsetup", "lsscsi", "sg3-utils"),
    *("libvirt-daemon", "libvirt-daemon-driver-qemu", "qemu-system-x86", "seabios"),
    *("libvirt-daemon-driver-nodedev", "pciutils", "mdevctl"),
)
LEFT_OUT = (
    *(f"/usr/share/{it}/*" for it in ("doc", "man", "locale")),
    *(
        f"/usr/lib/modules/*/kernel/{it}/*"
        for it in ("sound", "drivers/gpu", "drivers/media", "drivers/net/wireless", "drivers/iio")
    ),
)
PYTHON = "/opt/os-brick/python"
"""What has os-brick in the guest."""
BRICK = "opt/os-brick/packages"
CHECKSUMS = "crc32c_generic"
EMPTY = ("dev", "proc", "sys", "root")
FIRST = Path(__file__).with_name("guest") / "first"
"""What the guest's initramfs runs."""


@dataclass(frozen=True)
class SanImage:
    """A system that boots: kernel, initramfs, and the disk with its root."""

    place: Path

    @property
    def kernel(self) -> Path:
        """The kernel."""
        return self.place / "kernel"

    @property
    def initramfs(self) -> Path:
        """The initramfs."""
        return self.place / "initramfs"

    @property
    def disk(self) -> Path:
        """The disk, which nobody writes to."""
        return self.place / "disk"


def ensure_image(say: Callable[[str], None]) -> SanImage:
    """Return the cached system, or make it. Raises LabError, CalledProcessError."""
    images = cache_directory() / "san"
    images.mkdir(exist_ok=True)
    place = images / _key()
    with exclusive(images, lambda: say("waiting for another run that makes the SAN's guest")):
        if not place.is_dir():
            if os.geteuid() != 0:
                raise LabError(
                    "Only root makes the system of the SAN's guest.", "Run the tests as root once."
                )
            say(f"making the SAN's guest in {place} (once, some minutes)")
            _make(images, place)
    return SanImage(place)


def _key() -> str:
    digest = hashlib.sha256(f"{SUITE} {platform.machine()}".encode())
    for path in (Path(__file__), FIRST, ROOT_DIRECTORY / "requirements.txt"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(images: Path, place: Path) -> None:
    for old in images.iterdir():
        shutil.rmtree(old)
    work = Path(tempfile.mkdtemp(prefix="new.", dir=images))
    tree, out = work / "tree", work / "out"
    out.mkdir()
    with patch.dict(os.environ, INITRD="No"):  # the kernel's package makes none: ours is another
        bootstrap(tree, PACKAGES, *(f"--dpkgopt=path-exclude={it}" for it in LEFT_OUT))
    _install_os_brick(tree)
    _take_kernel(tree, out)
    for emptied in ("var/cache/apt", "var/lib/apt/lists", "boot"):
        shutil.rmtree(tree / emptied)
    (tree / "etc/machine-id").write_text("5a" * 16 + "\n")
    size = subprocess.run(["du", "-sm", tree], stdout=subprocess.PIPE, text=True, check=True)
    room = int(size.stdout.split()[0]) * 5 // 4 + 512
    plain = ["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0"]
    subprocess.run(["mke2fs", *plain, "-d", tree, out / "disk", f"{room}M"], check=True)
    out.rename(place)
    shutil.rmtree(work)


def _install_os_brick(tree: Path) -> None:
    """Install os-brick as it is pinned, for the Python of the guest.

    It is compiled there: emulated, each start would take ten seconds more.
    """
    python = (tree / "usr/bin/python3").readlink().name
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    there = ["--target", tree / BRICK, "--python-version", python.removeprefix("python")]
    pinned = ["--constraint", ROOT_DIRECTORY / "requirements.txt"]
    wanted = ["os-brick", "oslo.service[threading]"]
    binary = ["--no-compile", "--only-binary", ":all:"]
    subprocess.run([*pip, *binary, *there, *pinned, *wanted], check=True)
    program = tree / PYTHON.lstrip("/")
    program.write_text(f'#!/bin/sh\nPYTHONPATH=/{BRICK} exec python3 -W ignore "$@"\n')
    program.chmod(0o755)
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", f"/{BRICK}"]
    subprocess.run(["chroot", tree, "python3", *compiled], check=False)  # some is Python 2's


def _take_kernel(tree: Path, out: Path) -> None:
    """Take the kernel, and make the initramfs that finds the root."""
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    shutil.copyfile(kernel, out / "kernel")
    there = tree / "usr/lib/modules" / kernel.name.removeprefix("vmlinuz-")
    # ext4 asks the kernel for it by an alias, which only depmod's files tell
    modules = {CHECKSUMS: read_module(find_modules(there)[CHECKSUMS])} | in_loading_order(there)
    members = {name: directory() for name in EMPTY}
    members["dev/console"] = character_device(5, 1)
    members["bin/busybox"] = regular((tree / "usr/bin/busybox").read_bytes(), 0o755)
    members["init"] = regular(FIRST.read_bytes(), 0o755)
    members["modules/order"] = regular("".join(f"{name}.ko\n" for name in modules).encode())
    members |= {f"modules/{name}.ko": regular(data) for name, data in modules.items()}
    (out / "initramfs").write_bytes(pack(members))

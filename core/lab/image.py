"""The guests' kernel and initramfs, built once from distribution packages and cached per user.

The cache is keyed by everything of ours that goes in and by the distribution: a changed guest
script is a new image, and a second start finds the first one's. Blocks its thread; a first build
downloads about 45 MB and takes half a minute.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.lab import kernel_modules
from core.lab.archive import ArchiveEntry, character_device, directory, pack, regular, symlink
from core.lab.command import run
from core.lab.packages import find_kernel, guest_packages, unpack
from core.lab.places import cache_directory, exclusive

GUEST_FILES = Path(__file__).with_name("guest")
SOURCES = ("archive.py", "image.py", "kernel_modules.py", "packages.py")
"""Modules whose change changes the image."""

SCRIPTS = {
    "init": ("init",),
    "work": ("sbin/work",),
    "button": ("sbin/button",),
    "lease": ("sbin/lease",),
    "chpasswd": ("sbin/chpasswd",),
    "power": ("sbin/poweroff", "sbin/halt", "sbin/reboot", "sbin/shutdown"),
}
"""Script in guest/ -> where it is installed in the guest."""
PROGRAMS = ("traffic", "writer", "hold")
"""Those in C in guest/: what a shell cannot do, or not for next to no processor time."""

ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\noperator:x:1000:1000::/data:/bin/sh\n",
    "etc/shadow": "root::0:0:99999:7:::\noperator:!:0:0:99999:7:::\n",
    "etc/group": "root:x:0:\ntty:x:5:\noperator:x:1000:\n",
    "etc/os-release": 'NAME="virtdeck guest"\nID=virtdeck\nPRETTY_NAME="virtdeck lab guest"\n',
}
EMPTY = ("data", "proc", "sys", "run", "tmp", "root", "mnt", "var/run", "var/log")
LIBRARY_PATHS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


@dataclass(frozen=True)
class Image:
    """A built guest: `key` changes whenever the content does."""

    key: str
    kernel: Path
    initramfs: Path


def image_key() -> str:
    """What the cache is keyed by: our own sources, the guest's files and the distribution."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*GUEST_FILES.iterdir(), *(here / name for name in SOURCES)]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    release = platform.freedesktop_os_release()
    digest.update(f"{release.get('ID')} {release.get('VERSION_ID')} {platform.machine()}".encode())
    return digest.hexdigest()[:16]


def cached_image() -> Image | None:
    """The image if it was built before, without building it."""
    key = image_key()
    place = cache_directory() / "guest" / key
    image = Image(key, place / "kernel", place / "initramfs")
    return image if place.is_dir() else None


def ensure_image(say: Callable[[str], None]) -> Image:
    """The cached image, or a new one. Raises LabError when a package or tool is missing."""
    if image := cached_image():
        return image
    if platform.machine() != "x86_64":
        raise LabError(
            f"The lab's guests are built for x86_64 only; this machine is {platform.machine()}.",
            "Connect virtdeck to hosts of your own instead.",
        )
    images = cache_directory() / "guest"
    images.mkdir(exist_ok=True)
    # Two that download packages to one place spoil each other's files.
    with exclusive(images, lambda: say("waiting for another command that builds the guest image")):
        return cached_image() or _new_image(images, say)


def _new_image(images: Path, say: Callable[[str], None]) -> Image:
    """Build the image among the others in `images`, and remove those of other keys."""
    say("building the guest image (once)")
    key = image_key()
    work = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=images))
    try:
        _build(work, cache_directory() / "packages", say)
        (work / "out").rename(images / key)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _forget_others(images, key)
    image = cached_image()
    if image is None:
        raise LabError(f"The guest image in {images} went away.", "Run the command again.")
    return image


def _forget_others(images: Path, key: str) -> None:
    """Remove finished images of other keys; every lab works on a copy of its own."""
    for place in images.iterdir():
        if "." not in place.name and place.name != key:
            shutil.rmtree(place, ignore_errors=True)


def _build(work: Path, store: Path, say: Callable[[str], None]) -> None:
    """Make work/out with kernel, initramfs and a manifest of package versions."""
    packages, out = work / "packages", work / "out"
    out.mkdir()
    kernel, release = find_kernel()
    used = unpack(guest_packages(release, kernel), store, packages, say)
    say("packing the guest image")
    members = guest_members(packages, release) | {
        f"bin/{name}": _compiled(name, work) for name in PROGRAMS
    }
    (out / "initramfs").write_bytes(pack(members))
    shutil.copyfile(packages / "boot" / f"vmlinuz-{release}", out / "kernel")
    (out / "manifest").write_text("\n".join(used) + "\n")


def guest_members(packages: Path, release: str) -> dict[str, ArchiveEntry]:
    """Everything in the initramfs but the compiled programs, from unpacked packages."""
    members: dict[str, ArchiveEntry] = {name: directory() for name in EMPTY}
    members["dev/console"] = character_device(5, 1)
    members |= {path: regular(text.encode(), 0o600) for path, text in ACCOUNTS.items()}
    busybox = packages / "bin/busybox"
    if not busybox.exists():
        busybox = packages / "usr/bin/busybox"
    members["bin/busybox"] = regular(busybox.read_bytes(), 0o755)
    for applet in run([busybox, "--list"]).split():
        members.setdefault(f"bin/{applet}", symlink("busybox"))
    members["sbin/hwclock"] = symlink("/bin/busybox")  # where the agent looks, to set the clock
    for script, targets in SCRIPTS.items():
        content = regular((GUEST_FILES / script).read_bytes(), 0o755)
        members |= dict.fromkeys(targets, content)
    members |= _agent(packages)
    modules = kernel_modules.in_loading_order(_modules_directory(packages, release))
    order = "".join(f"{name}.ko\n" for name in modules)
    members["lib/modules/order"] = regular(order.encode())
    return members | {f"lib/modules/{name}.ko": regular(data) for name, data in modules.items()}


def _modules_directory(packages: Path, release: str) -> Path:
    """Where the kernel's modules were unpacked: under /usr on newer distributions."""
    newer = packages / "usr/lib/modules" / release
    return newer if newer.is_dir() else packages / "lib/modules" / release


def _agent(packages: Path) -> dict[str, ArchiveEntry]:
    """The guest agent, its loader and exactly the libraries the loader names."""
    program = packages / "usr/sbin/qemu-ga"
    if not program.exists():
        program = packages / "usr/bin/qemu-ga"
    loader = next(packages.rglob("ld-linux-x86-64.so.2"))
    paths = ":".join(str(packages / path) for path in LIBRARY_PATHS)
    listing = run([loader, "--library-path", paths, "--list", program])
    members = {
        "usr/sbin/qemu-ga": regular(program.read_bytes(), 0o755),
        "lib64/ld-linux-x86-64.so.2": regular(loader.read_bytes(), 0o755),
    }
    for line in listing.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow and not name.startswith("/"):
            library = Path(rest.rsplit(" (", 1)[0])
            members[f"lib/x86_64-linux-gnu/{name}"] = regular(library.read_bytes(), 0o755)
    return members


def _compiled(name: str, work: Path) -> ArchiveEntry:
    """One of `PROGRAMS`, as a static program."""
    target = work / name
    run(
        ["gcc", "-O2", "-Wall", "-Wextra", "-static", "-o", target, GUEST_FILES / f"{name}.c"],
        hint="Run `sudo apt-get install gcc libc6-dev`.",
    )
    return regular(target.read_bytes(), 0o755)

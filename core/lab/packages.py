"""The distribution packages a guest image is made of: named, downloaded and unpacked without root.

apt names the kernel differently on Debian and Ubuntu, so apt itself is asked. Blocks its thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from core.errors import LabError
from core.lab.command import run

KERNEL_PACKAGES = ("linux-image-cloud-amd64", "linux-image-virtual", "linux-image-amd64")
"""Kernels for virtual machines first; the metapackage names of Debian and of Ubuntu."""

KERNEL = re.compile(r"Depends: (linux-image-(?:unsigned-)?(\d\S*))")
REFRESH = "Run `sudo apt-get update`, and see that the machine reaches its package mirror."
DOWNLOAD_DEADLINE = 600.0
"""Seconds for about 45 MB from a slow mirror."""


def kernel_of(depends: str) -> tuple[str, str] | None:
    """The kernel package and its release in what `apt-cache depends METAPACKAGE` prints."""
    found = KERNEL.search(depends)
    return (found[1], found[2]) if found else None


def libraries_of(closure: str) -> list[str]:
    """The library packages in what `apt-cache depends --recurse` prints, sorted."""
    names = {line.strip() for line in closure.splitlines() if line and not line.startswith(" ")}
    return sorted(name for name in names if name.startswith("lib") and "perl" not in name)


def find_kernel() -> tuple[str, str]:
    """The newest kernel package of this distribution for a virtual machine, and its release.

    Raises LabError when apt offers none.
    """
    for package in KERNEL_PACKAGES:
        try:
            found = kernel_of(run(["apt-cache", "depends", package]))
        except LabError:
            continue
        if found:
            return found
    raise LabError("apt offers no kernel package for the lab's guests.", REFRESH)


def guest_packages(release: str, kernel: str) -> list[str]:
    """Every package of the image: kernel, modules, busybox, the agent and its libraries."""
    names = [kernel, "busybox-static", "qemu-guest-agent"]
    modules = f"linux-modules-{release}"
    if run(["apt-cache", "pkgnames", modules]).split().count(modules):
        names.append(modules)
    only = [f"--no-{kind}" for kind in ("suggests", "recommends", "conflicts", "breaks")]
    only += ["--no-replaces", "--no-enhances"]
    closure = run(["apt-cache", "depends", "--recurse", *only, "qemu-guest-agent"])
    return names + libraries_of(closure)


def unpack(names: list[str], store: Path, into: Path, say: Callable[[str], None]) -> list[str]:
    """Download the packages to `store` (kept for the next build) and unpack them to `into`.

    Returns the file names of the packages, which hold their versions. Raises LabError.
    """
    store.mkdir(parents=True, exist_ok=True)
    say(f"downloading {len(names)} packages for the guests")
    # apt skips what `store` already holds; the option silences a warning about its own sandbox.
    fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *names]
    run(fetch, cwd=store, deadline=DOWNLOAD_DEADLINE, hint=REFRESH)
    unpacked = []
    for name in names:
        *older, newest = sorted(store.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
        for path in older:
            path.unlink(missing_ok=True)
        run(["dpkg-deb", "-x", newest, into])
        unpacked.append(newest.name)
    return unpacked

"""Whether KVM really runs a guest here, proven by booting one against a deadline.

An openable /dev/kvm is no proof: on some nested machines QEMU starts on it and the guest hangs at
its first instruction. The verdict is remembered in the lab user's cache, by kernel and QEMU, since
waiting for a hang takes the whole deadline.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from core.lab.account import Account
from core.lab.command import PLAIN, find_program
from core.lab.places import cache_directory
from core.lab.post_copy import Ability

DEVICE = Path("/dev/kvm")
BOOT_DEADLINE = 6.0
"""Seconds; on working KVM the first line of the guest's init comes in about one."""

SIGN_OF_LIFE = b"vd: "
YES = "a guest booted on it"


def choose_accelerator(
    account: Account, image: Path, say: Callable[[str], None]
) -> tuple[str, Ability]:
    """`kvm` or `qemu` (libvirt's word for TCG), and why.

    `image` is a directory with `kernel` and `initramfs` that `account` can read. Blocks up to the
    deadline the first time on a machine where KVM hangs.
    """
    verdict = kvm_ability(account, image, say)
    return ("kvm" if verdict.works else "qemu"), verdict


def kvm_ability(account: Account, image: Path, say: Callable[[str], None]) -> Ability:
    """The remembered verdict, or that of a trial boot."""
    qemu = find_program("qemu-system-x86_64")
    if qemu is None or not DEVICE.exists():
        return Ability(False, "this machine has no /dev/kvm")
    if not _may_open(account):
        return Ability(
            False,
            f"the user {account.name} may not open /dev/kvm",
            f"Run `sudo usermod -aG kvm {account.name}` and log in again.",
        )
    build = Path(qemu).stat()
    memory = cache_directory() / f"kvm-{platform.release()}-{build.st_size}-{build.st_mtime_ns}"
    if not memory.exists():
        say("trying whether KVM boots a guest")
        booted = _boots([*account.prefix(), qemu, *_trial_arguments(image)])
        memory.write_text(YES if booted else f"a guest hung on it for {BOOT_DEADLINE:.0f} s")
    reason = memory.read_text()
    return Ability(reason == YES, reason, "" if reason == YES else f"Remove {memory} to try again.")


def _may_open(account: Account) -> bool:
    """Whether the lab's user can open the device. Root's lab enters the device's group."""
    if not account.drops:
        return os.access(DEVICE, os.R_OK | os.W_OK)
    found = DEVICE.stat()
    group = found.st_gid == account.kvm_gid and found.st_mode & 0o060 == 0o060
    return group or found.st_mode & 0o006 == 0o006


def _trial_arguments(image: Path) -> list[str]:
    """QEMU's arguments for the least guest that can show a sign of life."""
    return [
        *("-machine", "q35,accel=kvm", "-m", "96", "-nodefaults", "-display", "none"),
        *("-kernel", str(image / "kernel"), "-initrd", str(image / "initramfs")),
        *("-append", "console=ttyS0 quiet vd.noagent", "-serial", "stdio", "-no-reboot"),
    ]


def _boots(words: list[str]) -> bool:
    """Whether the guest these words start says anything before the deadline. Always ends it."""
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=PLAIN,
        start_new_session=True,
    ) as guest:
        try:
            return _sees_life(guest)
        finally:
            guest.kill()


def _sees_life(guest: subprocess.Popen[bytes]) -> bool:
    """Read the guest's console until its init speaks, it ends, or the deadline passes."""
    assert guest.stdout is not None
    descriptor = guest.stdout.fileno()
    os.set_blocking(descriptor, False)
    seen = b""
    until = time.monotonic() + BOOT_DEADLINE
    while time.monotonic() < until and guest.poll() is None:
        try:
            seen += os.read(descriptor, 65536)
        except BlockingIOError:
            time.sleep(0.05)
        if SIGN_OF_LIFE in seen:
            return True
    return False

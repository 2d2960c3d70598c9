"""Whether a post-copy migration can work between the lab's hosts, and what cures it if not.

The destination QEMU needs userfaultfd for faults of the kernel too: the sysctl
vm.unprivileged_userfaultfd, CAP_SYS_PTRACE, or (QEMU 8 and later) access to /dev/userfaultfd.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.lab.account import Account, capabilities, has_ptrace

SYSCTL = Path("/proc/sys/vm/unprivileged_userfaultfd")
CURE_SYSCTL = "Run `sudo sysctl vm.unprivileged_userfaultfd=1`."
CURE_CONTAINER = "Start the container with --cap-add SYS_PTRACE, or set the sysctl on its host."


@dataclass(frozen=True)
class Ability:
    """Whether something works, the reason either way, and the cure when it does not."""

    works: bool
    reason: str
    cure: str = ""


def judge_post_copy(sysctl: str | None, ambient: Iterable[bool], drops: bool) -> Ability:
    """Decide from what was observed. Pure.

    `sysctl` is the setting's text (None: the kernel has no such setting), `ambient` says for each
    running daemon whether CAP_SYS_PTRACE is in its ambient set (which its QEMUs inherit), `drops`
    whether the lab's owner is root.
    """
    if sysctl == "1":
        return Ability(True, "vm.unprivileged_userfaultfd is 1")
    daemons = list(ambient)
    if daemons and all(daemons):
        return Ability(True, "the hosts' daemons hold CAP_SYS_PTRACE")
    if sysctl is None:
        return Ability(
            False,
            "this kernel has no vm.unprivileged_userfaultfd",
            "Use a kernel with CONFIG_USERFAULTFD (5.11 or later).",
        )
    if drops:
        return Ability(False, "root has no CAP_SYS_PTRACE to hand on here", CURE_CONTAINER)
    return Ability(False, "vm.unprivileged_userfaultfd is 0 and the lab is not root's", CURE_SYSCTL)


def post_copy_ability(pids: Iterable[int], account: Account) -> Ability:
    """Observe the kernel and the daemons `pids`, and judge. Reads /proc; safe from any thread.

    Without daemons it says what a lab of `account` could do once it is up.
    """
    try:
        sysctl: str | None = SYSCTL.read_text().strip()
    except OSError:
        sysctl = None
    ambient = [has_ptrace(capabilities(pid), "CapAmb") for pid in pids] or [account.ptrace]
    if not account.drops and os.access("/dev/userfaultfd", os.R_OK | os.W_OK):
        return Ability(True, "/dev/userfaultfd may be opened")
    return judge_post_copy(sysctl, ambient, account.drops)

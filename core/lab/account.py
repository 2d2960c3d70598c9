"""Whom the lab's daemons run as: the caller, or an unprivileged user when the caller is root.

libvirtd run by root is always the system daemon, so root must step down first. CAP_SYS_PTRACE is
kept as an ambient capability on the way: it is what lets QEMU receive a post-copy migration.
Functions read the environment and /proc; safe from any thread.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError

SYS_PTRACE = 19
"""The number of CAP_SYS_PTRACE (linux/capability.h)."""

CAPABILITY_SET = re.compile(r"^(Cap\w+):\s*([0-9a-f]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Account:
    """The user a lab belongs to. `drops` is true when the caller is root and steps down."""

    uid: int
    gid: int
    name: str
    drops: bool = False
    ptrace: bool = False
    kvm_gid: int | None = None

    def prefix(self) -> list[str]:
        """The words before a command that make it run as this user; empty for the caller."""
        if not self.drops:
            return []
        words = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}"]
        words.append("--clear-groups" if self.kvm_gid is None else f"--groups={self.kvm_gid}")
        if self.ptrace:
            words += ["--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace"]
        return words

    def own(self, path: Path) -> None:
        """Give `path` itself (no link is followed) to this user. Raises OSError."""
        if self.drops:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def capabilities(pid: int | str = "self") -> dict[str, int]:
    """The capability sets of a process (`CapEff`, `CapBnd`, `CapAmb`...) as bit masks.

    Empty when the process is gone. /proc/PID/status is readable for everybody.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return {name: int(bits, 16) for name, bits in CAPABILITY_SET.findall(status)}


def has_ptrace(sets: dict[str, int], name: str) -> bool:
    """Whether CAP_SYS_PTRACE is in the set `name` of what `capabilities` returned."""
    return bool(sets.get(name, 0) >> SYS_PTRACE & 1)


def current_account() -> Account:
    """The account for a lab of the caller: as root SUDO_UID's user, else `nobody`.

    Raises LabError when root finds no user to step down to.
    """
    uid = os.getuid()
    if uid != 0:
        return Account(uid, os.getgid(), _name_of(uid))
    try:
        entry = _step_down_to()
    except KeyError as problem:
        raise LabError(
            "Root cannot run the lab's daemons, and this machine has no user `nobody`.",
            "Run virtdeck as an ordinary user.",
        ) from problem
    own = capabilities()
    ptrace = has_ptrace(own, "CapPrm") and has_ptrace(own, "CapBnd")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, True, ptrace, _kvm_group())


def require_known(account: Account) -> None:
    """Raise LabError for a user without a name, as in containers: libvirt does not run for one."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        raise LabError(
            f"libvirt cannot run for the user id {account.uid}: the user database has no name.",
            f"Add one as root, for example `useradd --uid {account.uid} operator`.",
        ) from None


def _name_of(uid: int) -> str:
    """The login name of a uid, or the number itself where the user database lacks it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _step_down_to() -> pwd.struct_passwd:
    """The user behind sudo, else nobody. Raises KeyError when there is neither."""
    caller = os.environ.get("SUDO_UID", "")
    if caller.isdecimal() and int(caller) != 0:
        return pwd.getpwuid(int(caller))
    return pwd.getpwnam("nobody")


def _kvm_group() -> int | None:
    """The group that may open /dev/kvm, so that stepping down does not cost KVM."""
    try:
        return grp.getgrnam("kvm").gr_gid
    except KeyError:
        return None

"""Preflight: what the chosen way needs of both hosts: post-copy, TLS, zero-copy. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.plan.flags import PARAMETERS_SINCE
from core.migration.preflight.case import (
    FullCase,
    FullRule,
    blocker,
    ok,
    unknown,
    version,
    warning,
)
from core.migration.preflight.leaving import leaves
from core.model import Finding, InstanceState, MigrationStatus
from core.model.lists import listed
from core.xml.host_devices import node_name

_MENDED = 9_000_000
"""QEMU whose emulation notes what is written."""
_GROUP = 256 << 10
"""Bytes of memory that have their dirty bits in one word; only whole ones go wrong."""
_RECOVERY = 8_005_000
"""libvirt that can resume a post-copy migration that failed."""
_QEMU_SINCE = {"bandwidth.avail.switchover": 8_002_000}
"""QEMU from which it has avail-switchover-bandwidth."""
_NEWER = {
    "bandwidth.avail.switchover": (
        "switchover-bandwidth",
        "a bandwidth for the switchover",
        "Do without it, and raise the max downtime instead.",
    ),
    "migrate_disks_detect_zeroes": (
        "detect-zeroes",
        "the search for zeros in the disks that are copied",
        "Do without it, or set detect_zeroes of the disks' <driver>.",
    ),
}
"""By parameter: the finding's id, what it is, and what to do without it."""


def check_post_copy(case: FullCase) -> Iterator[Finding]:
    """Both sides can do post-copy; userfaultfd cannot be seen from outside."""
    if case.request.post_copy == "never":
        return
    leave = {node_name(one.word) for one in leaves(case)}
    stay = (each for each in case.needs.host_devices if not each.failover)
    devices = [each.device for each in stay if each.device not in leave]
    if devices:
        text = f"Post-copy does not work with devices of the host ({listed(devices)})."
        yield blocker("post-copy", text, "Do without post-copy, or detach them.")
    elif case.needs.persistent_memory or case.needs.memory_locked:
        text = "Post-copy does not work with locked or persistent memory."
        yield blocker("post-copy", text, "Do without post-copy.")
    elif case.there.userfaultfd or _has_worked(case):
        how = "everybody may use userfaultfd" if case.there.userfaultfd else "it has worked before"
        yield ok("post-copy", f"{case.destination} can take a post-copy migration: {how}.")
    else:
        text = (
            f"Whether QEMU on {case.destination} may use userfaultfd cannot be seen from outside."
        )
        cure = "If it may not, it fails at once and harmlessly: set vm.unprivileged_userfaultfd=1."
        if case.needs.huge_pages or case.needs.memory_source == "file":
            text += " Backed by huge pages or files, the kernel and file system must allow it too."
        yield unknown("post-copy", text, cure)
    versions = [number for number in (case.here.libvirt, case.there.libvirt) if number is not None]
    if versions and min(versions) < _RECOVERY:
        yield warning(
            "post-copy-recovery",
            f"libvirt {version(min(versions))} cannot resume a post-copy that failed: the guest "
            "would be lost.",
            "Update libvirt to 8.5 or later on both.",
        )


def check_emulation(case: FullCase) -> Iterator[Finding]:
    """Of an emulated guest, QEMU before 9.0 forgets what it writes while it is copied.

    It clears the dirty bits of the whole memory and leaves the cached translations that were to
    set them again, where the memory is a multiple of 256 KiB: libvirt gives whole MiB. Seven of
    eight Linux guests crashed of it with QEMU 7.2; the lab takes a little off theirs.
    """
    if case.needs.instance.type != "qemu" or _remembers(case):
        return
    instance = case.state.instances.get(case.request.subject)
    if case.request.auto_converge:
        text = f"{case.name} is emulated (TCG): throttled by auto-converge, it may lose memory."
        yield warning("auto-converge", text, "Do without; raise the max downtime or use post-copy.")
    elif instance is not None and instance.state is InstanceState.RUNNING:
        text = (
            f"{case.name} is emulated (TCG), and QEMU before 9.0 loses some of what such a guest "
            "writes while it is copied: it may crash there."
        )
        yield warning("emulation", text, "Pause it for the move, or use KVM or a newer QEMU.")


def _remembers(case: FullCase) -> bool:
    """Whether QEMU is known to note all that an emulated guest writes."""
    guest = case.needs.instance
    less = guest.memory_maximum - (guest.memory or guest.memory_maximum)
    return (case.here.qemu or 0) >= _MENDED or 0 < less < _GROUP


def _has_worked(case: FullCase) -> bool:
    """Whether a post-copy migration to the same host came to its end."""
    return any(
        each.to == case.request.to
        and each.switched is not None
        and each.status is MigrationStatus.COMPLETED
        for each in case.state.migrations.values()
    )


def check_security(case: FullCase) -> Iterator[Finding]:
    """TLS and zero-copy, whose conditions libvirt does not tell."""
    if case.request.tls:
        yield unknown(
            "tls",
            "Whether both hosts have certificates for migration cannot be seen.",
            "They are in /etc/pki/qemu or as migrate_tls_x509_cert_dir of qemu.conf says.",
        )
    if case.request.zero_copy:
        yield unknown(
            "zero-copy",
            "Whether QEMU may lock as much memory as zero-copy needs cannot be seen.",
            "Give a hard_limit in <memtune>; an unprivileged (session) daemon has no such right.",
        )


def check_age(case: FullCase) -> Iterator[Finding]:
    """libvirt at both ends is new enough for what was chosen (versions: libvirt.md 6.1 and 6.2)."""
    request = case.request
    chosen = (
        ("compression by zlib or zstd", 9_004_000, {"zlib", "zstd"} & set(request.compression)),
        ("zero-copy", 8_005_000, request.zero_copy),
        ("synchronous writes of copied disks", 8_000_000, request.synchronous_writes),
        ("parallel connections", 5_002_000, request.parallel),
    )
    for what, since, wanted in chosen:
        for host, has in ((case.source, case.here.libvirt), (case.destination, case.there.libvirt)):
            if wanted and has is not None and has < since:
                yield blocker(
                    "libvirt-age",
                    f"libvirt {version(has)} on {host} has no {what}: {version(since)} brought it.",
                    "Do without, or update libvirt.",
                )


def check_newer_options(case: FullCase) -> Iterator[Finding]:
    """The source's libvirt and QEMU know what only newer ones do: the source alone reads these."""
    asked = {
        "bandwidth.avail.switchover": case.request.switchover_bandwidth is not None,
        "migrate_disks_detect_zeroes": case.request.detect_zeroes,
    }
    for name in [name for name, wanted in asked.items() if wanted]:
        code, what, cure = _NEWER[name]
        needs = [
            f"{program} {version(found)}, and needs {version(since)}"
            for program, found, since in (
                ("libvirt", case.here.libvirt, PARAMETERS_SINCE[name]),
                ("QEMU", case.here.qemu, _QEMU_SINCE.get(name, 0)),
            )
            if found is not None and found < since
        ]
        if needs:
            text = f"{case.source} does not know {what}: it has {'; '.join(needs)}."
            yield blocker(code, text, cure, fixed=True)
        elif case.here.libvirt is None:
            yield unknown(code, f"Whether {case.source} knows {what} cannot be seen.", cure)
        else:
            yield ok(code, f"{case.source} knows {what}.")


FULL_RULES: tuple[FullRule, ...] = (
    check_post_copy,
    check_emulation,
    check_security,
    check_age,
    check_newer_options,
)

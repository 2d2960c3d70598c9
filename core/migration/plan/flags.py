"""libvirt's VIR_MIGRATE_* bits by name, and what virsh calls them. Pure: no libvirt is needed."""

from __future__ import annotations

from enum import IntFlag


class MigrateFlag(IntFlag):
    """virDomainMigrateFlags of libvirt-domain.h; beside each the version that brought it."""

    LIVE = 1 << 0  # 0.3.2
    PEER2PEER = 1 << 1  # 0.7.2
    TUNNELLED = 1 << 2  # 0.7.2
    PERSIST_DEST = 1 << 3  # 0.7.3
    UNDEFINE_SOURCE = 1 << 4  # 0.7.3
    PAUSED = 1 << 5  # 0.7.5
    NON_SHARED_DISK = 1 << 6  # 0.8.2
    NON_SHARED_INC = 1 << 7  # 0.8.2
    CHANGE_PROTECTION = 1 << 8  # 0.9.4
    UNSAFE = 1 << 9  # 0.9.11
    OFFLINE = 1 << 10  # 1.0.1
    COMPRESSED = 1 << 11  # 1.0.3
    ABORT_ON_ERROR = 1 << 12  # 1.1.0
    AUTO_CONVERGE = 1 << 13  # 1.2.3
    RDMA_PIN_ALL = 1 << 14  # 1.2.9
    POSTCOPY = 1 << 15  # 1.3.3
    TLS = 1 << 16  # 3.2.0
    PARALLEL = 1 << 17  # 5.2.0
    NON_SHARED_SYNCHRONOUS_WRITES = 1 << 18  # 8.0.0
    POSTCOPY_RESUME = 1 << 19  # 8.5.0
    ZEROCOPY = 1 << 20  # 8.5.0


VIRSH_FLAGS = {
    MigrateFlag.LIVE: "--live",
    MigrateFlag.PEER2PEER: "--p2p",
    MigrateFlag.TUNNELLED: "--tunnelled",
    MigrateFlag.PERSIST_DEST: "--persistent",
    MigrateFlag.UNDEFINE_SOURCE: "--undefinesource",
    MigrateFlag.PAUSED: "--suspend",
    MigrateFlag.NON_SHARED_DISK: "--copy-storage-all",
    MigrateFlag.NON_SHARED_INC: "--copy-storage-inc",
    MigrateFlag.CHANGE_PROTECTION: "--change-protection",
    MigrateFlag.UNSAFE: "--unsafe",
    MigrateFlag.OFFLINE: "--offline",
    MigrateFlag.COMPRESSED: "--compressed",
    MigrateFlag.ABORT_ON_ERROR: "--abort-on-error",
    MigrateFlag.AUTO_CONVERGE: "--auto-converge",
    MigrateFlag.RDMA_PIN_ALL: "--rdma-pin-all",
    MigrateFlag.POSTCOPY: "--postcopy",
    MigrateFlag.TLS: "--tls",
    MigrateFlag.PARALLEL: "--parallel",
    MigrateFlag.NON_SHARED_SYNCHRONOUS_WRITES: "--copy-storage-synchronous-writes",
    MigrateFlag.POSTCOPY_RESUME: "--postcopy-resume",
    MigrateFlag.ZEROCOPY: "--zerocopy",
}
"""The option of `virsh migrate` for each."""

VIRSH_PARAMETERS = {
    "migrate_uri": "--migrateuri",
    "listen_address": "--listen-address",
    "destination_name": "--dname",
    "destination_xml": "--xml",
    "persistent_xml": "--persistent-xml",
    "migrate_disks": "--migrate-disks",
    "migrate_disks_detect_zeroes": "--migrate-disks-detect-zeroes",
    "disks_port": "--disks-port",
    "disks_uri": "--disks-uri",
    "bandwidth": "--bandwidth",
    "bandwidth.postcopy": "--postcopy-bandwidth",
    "bandwidth.avail.switchover": "--available-switchover-bandwidth",
    "compression": "--comp-methods",
    "auto_converge.initial": "--auto-converge-initial",
    "auto_converge.increment": "--auto-converge-increment",
    "parallel.connections": "--parallel-connections",
    "tls.destination": "--tls-destination",
}
"""The option of `virsh migrate` for each typed parameter."""

PARAMETERS_SINCE = {
    "migrate_disks_detect_zeroes": 10_009_000,
    "bandwidth.avail.switchover": 11_001_000,
}
"""libvirt at the source from which a parameter is known: an older one refuses the call. The binding
may be older still: it is the names that count."""


def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the bits in `flags`, in libvirt's order."""
    return tuple(flag.name or "" for flag in MigrateFlag if flag & flags)

"""virtdeck's connectors with real initiators: connected, written, extended, let go of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.volumes.brick.process import BrickError, BrickProcess
from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import VolumePlace
from core.volumes.protocols import family_of
from tests.patience import PATIENCE
from tests.san.host import SanHost
from tests.san.left import bytes_of, grow, left, writes
from tests.san.targets import (
    ADAPTER,
    MIB,
    PORT,
    SECRET,
    fibre_channel,
    iscsi,
    iser,
    nfs,
    nvmeof,
    whole,
)

LONG = 60.0 * PATIENCE


@contextmanager
def connected(
    brick: BrickProcess, info: ConnectionInfo, **how: Any
) -> Iterator[tuple[VolumePlace, dict[str, Any]]]:
    """Have the host connect a volume; yields where it is, and what was asked."""
    family = family_of(info)
    family.check(info)
    asked = {"protocol": info.protocol, "data": whole(info), **how}
    device = brick.ask("connect", LONG, **asked).value
    place = family.place(info, device)
    try:
        yield place, asked
    finally:
        # as the ledger has it: without its secrets
        data = dict(info.data)
        how["unmount"] = place.source.rpartition("/")[0] if family.mounts else ""
        brick.ask("disconnect", LONG, **{**asked, **how, "data": data}, device=device)


def test_a_lun_is_connected_written_extended_and_let_go_of(
    san: SanHost, brick: BrickProcess
) -> None:
    with connected(brick, iscsi(1)) as (place, asked):
        assert (place.type, place.io) == ("block", "native")
        writes(san, place.source, "lun1", "over-one-path")
        assert len(san.run("iscsiadm -m session").splitlines()) == 1
        assert bytes_of(san, place.source) == 64 * MIB
        grow(san, "lun1", 96)
        assert brick.ask("extend", LONG, **asked).value == 96 * MIB
        assert bytes_of(san, place.source) == 96 * MIB


def test_a_lun_over_iser_is_connected_written_extended_and_let_go_of(
    san: SanHost, brick: BrickProcess
) -> None:
    with connected(brick, iser()) as (place, asked):
        assert (place.type, place.io) == ("block", "native")
        (session,) = san.run("iscsiadm -m session").splitlines()
        assert session.startswith("iser:")
        writes(san, place.source, "lun4", "over-rdma")
        grow(san, "lun4", 96)
        assert brick.ask("extend", LONG, **asked).value == 96 * MIB
        assert bytes_of(san, place.source) == 96 * MIB


def test_a_lun_over_fibre_channel_is_connected_written_extended_and_let_go_of(
    san: SanHost, brick: BrickProcess
) -> None:
    assert ADAPTER in brick.ask("properties", LONG).value["wwpns"]
    with connected(brick, fibre_channel()) as (place, asked):
        assert (place.type, place.io) == ("block", "native")
        assert place.source.startswith("/dev/disk/by-id/wwn-0x")
        by_path = san.run(f"readlink -f /dev/disk/by-path/*-fc-0x{PORT}-lun-1")
        assert san.run(f"readlink -f {place.source}") == by_path
        writes(san, place.source, "fibre1", "over-fibre-channel")
        assert bytes_of(san, place.source) == 64 * MIB
        grow(san, "fibre1", 96)
        assert brick.ask("extend", LONG, **asked).value == 96 * MIB
        assert bytes_of(san, place.source) == 96 * MIB


def test_a_lun_over_two_portals_is_one_device_that_outlives_a_path(
    san: SanHost, brick: BrickProcess
) -> None:
    with connected(brick, iscsi(2, paths=2), multipath=True) as (place, asked):
        assert san.run(f"readlink -f {place.source}").startswith("/dev/dm-")
        assert san.run("multipath -ll").count("active ready running") == 2
        writes(san, place.source, "lun2", "over-two-paths")
        grow(san, "lun2", 96)
        assert brick.ask("extend", LONG, **asked).value == 96 * MIB
        assert bytes_of(san, place.source) == 96 * MIB
        path = san.run("ls -d /sys/block/dm-0/slaves/* | head -n 1")
        san.run(f"echo offline > {path}/device/state")
        writes(san, place.source, "lun2", "over-the-path-that-is-left")
        san.run(f"echo running > {path}/device/state")


@pytest.mark.parametrize("paths", [1, 2])
def test_a_namespace_is_connected_written_extended_and_let_go_of(
    san: SanHost, brick: BrickProcess, paths: int
) -> None:
    before = bytes_of(san, "$(losetup -j /srv/namespace1 | cut -d: -f1)")
    with connected(brick, nvmeof(paths=paths), multipath=paths > 1) as (place, asked):
        assert place.type == "block"
        assert san.run("cat /sys/class/nvme/*/state").split() == ["live"] * paths
        writes(san, place.source, "namespace1", f"nvme-over-{paths}")
        grow(san, "namespace1", before // MIB + 32)
        revalidate = "/sys/kernel/config/nvmet/subsystems/*/namespaces/1/revalidate_size"
        san.run(f"echo 1 > {revalidate}")
        assert brick.ask("extend", LONG, **asked).value == before + 32 * MIB
        assert bytes_of(san, place.source) == before + 32 * MIB


def test_the_file_of_a_share_is_mounted(san: SanHost, brick: BrickProcess) -> None:
    with connected(brick, nfs()) as (place, _):
        assert (place.type, place.format) == ("file", "raw")
        san.run(f"echo over-nfs | dd of={place.source} conv=notrunc status=none && sync")
        assert san.run("head -c 8 /srv/share/volume-1") == "over-nfs"


REFUSED = {
    "a wrong password": (iscsi(3, auth_password="not-the-word-of-chap"), "password"),
    "a portal that is down": (iscsi(3, target_portal="127.0.0.1:3999"), "portal"),
    "no such LUN": (iscsi(9), "no such LUN"),
    "no such LUN of Fibre Channel": (fibre_channel(9), "the array shows the LUN"),
}


@pytest.mark.parametrize(("info", "cure"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected_is_one_error_with_a_cure_and_leaves_nothing(
    san: SanHost, brick: BrickProcess, info: ConnectionInfo, cure: str
) -> None:
    with pytest.raises(BrickError) as raised, connected(brick, info, attempts=1):
        pass
    assert cure in raised.value.hint
    assert SECRET not in raised.value.message
    assert left(san) == []

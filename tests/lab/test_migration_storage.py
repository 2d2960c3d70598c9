"""Live migrations that copy disks, and one whose destination has no room for them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.migration.plan.flags import PARAMETERS_SINCE
from core.model import Level, OperationStatus, Rewrites
from core.model.rewrites import Move
from core.verbs.migration.requests import Migrate
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, found, opened, passed, start, states, told, until

DISK = """
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='{path}'/>
  <target dev='vdb' bus='virtio'/>
</disk>
"""
SIZE = "16M"


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


def image(lab: Lab, path: Path, *, written: bool) -> Path:
    """Make a disk image, with or without something in it."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, SIZE], check=True)
    if written:
        subprocess.run(["qemu-io", "-c", "write -q -P 7 0 8M", path], check=True)
    lab.account.own(path)
    return path


def content(path: Path) -> str:
    """What qemu-io says of the pattern that was written."""
    words = ["qemu-io", "-r", "-U", "-c", "read -P 7 0 8M", path]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    return found.stdout.lower()


@pytest.fixture
def copied(lab: Lab, alpha: LabHost, beta: LabHost) -> Iterator[str]:
    """A guest with a disk of alpha's own."""
    name = burner.start(lab, "alpha", Burner("copied", memory=64, writes=8, rate=2))
    path = image(lab, alpha.pool / "copied.qcow2", written=True)
    description = lab.root / "copied-disk.xml"
    description.write_text(DISK.format(path=path))
    alpha.virsh("attach-device", name, str(description), "--persistent")
    yield name
    burner.remove(lab, name)
    for host in (alpha, beta):
        (host.pool / "copied.qcow2").unlink(missing_ok=True)
        host.virsh("pool-refresh", "default")  # libvirt makes no disk that its pool knows


def elsewhere(lab: Lab, path: Path) -> Rewrites:
    """The destination's XML: the same disk, at a path of its own."""
    return Rewrites(disks=(Move(str(lab.host("alpha").pool / "copied.qcow2"), str(path)),))


async def test_a_disk_is_copied_along(fleet: Fleet, lab: Lab, beta: LabHost, copied: str) -> None:
    target = beta.pool / "copied.qcow2"
    moved = await start(
        fleet,
        copied,
        storage="copy-all",
        disks=("vdb",),
        rewrites=elsewhere(lab, target),
    )
    migration = await moved.reaches(M.COMPLETED)
    assert passed(migration), told(migration)
    assert migration.copied_disks == ("vdb",)
    sample = migration.sample
    assert sample is not None
    assert sample.disk_total == 16 * 1024 * 1024
    assert states(lab.hosts, copied) == {"beta": "running"}
    assert str(target) in beta.virsh("domblklist", copied)
    assert "failed" not in await asyncio.to_thread(content, target)


NEWER = {"storage": "copy-all", "disks": ("vdb",), "detect_zeroes": True,
         "switchover_bandwidth": 200}  # fmt: skip
"""What libvirt 10.9, and 11.1 with QEMU 8.2, brought."""


async def test_what_newer_libvirt_takes_is_sent_to_it_and_to_no_other(
    fleet: Fleet, lab: Lab, beta: LabHost, copied: str
) -> None:
    target = beta.pool / "copied.qcow2"
    key = await found(fleet, copied)
    await until(lambda: fleet.state.hosts["alpha"].facts is not None, "the facts of alpha")
    facts = fleet.state.hosts["alpha"].facts
    assert facts is not None
    rewrites = elsewhere(lab, target)
    if facts.libvirt_number < PARAMETERS_SINCE["bandwidth.avail.switchover"]:
        preflight = await fleet.migrations.preflight(
            Migrate(key, to="beta", rewrites=rewrites, **NEWER)
        )
        found_ids = {one.id for one in preflight.of(Level.BLOCKER) if one.fixed}
        assert "switchover-bandwidth" in found_ids
        return
    moved = await start(fleet, copied, rewrites=rewrites, **NEWER)
    migration = await moved.reaches(M.COMPLETED)
    assert passed(migration), told(migration)
    assert "--available-switchover-bandwidth 200" in migration.virsh
    assert "failed" not in await asyncio.to_thread(content, target)


@pytest.fixture
def no_room(lab: Lab, beta: LabHost) -> Iterator[Path]:
    """A place at the destination with 2 MiB. Mounting wants root, which CI is."""
    place = beta.directory / "no-room"
    place.mkdir()
    owner = f"uid={lab.account.uid},gid={lab.account.gid}"
    mount = ["mount", "-t", "tmpfs", "-o", f"size=2m,{owner}", "virtdeck-test", str(place)]
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, *mount], check=True)
    try:
        yield place
    finally:
        subprocess.run([*prefix, "umount", "--lazy", str(place)], check=True)
        place.rmdir()


async def test_the_destination_has_no_room_for_the_disk(
    fleet: Fleet, lab: Lab, copied: str, no_room: Path
) -> None:
    target = image(lab, no_room / "copied.qcow2", written=False)
    moved = await start(
        fleet, copied, storage="copy-all", disks=("vdb",), rewrites=elsewhere(lab, target),
        overrides=("disk-vdb",),
    )  # fmt: skip
    migration = await moved.reaches(M.FAILED)
    assert "still runs on alpha" in migration.outcome, told(migration)
    assert "space" in migration.outcome.lower() or "input/output" in migration.outcome.lower()
    assert (await moved.ends()).status is OperationStatus.FAILED
    assert passed(moved.now), told(moved.now)
    assert states(lab.hosts, copied) == {"alpha": "running"}

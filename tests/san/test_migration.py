"""A volume of a SAN between two kernels: its instance migrates live, or stays where it is.

Where the hosts are emulated, their processors have what KVM needs: the guest boots on that in two
minutes, where an emulation in the emulated took more than eight. All tests here have the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab.templates import KERNEL_WORDS
from core.model import ObjectKey, OperationStatus, Steer, SteerKind
from core.model.connected_volume import VolumeConnecting
from core.model.secret_value import Secret
from core.state.connections import connections_of
from tests.lab.asking_guests import in_guest
from tests.lab.migrating import M, found, start
from tests.lab.test_devices import done
from tests.lab.test_moved_volumes import entries
from tests.patience import PATIENCE
from tests.san.host import OtherHost, SanHost
from tests.san.image import PYTHON
from tests.san.left import grow, left
from tests.san.slow import SLOW, be_patient
from tests.san.targets import MIB, OTHER_SECRET, SECRET, document, from_the_other, iscsi

pytestmark = pytest.mark.timeout(3600)

NAME = "roamer"
INSTANCE = f"""
<domain type='KIND'>
  <name>{NAME}</name>
  <memory unit='MiB'>96</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>/san/guest/kernel</kernel>
    <initrd>/san/guest/initramfs</initrd>
    <cmdline>console=ttyS0 quiet {KERNEL_WORDS}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='null'><log file='/run/{NAME}.log'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
"""
KIND = "modprobe -a kvm_intel kvm_amd 2> /dev/null; [ -e /dev/kvm ] && echo kvm || echo qemu"
OTHER = ObjectKey("host", "other", "other")
MINE = Secret(document(iscsi(5)))
THEIRS = Secret(document(from_the_other()))
FOR = {"instance": NAME, "disk": "vda"}


@pytest.fixture(scope="module")
def other(san: SanHost) -> Iterator[OtherHost]:
    with OtherHost(san, print) as host:
        yield host


@pytest.fixture(scope="module")
def booted(
    san: SanHost, other: OtherHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The guest, on the SAN's host as long as nobody has moved it."""
    kinds = set()
    for host in (san, other):
        host.run("/san/libvirt")
        kinds.add(host.run(KIND))
    file = tmp_path_factory.mktemp("instance") / "instance.xml"
    file.write_text(INSTANCE.replace("KIND", max(kinds)))
    san.virsh("define", str(file))
    san.virsh("start", NAME)
    ready = f"until grep -q 'vd: ready' /run/{NAME}.log; do sleep 1; done"
    san.run(f"timeout {120 * PATIENCE:.0f} sh -c {ready!r} || {{ cat /run/{NAME}.log; false; }}")
    yield
    for host in (san, other):
        if NAME in host.virsh("list", "--all", "--name"):
            host.virsh("destroy", NAME)
            host.virsh("undefine", NAME)


@pytest.fixture
async def fleet(
    san: SanHost, other: OtherHost, booted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    be_patient(monkeypatch)
    made = Fleet.open(
        [f"{host.name}={host.uri}" for host in (san, other)],
        options=SLOW,
        journal=tmp_path / "journal.sqlite3",
        connecting={
            host.name: VolumeConnecting(scan_attempts=2, python=PYTHON) for host in (san, other)
        },
    )
    async with made:
        assert await made.ready(60.0 * PATIENCE)
        yield made


@pytest.fixture(autouse=True)
def clean_there(other: OtherHost) -> Iterator[None]:
    yield
    assert left(other) == []


def writes(host: SanHost, words: str) -> None:
    """Have the guest write to its disk, once it sees that."""
    seen = "until grep -q vda /proc/partitions; do sleep 0.1; done"
    line = f"{seen}; printf %-512s {words} | dd of=/dev/vda bs=512 conv=fsync"
    in_guest(host, NAME, "/bin/sh", "-c", line)


def reads(host: SanHost) -> str:
    """Return what the guest reads from its disk, and not from its memory."""
    line = "echo 1 > /proc/sys/vm/drop_caches; dd if=/dev/vda bs=512 count=1"
    return in_guest(host, NAME, "/bin/sh", "-c", line).strip()


def stored(san: SanHost) -> str:
    """Return what the target has stored."""
    loop = "$(losetup -j /srv/lun5 | cut -d: -f1)"
    return san.run(f"dd if={loop} bs=512 count=1 iflag=direct status=none").strip()


async def migrating(fleet: Fleet, **options: Any) -> Any:
    """Ask for the migration; the address of the other host is that on their wire."""
    uri = "qemu+tcp://10.9.8.2/system"
    return await start(fleet, NAME, to="other", destination_uri=uri, **options)


async def test_a_migration_that_does_not_come_about_leaves_the_volume_where_its_instance_is(
    san: SanHost, other: OtherHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    await done(fleet, "volume-attach", vm, connection_info=MINE)
    path = connections_of(fleet.state, vm)["vda"].path
    await asyncio.to_thread(writes, san, "before-it")

    wrong = Secret(document(from_the_other(auth_password="not-the-word-of-chap")))
    with pytest.raises(OperationFailedError) as failed:
        await done(fleet, "volume-connect", OTHER, connection_info=wrong, **FOR)
    assert "password" in failed.value.hint
    with pytest.raises(RefusedError, match="is connected by san, and not by other") as refused:
        await migrating(fleet)
    assert f"virtdeck volume connect other --instance {NAME} --disk vda" in str(refused.value)
    assert entries(fleet) == {"san": path}
    assert await asyncio.to_thread(left, other) == []
    assert await asyncio.to_thread(reads, san) == "before-it"

    await done(fleet, "volume-connect", OTHER, connection_info=THEIRS, **FOR)
    assert entries(fleet) == {"san": path, "other": path}
    aborted = await migrating(fleet, bandwidth=1, policy="manual")
    await aborted.reaches(M.RUNNING)
    await fleet.migrations.steer(aborted.now.id, Steer(SteerKind.ABORT))
    ended = await aborted.ends()
    assert ended.status is OperationStatus.CANCELLED
    assert ended.outcome.endswith("; the iscsi volume volume-5 is disconnected from other")
    assert entries(fleet) == {"san": path}
    assert await asyncio.to_thread(left, other) == []
    assert NAME not in await asyncio.to_thread(other.virsh, "list", "--all", "--name")
    await asyncio.to_thread(writes, san, "after-it")
    assert await asyncio.to_thread(stored, san) == "after-it"
    await done(fleet, "volume-detach", vm, disk="vda")
    assert entries(fleet) == {}


async def test_a_volume_is_connected_there_before_its_instance_moves_and_let_go_of_here_after_it(
    san: SanHost, other: OtherHost, fleet: Fleet, tmp_path: Path
) -> None:
    vm = await found(fleet, NAME)
    await done(fleet, "volume-attach", vm, connection_info=MINE)
    path = connections_of(fleet.state, vm)["vda"].path
    await asyncio.to_thread(writes, san, "written-here")
    await done(fleet, "volume-connect", OTHER, connection_info=THEIRS, **FOR)

    ended = await (await migrating(fleet)).ends()
    assert ended.status is OperationStatus.DONE, ended
    said = ended.outcome
    assert said.endswith("; the iscsi volume volume-5 is disconnected from san"), said
    assert entries(fleet) == {"other": path}
    assert await asyncio.to_thread(left, san) == []
    sessions = await asyncio.to_thread(other.run, "iscsiadm -m session")
    assert sessions.count("10.9.8.1:3260") == len(sessions.splitlines()) == 1
    assert await asyncio.to_thread(reads, other) == "written-here"
    await asyncio.to_thread(writes, other, "written-there")
    assert await asyncio.to_thread(stored, san) == "written-there"

    moved = await found(fleet, NAME)
    assert moved.host == "other"
    await asyncio.to_thread(grow, san, "lun5", 96)
    said = await done(fleet, "volume-extend", moved, disk="vda")
    assert said == f"the guest of {NAME} sees vda as large as its device is"
    told = (await asyncio.to_thread(other.virsh, "domblkinfo", NAME, "vda")).split()
    assert told[told.index("Capacity:") + 1] == str(96 * MIB)
    said = await done(fleet, "volume-detach", moved, disk="vda")
    assert said == f"vda ({path}) is detached from {NAME}"
    assert entries(fleet) == {}
    assert await asyncio.to_thread(left, other) == []
    journal = (tmp_path / "journal.sqlite3").read_bytes()
    assert not any(word.encode() in journal for word in (SECRET, OTHER_SECRET))

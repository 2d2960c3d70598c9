"""Volumes of a SAN as disks: attached, extended, detached by the verbs, on libvirt in the guest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.model import ObjectKey
from core.model.connected_volume import VolumeConnecting
from core.model.secret_value import Secret
from core.state.connections import connections_of
from core.volumes.connection_info import ConnectionInfo
from tests.lab.seeing import key_of
from tests.lab.test_devices import begin, done
from tests.patience import PATIENCE
from tests.san.host import SanHost
from tests.san.image import PYTHON
from tests.san.left import grow, left
from tests.san.slow import SLOW, be_patient
from tests.san.targets import MIB, SECRET, document, fibre_channel, iscsi, iser

INSTANCE = """
<domain type='qemu'>
  <name>idle</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='scsi' model='virtio-scsi'/>
  </devices>
</domain>
"""
"""Without a system: a SCSI disk is taken from it all the same."""


@pytest.fixture
async def fleet(
    san: SanHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    await asyncio.to_thread(san.run, "/san/libvirt")
    file = tmp_path / "idle.xml"
    file.write_text(INSTANCE)
    await asyncio.to_thread(san.virsh, "define", str(file))
    await asyncio.to_thread(san.virsh, "start", "idle")
    be_patient(monkeypatch)
    made = Fleet.open(
        [f"san={san.uri}"],
        options=SLOW,
        journal=tmp_path / "journal.sqlite3",
        connecting={"san": VolumeConnecting(scan_attempts=2, python=PYTHON)},
    )
    async with made:
        assert await made.ready(60.0 * PATIENCE)
        yield made
    await asyncio.to_thread(san.virsh, "destroy", "idle")
    await asyncio.to_thread(san.virsh, "undefine", "idle")


async def test_a_lun_is_attached_extended_and_detached_and_its_host_lets_go(
    san: SanHost, fleet: Fleet, tmp_path: Path
) -> None:
    vm = await key_of(fleet, "idle")
    wrong = Secret(document(iscsi(3, auth_password="not-the-word-of-chap")))
    with pytest.raises(OperationFailedError) as refused:
        await (await begin(fleet, "volume-attach", vm, connection_info=wrong, bus="scsi"))
    assert "password" in refused.value.hint
    assert await asyncio.to_thread(left, san) == []

    given = Secret(document(iscsi(3)))
    said = await done(fleet, "volume-attach", vm, connection_info=given, bus="scsi")
    assert said == "the iscsi volume volume-3 is attached to idle as sda"
    entry = connections_of(fleet.state, vm)["sda"]
    assert entry.path in await asyncio.to_thread(san.virsh, "dumpxml", "idle")

    await asyncio.to_thread(grow, san, "lun3", 96)
    said = await done(fleet, "volume-extend", vm, disk="sda")
    assert said == "the guest of idle sees sda as large as its device is"
    told = (await asyncio.to_thread(san.virsh, "domblkinfo", "idle", "sda")).split()
    assert told[told.index("Capacity:") + 1] == str(96 * MIB)

    await has_it_again_after_its_hosts_boot(san, fleet, given)

    said = await done(fleet, "volume-detach", vm, disk="sda")
    assert said == f"sda ({entry.path}) is detached from idle"
    assert connections_of(fleet.state, vm) == {}
    assert await asyncio.to_thread(left, san) == []
    assert SECRET.encode() not in (tmp_path / "journal.sqlite3").read_bytes()


async def has_it_again_after_its_hosts_boot(san: SanHost, fleet: Fleet, given: Secret) -> None:
    """A boot leaves no session; what has the number of the device then is another's."""
    vm = await key_of(fleet, "idle")
    path = connections_of(fleet.state, vm)["sda"].path
    assert path.startswith("/dev/disk/by-id/wwn-")
    await done(fleet, "stop", vm)
    await asyncio.to_thread(san.run, "iscsiadm -m node -u && iscsiadm -m node -o delete")
    with pytest.raises(OperationFailedError, match=path) as missing:
        await (await begin(fleet, "start", vm))
    assert "virtdeck volume connect san --instance idle --disk sda" in missing.value.hint
    host = ObjectKey("host", "san", "san")
    with pytest.raises(RefusedError, match="are in no journal"):
        await begin(fleet, "volume-connect", host, instance="idle", disk="sda")
    again = {"instance": "idle", "disk": "sda", "connection_info": given}
    said = await done(fleet, "volume-connect", host, **again)
    assert said == f"the iscsi volume volume-3 is connected on san again ({path}) for idle:sda"
    await done(fleet, "start", vm)


OVER = {"fibre1": fibre_channel(), "lun4": iser()}


@pytest.mark.parametrize(("name", "info"), OVER.items(), ids=[it.protocol for it in OVER.values()])
async def test_a_lun_over_another_wire_is_attached_extended_and_detached(
    san: SanHost, fleet: Fleet, name: str, info: ConnectionInfo
) -> None:
    vm = await key_of(fleet, "idle")
    given = Secret(document(info))
    said = await done(fleet, "volume-attach", vm, connection_info=given, bus="scsi")
    assert said.startswith(f"the {info.protocol} volume ")
    assert said.endswith(" is attached to idle as sda")
    entry = connections_of(fleet.state, vm)["sda"]
    assert entry.path in await asyncio.to_thread(san.virsh, "dumpxml", "idle")

    await asyncio.to_thread(grow, san, name, 128)
    said = await done(fleet, "volume-extend", vm, disk="sda")
    assert said == "the guest of idle sees sda as large as its device is"
    told = (await asyncio.to_thread(san.virsh, "domblkinfo", "idle", "sda")).split()
    assert told[told.index("Capacity:") + 1] == str(128 * MIB)

    said = await done(fleet, "volume-detach", vm, disk="sda")
    assert said == f"sda ({entry.path}) is detached from idle"
    assert await asyncio.to_thread(left, san) == []


KEY = "the-word-of-the-volume-is-as-long-as-its-key"
FORMAT = (
    "cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 "
    "--pbkdf-force-iterations 1000 --key-file=-"
)
WORDS = "written-through-dm-crypt"


def opened_by_hand(san: SanHost, provider: str, do: str) -> str:
    """Run a line on what is inside the volume's file, where the target keeps it."""
    options = "--cipher aes-xts-plain64 --key-size 256 " * (provider == "plain")
    line = f"cryptsetup open --type {provider} {options}--key-file=- /srv/lun3 by-hand"
    san.run(f"printf %s {KEY} | {line}")
    try:
        return san.run(do)
    finally:
        san.run("cryptsetup close by-hand")


@pytest.mark.parametrize("provider", ["luks2", "plain"])
async def test_an_encrypted_lun_is_opened_by_its_host_and_closed_again(
    san: SanHost, fleet: Fleet, tmp_path: Path, provider: str
) -> None:
    vm = await key_of(fleet, "idle")
    given = Secret(document(iscsi(3)))
    how = {"connection_info": given, "bus": "scsi", "encryption": provider}
    if provider == "plain":
        how |= {"cipher": "aes-xts-plain64", "key_size": 256}
    else:
        await asyncio.to_thread(san.run, "dd if=/dev/zero of=/srv/lun3 bs=1M count=4 conv=notrunc")
        with pytest.raises(OperationFailedError) as unformatted:
            await (await begin(fleet, "volume-attach", vm, passphrase=Secret(KEY), **how))
        assert "is not in the format luks2" in str(unformatted.value)
        await asyncio.to_thread(san.run, f"printf %s {KEY} | {FORMAT} /srv/lun3")
        with pytest.raises(OperationFailedError) as wrong:
            await (await begin(fleet, "volume-attach", vm, passphrase=Secret("another"), **how))
        assert "the passphrase opens it not" in str(wrong.value)
        assert await asyncio.to_thread(left, san) == []

    said = await done(fleet, "volume-attach", vm, passphrase=Secret(KEY), **how)
    assert said == "the iscsi volume volume-3 is attached to idle as sda"
    entry = connections_of(fleet.state, vm)["sda"]
    assert entry.path in await asyncio.to_thread(san.virsh, "dumpxml", "idle")
    line = f"printf %-4096s {WORDS} | dd of={entry.path} bs=4096 count=1 oflag=direct status=none"
    await asyncio.to_thread(san.run, line)
    with pytest.raises(RefusedError, match="was opened by its host as large as it was"):
        await begin(fleet, "volume-extend", vm, disk="sda")
    await done(fleet, "volume-detach", vm, disk="sda")
    assert await asyncio.to_thread(left, san) == []
    read = (
        f"dd if=/dev/mapper/by-hand bs=4096 count=1 iflag=direct status=none | head -c {len(WORDS)}"
    )
    assert await asyncio.to_thread(opened_by_hand, san, provider, read) == WORDS
    assert KEY.encode() not in (tmp_path / "journal.sqlite3").read_bytes()

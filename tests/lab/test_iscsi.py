"""LUNs of iSCSI that QEMU reaches by itself: a real target, with and without a password."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model import ObjectKey, OperationStatus
from core.model.secret_value import Secret
from core.verbs.undoing import undoing
from tests.lab.migrating import found, opened, start, told
from tests.lab.scratch_disk import ScratchDisks, holds, write
from tests.lab.seeing import key_of
from tests.lab.small_iscsi import LUN, PASSWORD, USER, SmallIscsi
from tests.lab.test_devices import begin, defined, done, shell
from tests.lab.test_network_disks import WAITS, secrets
from tests.lab.test_rbd import GROWS, argument_of, written_down

ALIAS = "ua-v3"
"""Of a disk by a connection_info, after the id of its volume."""


@pytest.fixture
def san() -> Iterator[SmallIscsi]:
    with SmallIscsi() as made:
        yield made


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


def cinder(san: SmallIscsi, iqn: str, password: str = "") -> Secret:
    """Return a connection_info as Cinder's drivers of iSCSI give it."""
    data = {
        "target_discovered": False,
        "target_portal": san.portal,
        "target_iqn": iqn,
        "target_lun": LUN,
        "volume_id": "v3",
        "discard": False,
        "qos_specs": None,
        "access_mode": "rw",
        "encrypted": False,
    }
    if password:
        data |= {"auth_method": "CHAP", "auth_username": USER, "auth_password": password}
    return Secret(json.dumps({"driver_volume_type": "iscsi", "data": data}))


async def refused(fleet: Fleet, vm: ObjectKey, why: str, **options: object) -> None:
    """Have a volume be attached that cannot be, and see that one sentence tells why."""
    with pytest.raises(OperationFailedError) as told:
        await (await begin(fleet, "volume-attach", vm, **options))
    assert why in str(told.value)
    assert "QEMU command" not in str(told.value)
    assert told.value.hint


def stands(*places: Path) -> list[Path]:
    """In which files below some places the password is, as it is or as libvirt writes it."""
    kept = base64.b64encode(PASSWORD.encode()).decode()
    return [*written_down(PASSWORD, *places), *written_down(kept, *places)]


def nowhere(host: LabHost, name: str, kept: Path) -> None:
    """See that an instance has no LUN, and that its password is in no file any more."""
    assert "iscsi" not in host.virsh("dumpxml", name) + defined(host, name)
    assert secrets(host) == []
    assert stands(kept, host.directory) == []


async def test_a_lun_by_its_url_is_written_grows_and_is_given_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], san: SmallIscsi, tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    san.make("one", 16)
    san.make("two", 16, chap=True)
    name = guest("alpha", "lunar")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    one, two = san.url("one"), san.url("two", user=USER)
    wrong = Secret("another-word")
    for asked, given, why in (
        (two, wrong, "The iSCSI target does not let it in"),
        (san.url("two"), None, "The iSCSI target does not let it in"),
        (f"{one[:-1]}7", None, "The iSCSI target has no such LUN"),
        (one.replace(":one/", ":other/"), None, "The iSCSI portal has no such target"),
    ):
        await refused(fleet, vm, why, volume=asked, password=given)
        nowhere(alpha, name, tmp_path)

    record = await (await begin(fleet, "volume-attach", vm, volume=one))
    assert record.outcome == f"{one} is attached to {name} as vda"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "<source protocol='iscsi' name='" in xml
    line = f"{WAITS}; echo far-away > /dev/vda; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    assert san.file("one").read_bytes().startswith(b"far-away")
    other = await key_of(fleet, "web")
    with pytest.raises(RefusedError, match=rf"is used by {name} \(vda\)"):
        await begin(fleet, "volume-attach", other, volume=one)

    with pytest.raises(OperationFailedError, match="vda has no new size: its guest sees 16 MiB"):
        await done(fleet, "volume-extend", vm, disk="vda")
    san.grow("one", 24)
    with pytest.raises(RefusedError, match="vda of lunar is as large as its target makes it"):
        await begin(fleet, "volume-extend", vm, disk="vda", size="32M")
    await done(fleet, "volume-extend", vm, disk="vda")
    line = f"{GROWS.format(24 * 2048)}; echo at-its-end | dd of=/dev/vda bs=1M seek=23; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    assert san.file("one").read_bytes()[23 << 20 :].startswith(b"at-its-end")

    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert (
        record.outcome == f"vda (iscsi:{one.partition(san.portal)[2][1:]}) is detached from {name}"
    )
    nowhere(alpha, name, tmp_path)


async def test_one_that_asks_for_a_password_moves_to_a_pool_and_leaves_no_secret(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], san: SmallIscsi, tmp_path: Path,
    disks: ScratchDisks,
) -> None:  # fmt: skip
    """By the connection_info that Cinder gives; from there on its password is of no use."""
    info = cinder(san, san.make("two", 16, chap=True), PASSWORD)
    wrong = cinder(san, san.make("three", 16, chap=True), "another-word")
    name = guest("alpha", "leaver")
    vm = await key_of(fleet, name)
    why = "The iSCSI target does not let it in"
    await refused(fleet, vm, why, connection_info=wrong, reached_by="qemu")
    nowhere(alpha, name, tmp_path)

    outcome = await done(fleet, "volume-attach", vm, connection_info=info, reached_by="qemu")
    assert outcome == f"the iscsi volume v3 is attached to {name} as vda"
    assert len(secrets(alpha)) == 1
    assert stands(tmp_path) == argument_of(PASSWORD) == []
    await asyncio.to_thread(write, alpha, name, 3, disk=ALIAS)
    assert holds(san.file("two"), 3, form="raw")

    outcome = await done(fleet, "volume-swap", vm, disk="vda", to="default/kept.raw")
    kept = alpha.pool / "kept.raw"
    assert outcome.startswith(f"vda of {name} is {kept} now; iscsi:")
    nowhere(alpha, name, tmp_path)
    await asyncio.to_thread(write, alpha, name, 4, disk=ALIAS)
    assert all(holds(kept, number, form="raw") for number in (3, 4))
    assert not holds(san.file("two"), 4, form="raw")


async def test_it_is_there_at_the_next_start_and_after_a_move(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str], san: SmallIscsi,
    tmp_path: Path,
) -> None:  # fmt: skip
    """The destination must have its secret: no libvirt gives one away."""
    info = cinder(san, san.make("two", 16, chap=True), PASSWORD)
    name = guest("alpha", "nomad", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await done(fleet, "volume-attach", vm, connection_info=info, reached_by="qemu")
    assert len(secrets(alpha)) == 1
    await done(fleet, "start", vm)
    assert argument_of(PASSWORD) == []
    await asyncio.to_thread(write, alpha, name, 3, disk=ALIAS)
    assert holds(san.file("two"), 3, form="raw")

    uuid = secrets(alpha)[0].split()[0]
    record = await (await start(fleet, name)).ends()
    assert f"beta has no secret {uuid}" in record.outcome
    there = tmp_path.parent / f"{tmp_path.name}.secret"
    there.write_text(await asyncio.to_thread(alpha.virsh, "secret-dumpxml", uuid))
    await asyncio.to_thread(beta.virsh, "secret-define", str(there))
    there.write_text(PASSWORD)
    given = ("--file", str(there), "--plain")
    await asyncio.to_thread(beta.virsh, "secret-set-value", uuid, *given)
    there.unlink()
    moved = await start(fleet, name)
    record = await moved.ends()
    assert record.status is OperationStatus.DONE, told(moved.now)
    await asyncio.to_thread(write, beta, name, 4, disk=ALIAS)
    assert all(holds(san.file("two"), number, form="raw") for number in (3, 4))
    assert (len(secrets(alpha)), len(secrets(beta))) == (0, 1)

    vm = await found(fleet, name)
    await done(fleet, "stop", vm)
    await asyncio.to_thread(san.stop)
    with pytest.raises(OperationFailedError) as failed:
        await done(fleet, "start", vm)
    assert f"Nobody answers at the iSCSI portal {san.portal}" in str(failed.value)
    assert failed.value.hint
    await done(fleet, "volume-detach", vm, disk="vda")
    nowhere(beta, name, tmp_path)
    await done(fleet, "start", vm)
    await refused(fleet, vm, "Nobody answers at the iSCSI portal", volume=san.url("two"))
    assert "iscsi" not in beta.virsh("dumpxml", name) + defined(beta, name)

"""Images of a Ceph cluster: a real one, reached by QEMU, with the key of its user in libvirt."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model.secret_value import Secret
from core.verbs.undoing import undoing
from tests.lab.seeing import key_of
from tests.lab.small_ceph import POOL, USER, SmallCeph
from tests.lab.test_devices import begin, defined, done, shell
from tests.lab.test_network_disks import WAITS, WORD, encrypted, secrets

UUID = "0c3b1f0e-4b52-4c2e-9a57-2f6a3d5e7b11"
SECRET = f"""
<secret ephemeral='no' private='yes'>
  <uuid>{UUID}</uuid><usage type='ceph'><name>client.{USER}</name></usage>
</secret>"""
GROWS = "until [ $(cat /sys/block/vda/size) = {} ]; do sleep 0.1; done"


@pytest.fixture(scope="module")
def ceph() -> Iterator[SmallCeph]:
    with SmallCeph() as made:
        yield made


def written_down(key: str, *places: Path) -> list[Path]:
    """In which files below some places a key stands."""
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    found = []
    for path in files:
        with suppress(FileNotFoundError):  # libvirt writes beside it and renames
            found += [path] if key.encode() in path.read_bytes() else []
    return found


def argument_of(key: str) -> list[str]:
    """Which processes have a key in their arguments or in their environment."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "name"]):
        words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        found += [process.info["name"]] if any(key in word for word in words) else []
    return found


def cinder(ceph: SmallCeph, name: str, **more: Any) -> Secret:
    """Return a connection_info as Cinder's driver of RBD gives it."""
    data = {
        "name": f"{POOL}/{name}",
        "hosts": [ceph.address],
        "ports": ["6789"],
        "cluster_name": "ceph",
        "auth_enabled": True,
        "auth_username": USER,
        "secret_type": "ceph",
        "secret_uuid": None,
        "volume_id": f"volume-{name}",
        "discard": True,
        "qos_specs": None,
        "access_mode": "rw",
        "encrypted": False,
        "cacheable": False,
    }
    return Secret(json.dumps({"driver_volume_type": "rbd", "data": {**data, **more}}))


def wrong(key: str) -> str:
    """Return a key that is one, and not this."""
    return base64.b64encode(base64.b64decode(key)[:12] + bytes(16)).decode()


async def test_an_image_by_its_url_is_written_grows_and_is_given_back_without_its_key(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], ceph: SmallCeph, tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    ceph.make("one", "16M")
    url = f"rbd://{USER}@{ceph.address}/{POOL}/one"
    name = guest("alpha", "cephalic")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    key = Secret(ceph.key)
    for asked, given, why in (
        (url, Secret(wrong(ceph.key)), "Ceph does not let that user in"),
        (f"{url}-more", key, "Its pool of Ceph has no image one-more"),
        (url.replace(POOL, "others"), key, "Ceph has no pool others"),
    ):
        with pytest.raises(OperationFailedError, match=why):
            await (await begin(fleet, "volume-attach", vm, volume=asked, password=given))
        assert secrets(alpha) == []
    assert "rbd" not in alpha.virsh("dumpxml", name) + defined(alpha, name)

    record = await (await begin(fleet, "volume-attach", vm, volume=url, password=key))
    assert record.outcome == f"{url} is attached to {name} as vda"
    for xml in (alpha.virsh("dumpxml", name), defined(alpha, name)):
        assert "<source protocol='rbd' name='volumes/one'" in xml
    assert len(secrets(alpha)) == 1
    line = f"{WAITS}; echo far-away > /dev/vda; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    assert ceph.read("one").startswith(b"far-away")
    other = await key_of(fleet, "web")
    with pytest.raises(RefusedError, match=rf"is used by {name} \(vda\)"):
        await begin(fleet, "volume-attach", other, volume=url, password=key)

    ceph.rbd("resize", f"{POOL}/one", "--size", "24M", "--no-progress")
    with pytest.raises(RefusedError, match="QEMU does not look at how large vda of"):
        await begin(fleet, "volume-extend", vm, disk="vda")
    for size in ("24M", "32M"):  # what it has there by now, and more than that
        await done(fleet, "volume-extend", vm, disk="vda", size=size)
        seen = GROWS.format(int(size[:-1]) * 2048)
        await asyncio.to_thread(shell, alpha, name, seen)
    assert len(ceph.read("one")) == 32 << 20

    assert written_down(ceph.key, tmp_path) == argument_of(ceph.key) == []
    back = undoing(record)
    assert back is not None
    record = await (await fleet.submit(back))
    assert record.outcome == f"vda (rbd:{POOL}/one) is detached from {name}"
    nowhere(alpha, name, ceph.key, tmp_path)

    ring = f"[client.{USER}]\n\tkey = {ceph.key}\n"
    info = cinder(ceph, "one", keyring=ring)
    outcome = await done(fleet, "volume-attach", vm, connection_info=info)
    assert outcome == f"the rbd volume volume-one is attached to {name} as vda"
    told = await asyncio.to_thread(shell, alpha, name, f"{WAITS}; head -c 8 /dev/vda")
    assert told == "far-away"
    await done(fleet, "volume-detach", vm, disk="vda")
    nowhere(alpha, name, ceph.key, tmp_path)


def nowhere(alpha: LabHost, name: str, key: str, kept: Path) -> None:
    """See that an instance has no image of Ceph, and that its key is in no file any more."""
    assert "rbd" not in alpha.virsh("dumpxml", name) + defined(alpha, name)
    assert secrets(alpha) == []
    assert written_down(key, kept, alpha.directory) == []


async def test_an_encrypted_image_is_decrypted_by_qemu_and_grows_behind_its_header(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], ceph: SmallCeph, tmp_path: Path,
    booted: Callable[..., None],
) -> None:  # fmt: skip
    """As Cinder makes one: LUKS inside the image. Two secrets of libvirt's, one disk."""
    image = tmp_path / "locked.raw"
    await asyncio.to_thread(encrypted, image, tmp_path)
    ceph.rbd("import", str(image), f"{POOL}/locked", "--no-progress")
    head = image.stat().st_size - (16 << 20)
    name = guest("alpha", "locked-ceph")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    opens = {
        "connection_info": cinder(ceph, "locked", keyring=f"key = {ceph.key}", encrypted=True),
        "encryption": "luks",
    }
    with pytest.raises(OperationFailedError, match="passphrase"):
        await (await begin(fleet, "volume-attach", vm, **opens, passphrase=Secret("no-word")))
    assert secrets(alpha) == []
    await done(fleet, "volume-attach", vm, **opens, passphrase=Secret(WORD))
    assert len(secrets(alpha)) == 2
    line = f"{WAITS}; echo far-away > /dev/vda; sync"
    await asyncio.to_thread(shell, alpha, name, line)
    stored = ceph.read("locked")
    assert stored.startswith(b"LUKS")
    assert b"far-away" not in stored

    await done(fleet, "volume-extend", vm, disk="vda", size="32M")
    await asyncio.to_thread(shell, alpha, name, GROWS.format(32 * 2048))
    assert len(ceph.read("locked")) == head + (32 << 20)
    assert written_down(ceph.key, tmp_path / "journal.sqlite3") == argument_of(WORD) == []
    await done(fleet, "volume-detach", vm, disk="vda")
    nowhere(alpha, name, ceph.key, tmp_path)


async def test_one_whose_key_libvirt_has_already_is_there_from_the_next_start_on(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], ceph: SmallCeph, tmp_path: Path,
    qemu_pid: Callable[[str, str], int],
) -> None:  # fmt: skip
    """As Cinder has it: the operator gave each host the key, and the volume names that secret."""
    ceph.make("two", "16M")
    key, xml = tmp_path / "key", tmp_path / "secret.xml"
    key.write_text(ceph.key)
    xml.write_text(SECRET)
    name = guest("alpha", "cold-ceph", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    info = cinder(ceph, "two", secret_uuid=UUID)
    await asyncio.to_thread(alpha.virsh, "secret-define", str(xml))
    try:
        await asyncio.to_thread(alpha.virsh, "secret-set-value", UUID, "--file", str(key))
        await done(fleet, "volume-attach", vm, connection_info=info)
        assert f"<secret type='ceph' uuid='{UUID}'/>" in defined(alpha, name)
        await done(fleet, "start", vm)
        assert "16777216" in alpha.virsh("domblkinfo", name, "vda")
        command = psutil.Process(qemu_pid("alpha", name)).cmdline()
        assert any(f'"pool":"{POOL}"' in word for word in command)
        assert argument_of(ceph.key) == []
        await done(fleet, "stop", vm)
        await done(fleet, "volume-detach", vm, disk="vda")
        assert "rbd" not in defined(alpha, name)
        assert UUID in alpha.virsh("secret-list")  # it is not virtdeck's to remove
    finally:
        await asyncio.to_thread(alpha.virsh, "secret-undefine", UUID)

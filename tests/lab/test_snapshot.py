"""Snapshots on real QEMU: made, reverted to, deleted, merged; a console killed meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model import ObjectKey, OperationStatus, Snapshot
from core.verbs.danger import danger
from core.verbs.registry import VERBS
from tests.lab.one_host import domstate, until
from tests.lab.seeing import caught_up, key_of


async def done(fleet: Fleet, verb: str, subject: ObjectKey, **options: Any) -> str:
    record = await (await fleet.submit(VERBS[verb].request(subject=subject, **options)))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


async def snapshots(fleet: Fleet, vm: ObjectKey) -> dict[str, Snapshot]:
    await until(lambda: fleet.state.instances[vm].described)
    return {one.name: one for one in await fleet.snapshots(vm) or ()}


def listed(alpha: LabHost, name: str) -> set[str]:
    return set(alpha.virsh("snapshot-list", name, "--name").split())


def refusal(alpha: LabHost, *words: str) -> str:
    """What virsh is told of a command that libvirt refuses."""
    with pytest.raises(LabError) as error:
        alpha.virsh(*words)
    return str(error.value)


async def test_an_internal_one_is_made_of_a_running_guest_reverted_to_and_deleted(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "kept", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    outcome = await done(fleet, "snapshot-create", vm, name="before", description="a < b")
    assert outcome == "kept has the snapshot before"
    made = (await snapshots(fleet, vm))["before"]
    assert (made.state, made.memory, made.external) == ("running", "internal", False)
    assert made.description == "a < b"
    with pytest.raises(RefusedError, match="has a snapshot called before"):
        await fleet.submit(VERBS["snapshot-create"].request(subject=vm, name="before"))
    await done(fleet, "snapshot-create", vm, name="after")
    await asyncio.to_thread(alpha.virsh, "suspend", name)
    await caught_up(fleet, vm)
    await done(fleet, "snapshot-revert", made.key)
    assert domstate(alpha, name) == "running"
    assert (await snapshots(fleet, vm))["before"].current
    await done(fleet, "snapshot-revert", made.key, then="paused")
    assert domstate(alpha, name) == "paused"
    assert await done(fleet, "snapshot-delete", made.key, children=True)
    assert listed(alpha, name) == set()
    assert await snapshots(fleet, vm) == {}


def write(alpha: LabHost, name: str, number: int) -> None:
    """Have QEMU write 64 KiB of the byte `number` to the disk of a guest that runs, at its MiB."""
    disk = "/machine/peripheral/virtio-disk0/virtio-backend"
    line = f'qemu-io -d {disk} "write -P {number} {number}M 64k"'
    alpha.virsh("qemu-monitor-command", name, "--hmp", line)


def verified(image: str, number: int) -> str:
    """What qemu-io says of 64 KiB of the byte `number` in an image, with all that is below it."""
    command = ["qemu-io", "-f", "qcow2", "-r", "-c", f"read -P {number} {number}M 64k", image]
    # it fails where the bytes are others, which is an answer too
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def layers(alpha: LabHost, name: str) -> list[str]:
    """The files the disk of a guest is made of, the one in use first."""
    tree = etree.fromstring(alpha.virsh("dumpxml", name))
    paths = tree.xpath("//disk[target/@dev='vda']//source/@file")
    return [Path(str(path)).name for path in paths]


async def test_external_ones_lay_files_over_the_disk_which_deleting_merges_the_middle_first(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "layered", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    whole = layers(alpha, name)
    await asyncio.to_thread(write, alpha, name, 1)
    for number, word in enumerate(("one", "two", "three"), start=2):
        await done(fleet, "snapshot-create", vm, name=word, where="external")
        await asyncio.to_thread(write, alpha, name, number)
    found = await snapshots(fleet, vm)
    assert all(one.external and one.disk_only for one in found.values())
    assert layers(alpha, name) == ["clone.three", "clone.two", "clone.one", *whole]
    left = {"two": "clone.two", "one": "clone.one", "three": "clone.three"}
    for word in ("two", "one", "three"):
        assert await done(fleet, "snapshot-delete", found[word].key)
        gone = left.pop(word)
        assert gone not in layers(alpha, name), word
        assert len(layers(alpha, name)) == len(whole) + len(left)
    assert layers(alpha, name) == whole
    image = alpha.virsh("domblklist", name).split("vda")[1].split()[0]
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    for number in (1, 2, 3, 4):  # what was written before, between and after them
        said = await asyncio.to_thread(verified, image, number)
        assert "read 65536/65536" in said, said
        assert "verification failed" not in said, said
    never = await asyncio.to_thread(verified, image, 9)
    assert "verification failed" in never, "it tells nothing"
    assert listed(alpha, name) == set()


async def test_an_external_one_over_an_internal_one_is_warned_of_and_taken_apart_by_hand(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "mixed", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    whole = layers(alpha, name)
    await done(fleet, "snapshot-create", vm, name="inside")
    await snapshots(fleet, vm)
    request = VERBS["snapshot-create"].request(subject=vm, name="over", where="external")
    assert "deletes neither it nor the new one" in danger(fleet.state, request).text
    await done(fleet, "snapshot-create", vm, name="over", where="external")
    found = await snapshots(fleet, vm)
    assert layers(alpha, name) == ["clone.over", *whole]
    over = Path(alpha.virsh("domblklist", name).split("vda")[1].split()[0])
    for verb, word in (("revert", "inside"), ("delete", "inside"), ("delete", "over")):
        with pytest.raises(RefusedError, match="merge its file by `virsh blockcommit"):
            await fleet.submit(VERBS[f"snapshot-{verb}"].request(subject=found[word].key))
    refused = await asyncio.to_thread(refusal, alpha, "snapshot-delete", name, "over")
    assert "internal snapshot as parent" in refused, "libvirt does it now: so may we"
    commit = ("blockcommit", name, "vda", "--active", "--shallow", "--pivot", "--wait")
    await asyncio.to_thread(alpha.virsh, *commit)
    await asyncio.to_thread(alpha.virsh, "snapshot-delete", "--metadata", name, "over")
    assert layers(alpha, name) == whole
    await asyncio.to_thread(over.unlink)  # virsh has left it, with nothing that is needed
    await caught_up(fleet, vm)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-revert", found["inside"].key)
    await done(fleet, "snapshot-delete", found["inside"].key)
    assert listed(alpha, name) == set()


async def test_one_inside_the_file_of_another_is_not_lost_with_it(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "nested", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-create", vm, name="outside", where="external")
    await done(fleet, "snapshot-create", vm, name="inside")
    found = await snapshots(fleet, vm)
    delete = VERBS["snapshot-delete"].request
    with pytest.raises(RefusedError, match="inside is kept in the file of outside, and lost"):
        await fleet.submit(delete(subject=found["outside"].key))
    await done(fleet, "snapshot-delete", found["inside"].key)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-delete", found["outside"].key)
    assert listed(alpha, name) == set()


async def test_libvirt_before_9_9_reverts_to_no_external_one_and_that_is_said(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "older", disk="default/clone.qcow2", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-create", vm, name="older", where="external")
    found = await snapshots(fleet, vm)
    await until(lambda: fleet.state.hosts["alpha"].facts is not None)
    facts = fleet.state.hosts["alpha"].facts
    assert facts is not None
    if facts.libvirt_number < 9_009_000:
        request = VERBS["snapshot-revert"].request(subject=found["older"].key)
        with pytest.raises(RefusedError, match=r"it takes libvirt 9\.9"):
            await fleet.submit(request)
    else:
        await done(fleet, "snapshot-revert", found["older"].key)
        assert (await snapshots(fleet, vm))["older"].current
    await done(fleet, "snapshot-delete", found["older"].key)
    assert listed(alpha, name) == set()


async def test_a_raw_disk_has_an_external_one_only(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "plain", disk="default/spare.raw", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    with pytest.raises(RefusedError, match="only qcow2 can: make an external one"):
        await fleet.submit(VERBS["snapshot-create"].request(subject=vm, name="one"))
    assert listed(alpha, name) == set()


def frozen(alpha: LabHost, name: str) -> str:
    return alpha.virsh("qemu-agent-command", name, '{"execute":"guest-fsfreeze-status"}')


async def test_a_guest_is_frozen_for_a_quiesced_one_and_thawed_after_it_also_when_it_fails(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    name = guest("alpha", "quiet", disk="default/clone.qcow2")
    await asyncio.to_thread(booted, "alpha", name)
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-create", vm, name="calm", where="external", quiesce=True)
    assert "thawed" in await asyncio.to_thread(frozen, alpha, name)
    found = await snapshots(fleet, vm)
    path = Path(alpha.virsh("domblklist", name).split("vda")[1].split()[0])
    stray = path.with_name("clone.stray")  # in the way of the next, once the guest is frozen
    await asyncio.to_thread(stray.touch, mode=0)
    request = VERBS["snapshot-create"].request
    operation = await fleet.submit(
        request(subject=vm, name="stray", where="external", quiesce=True)
    )
    with pytest.raises(OperationFailedError, match="Permission denied"):
        await operation
    assert "thawed" in await asyncio.to_thread(frozen, alpha, name)
    await asyncio.to_thread(stray.unlink)
    await done(fleet, "snapshot-delete", found["calm"].key)


async def test_a_guest_whose_agent_is_not_there_is_not_quiesced(
    fleet: Fleet, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "mute", "vd.noagent", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    options = {"name": "calm", "where": "external", "quiesce": True}
    with pytest.raises(RefusedError, match="agent"):
        await fleet.submit(VERBS["snapshot-create"].request(subject=vm, **options))


def by_volume(alpha: LabHost, name: str, directory: Path) -> None:
    """Define an instance that is off again, its disk a volume of a pool."""
    tree = etree.fromstring(alpha.virsh("dumpxml", name, "--inactive"))
    (disk,) = tree.xpath("//disk[target/@dev='vda']")
    disk.set("type", "volume")
    source = disk.find("source")
    path = Path(source.attrib.pop("file"))
    source.set("pool", "default")
    source.set("volume", path.name)
    file = directory / "volume.xml"
    file.write_bytes(etree.tostring(tree))
    alpha.virsh("define", str(file))


async def test_a_disk_that_is_a_volume_of_a_pool_has_an_external_one_beside_it(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], tmp_path: Path
) -> None:
    name = guest("alpha", "pooled", disk="default/clone.qcow2", wanted=Wanted.SHUT_OFF)
    await asyncio.to_thread(by_volume, alpha, name, tmp_path)
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    vm = await key_of(fleet, name)
    await until(lambda: any(d.source and d.source.type == "volume"
                            for d in fleet.state.instances[vm].disks))  # fmt: skip
    await snapshots(fleet, vm)
    refused = await asyncio.to_thread(
        refusal, alpha, "snapshot-create-as", name, "no", "--disk-only"
    )
    assert "cannot generate external snapshot name" in refused, "libvirt names it now: let it"
    await asyncio.to_thread(write, alpha, name, 21)
    await done(fleet, "snapshot-create", vm, name="one", where="external")
    await asyncio.to_thread(write, alpha, name, 22)
    found = await snapshots(fleet, vm)
    (kept,) = [disk for disk in found["one"].disks if disk.target == "vda"]
    assert Path(kept.file).name == "clone.one"
    assert kept.allocation
    await done(fleet, "snapshot-delete", found["one"].key)
    assert "clone.one" not in layers(alpha, name)
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    image = str(alpha.pool / "clone.qcow2")
    for number in (21, 22):
        said = await asyncio.to_thread(verified, image, number)
        assert "read 65536/65536" in said, said
        assert "verification failed" not in said, said


def size_of(path: Path) -> int:
    """Bytes; 0 for a file that is not there."""
    return path.stat().st_size if path.exists() else 0


async def test_an_external_one_may_have_the_memory_and_says_what_it_takes(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "remembered", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-create", vm, name="one", where="external", memory=True)
    assert domstate(alpha, name) == "running"
    one = (await snapshots(fleet, vm))["one"]
    assert (one.memory, one.external, one.state) == ("external", True, "running")
    memory = Path(one.memory_file)
    assert memory.name == "remembered.one.memory"
    assert size_of(memory) > 1 << 20
    asked = danger(fleet.state, VERBS["snapshot-delete"].request(subject=one.key)).text
    await done(fleet, "snapshot-delete", one.key)
    assert bool(size_of(memory)) is ("leaves the memory in" in asked)
    await asyncio.to_thread(memory.unlink, missing_ok=True)


async def test_the_present_is_kept_before_a_revert(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "careful", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await asyncio.to_thread(write, alpha, name, 31)
    await done(fleet, "snapshot-create", vm, name="before")
    await asyncio.to_thread(write, alpha, name, 32)
    found = await snapshots(fleet, vm)
    await done(fleet, "snapshot-revert", found["before"].key, keep="now")
    assert listed(alpha, name) == {"before", "now"}
    image = alpha.virsh("domblklist", name).split("vda")[1].split()[0]
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await caught_up(fleet, vm)
    assert "verification failed" in await asyncio.to_thread(verified, image, 32)
    found = await snapshots(fleet, vm)
    await done(fleet, "snapshot-revert", found["now"].key, then="paused")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await caught_up(fleet, vm)
    assert "verification failed" not in await asyncio.to_thread(verified, image, 32)
    for word in ("now", "before"):
        await done(fleet, "snapshot-delete", (await snapshots(fleet, vm))[word].key)


async def test_files_that_somebody_merged_by_hand_are_named_and_their_snapshot_left_alone(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "tinkered", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    for word in ("one", "two"):
        await done(fleet, "snapshot-create", vm, name=word, where="external")
    commit = ("blockcommit", name, "vda", "--active", "--shallow", "--pivot", "--wait")
    await asyncio.to_thread(alpha.virsh, *commit)
    found = await snapshots(fleet, vm)
    await until(lambda: "clone.two" not in str(fleet.state.instances[vm].disks))
    with pytest.raises(RefusedError, match=r"clone\.two, which two was made with, is not in"):
        await fleet.submit(VERBS["snapshot-delete"].request(subject=found["two"].key))
    await asyncio.to_thread(alpha.virsh, "snapshot-delete", "--metadata", name, "two")
    (alpha.pool / "clone.two").unlink()
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-delete", found["one"].key)
    assert listed(alpha, name) == set()


async def test_one_that_somebody_else_made_is_no_fault_of_its_chain(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "shared-care", disk="default/clone.qcow2", wanted=Wanted.PAUSED)
    vm = await key_of(fleet, name)
    for number, look in enumerate((fleet.snapshots, fleet.detail)):
        await snapshots(fleet, vm)
        word = f"theirs{number}"
        await asyncio.to_thread(alpha.virsh, "snapshot-create-as", name, word, "--disk-only")
        await look(vm)
        assert f"clone.{word}" in str(fleet.state.instances[vm].disks[0].source)
        known = {one.name: one for one in fleet.state.snapshots[vm]}
        assert fleet.check(VERBS["snapshot-delete"].request(subject=known[word].key)) == ()
        await done(fleet, "snapshot-delete", known[word].key)

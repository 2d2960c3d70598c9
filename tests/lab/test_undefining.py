"""Definitions removed on real QEMU, with what belongs to them and the disks that were named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.describing import describe
from core.errors import LabError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import libvirt
from core.lab import LabHost, Wanted
from core.model import ObjectKey, OperationStatus
from core.verbs.danger import danger
from core.verbs.undefining import UNDEFINE, Undefine
from tests.lab.one_host import until
from tests.lab.seeing import key_of
from tests.slow_link import SlowLink


@pytest.fixture
def volume(alpha: LabHost) -> Iterator[Callable[..., str]]:
    """Makes a volume of the pool `default`; gone after the test."""
    made: list[str] = []

    def make(name: str, *options: str) -> str:
        alpha.virsh("vol-create-as", "default", name, "8M", "--format", "qcow2", *options)
        alpha.virsh("pool-refresh", "default")  # its event has consoles read the pool
        made.append(name)
        return f"default/{name}"

    yield make
    for name in reversed(made):
        with suppress(LabError):
            alpha.virsh("vol-delete", name, "--pool", "default")


def volumes(alpha: LabHost) -> set[str]:
    alpha.virsh("pool-refresh", "default")
    lines = alpha.virsh("vol-list", "default").splitlines()
    return {line.split()[0] for line in lines if line.strip()}


async def ready(fleet: Fleet, name: str, last: str) -> ObjectKey:
    """The key of an instance, once it and all volumes of its host were read."""
    vm = await key_of(fleet, name)
    await until(lambda: any(one.name == last for one in fleet.state.volumes.values()))
    await until(lambda: all(one.described for one in fleet.state.instances.values()))
    await until(lambda: all(one.described for one in fleet.state.volumes.values()))
    return vm


async def test_an_instance_goes_with_its_memory_its_snapshots_and_the_disk_that_was_named(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], volume: Callable[..., str]
) -> None:
    disk = volume("leaving.qcow2")
    name = guest("alpha", "leaving", disk=disk)
    await asyncio.to_thread(alpha.virsh, "snapshot-create-as", name, "one")
    await asyncio.to_thread(alpha.virsh, "managedsave", name)
    vm = await ready(fleet, name, "leaving.qcow2")
    await until(lambda: fleet.state.instances[vm].managed_save)
    await describe(fleet, UNDEFINE, [vm])
    assert "libvirt forgets 1 of its snapshots." in danger(fleet.state, Undefine(vm)).text
    record = await (await fleet.submit(Undefine(vm, ("vda",))))
    assert record.status is OperationStatus.DONE, record
    assert record.outcome == "leaving is no longer defined, 1 of its disks deleted"
    assert name not in alpha.virsh("list", "--all", "--name").split()
    assert "leaving.qcow2" not in await asyncio.to_thread(volumes, alpha)
    assert vm not in fleet.state.instances
    await until(lambda: all(one.name != "leaving.qcow2" for one in fleet.state.volumes.values()))


async def test_a_disk_that_another_uses_or_is_based_on_stays_and_the_definition_too(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], volume: Callable[..., str]
) -> None:
    base = volume("kept.qcow2")
    volume("above.qcow2", "--backing-vol", "kept.qcow2", "--backing-vol-format", "qcow2")
    owner = guest("alpha", "owner", disk=base, wanted=Wanted.SHUT_OFF)
    other = guest("alpha", "tenant", disk=base, wanted=Wanted.SHUT_OFF)
    vm = await ready(fleet, owner, "above.qcow2")
    with pytest.raises(RefusedError, match=r"used by tenant and .*above\.qcow2, which is based on"):
        await fleet.submit(Undefine(vm, ("vda",)))
    assert {owner, other} <= set(alpha.virsh("list", "--all", "--name").split())
    record = await (await fleet.submit(Undefine(vm)))
    assert record.outcome == "owner is no longer defined"
    assert {"kept.qcow2", "above.qcow2"} <= await asyncio.to_thread(volumes, alpha)


def test_who_uses_a_volume_costs_no_more_for_those_that_are_off(
    alpha: LabHost, guest: Callable[..., str], volume: Callable[..., str], tmp_path: Path
) -> None:
    """Each that is off has told its disks in one call for all; the chain of each is among them."""
    base = volume("counted-base.qcow2").partition("/")[2]
    below = ("--backing-vol", base, "--backing-vol-format", "qcow2")
    volume("counted.qcow2", *below)
    with SlowLink(tmp_path / "counted", alpha.socket) as link:
        conn = libvirt.open(f"qemu+unix:///session?socket={link.path}")

        def looked(path: Path | str) -> tuple[str, int]:
            before = link.calls().total()
            return user_of(conn, {str(path)}), link.calls().total() - before

        few = looked("/nobody.qcow2")
        for number in (1, 2, 3):
            guest("alpha", f"counted-{number}", wanted=Wanted.SHUT_OFF)
        assert looked("/nobody.qcow2") == few
        assert few[0] == ""
        by_pool = ("counted-3", str(alpha.pool / "counted.qcow2"), "vdb")
        alpha.virsh("attach-disk", *by_pool, "--config", "--subdriver", "qcow2")
        assert looked(alpha.pool / "counted.qcow2")[0] == "counted-3"
        conn.close()

"""Instances moved while they are off, between two real hosts: kept by both until one is chosen."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.describing import describe
from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet, LinkOptions, Reading
from core.lab import Lab, LabHost, Wanted
from core.lab.places import write_file
from core.model import InstanceState, ObjectKey, OperationRecord, OperationStatus, Request
from core.verbs.caution import Caution
from core.verbs.cold.requests import ColdMigrate, ConfirmColdMigration, RevertColdMigration
from core.verbs.danger import danger
from core.verbs.definition import SetAutostart
from core.verbs.power.requests import Start, Stop
from core.verbs.registry import VERBS
from tests.driver.command import Result, Virtdeck
from tests.lab.migrating import opened, states, until
from tests.lab.scratch_disk import ScratchDisks, holds, info, write
from tests.lab.scratch_disk import own as own_file
from tests.lab.seeing import caught_up, key_of
from tests.patience import PATIENCE

DONE = OperationStatus.DONE


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def shared(alpha: LabHost, beta: LabHost) -> Iterator[Callable[[str], Path]]:
    """Makes a volume in the pool that both hosts share, gone after the test."""
    made: list[str] = []

    def make(name: str) -> Path:
        volume = f"{name}.qcow2"
        alpha.virsh("vol-create-as", "shared", volume, "64M", "--format", "qcow2")
        made.append(volume)
        beta.virsh("pool-refresh", "shared")
        return Path(alpha.virsh("vol-path", volume, "shared").strip())

    yield make
    for volume in made:
        with suppress(LabError):
            alpha.virsh("vol-delete", volume, "shared")
    beta.virsh("pool-refresh", "shared")


@pytest.fixture
def moving(
    alpha: LabHost, guest: Callable[..., str], shared: Callable[[str], Path]
) -> Callable[[str], Path]:
    """Makes a guest that is off, with something written to its disk; returns the image."""

    def make(name: str) -> Path:
        image = shared(name)
        guest("alpha", name, disk=f"shared/{image.name}", wanted=Wanted.SHUT_OFF)
        alpha.virsh("start", name, "--paused")
        write(alpha, name, 7)
        alpha.virsh("destroy", name)
        alpha.virsh("autostart", name)
        return image

    return make


async def at(fleet: Fleet, host: str, name: str) -> ObjectKey:
    """The key of an instance that is off, once the fleet has all of it."""
    return await key_of(fleet, name, InstanceState.SHUTOFF, host=host)


async def do(fleet: Fleet, request: Request) -> OperationRecord:
    record = await (await fleet.submit(request))
    assert isinstance(record, OperationRecord)
    return record


def autostart(host: LabHost, name: str) -> bool:
    return "Autostart:      enable" in host.virsh("dominfo", name)


async def test_what_moved_is_held_at_its_source_until_it_is_confirmed(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, moving: Callable[[str], Path]
) -> None:
    image = await asyncio.to_thread(moving, "coldly")
    here = await at(fleet, "alpha", "coldly")
    record = await do(fleet, ColdMigrate(here, to="beta"))
    assert record.status is DONE, record
    assert "alpha keeps it, held" in record.outcome
    assert states(lab.hosts, "coldly") == {"alpha": "shut off", "beta": "shut off"}
    assert (autostart(alpha, "coldly"), autostart(beta, "coldly")) == (False, True)
    there = await at(fleet, "beta", "coldly")
    assert there.id == here.id
    # it runs at its destination, with its data, and at its source it does not
    with pytest.raises(RefusedError, match="was cold-migrated to beta"):
        await fleet.submit(Start(here))
    await do(fleet, Start(there))
    await asyncio.to_thread(write, beta, "coldly", 9)
    with pytest.raises(RefusedError, match="It is on at beta"):
        await fleet.submit(RevertColdMigration(here))
    done = await do(fleet, ConfirmColdMigration(there))
    assert done.outcome == "coldly is on beta; alpha has forgotten it"
    assert states(lab.hosts, "coldly") == {"beta": "running"}
    await until(lambda: here not in fleet.state.instances, "alpha has forgotten it")
    assert "cold-migration" not in beta.virsh("dumpxml", "coldly", "--inactive")
    assert "cold-migration" not in beta.virsh("dumpxml", "coldly")
    await do(fleet, Stop(there))
    assert all(holds(image, number) for number in (7, 9))


async def test_a_move_is_listed_and_its_halves_stay_until_a_command_ends_it(
    fleet: Fleet,
    lab: Lab,
    uris: dict[str, str],
    moving: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    image = await asyncio.to_thread(moving, "two-halves")
    amend = ["qemu-img", "amend", "-o", "compat=1.1", str(image)]  # the old keeps no bitmap
    await asyncio.to_thread(subprocess.run, amend, check=True)
    own_file(lab, image)
    here = await at(fleet, "alpha", "two-halves")
    await do(fleet, ColdMigrate(here, to="beta"))
    there = await at(fleet, "beta", "two-halves")
    hosts = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    command = Virtdeck(tmp_path)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(command, *hosts, *words)

    listed = (await run("instances", "--filter", "two-halves")).out
    assert "moved to beta, held here" in listed
    assert "moved from alpha, not confirmed" in listed
    rows = (await run("instances", "--filter", "two-halves", "--json")).rows
    moves = {row["host"]: row["cold"] for row in rows}
    assert (moves["alpha"]["role"], moves["beta"]["role"]) == ("source", "destination")
    for words in (("undefine",), ("rename", "--to", "other"), ("clone", "--to", "other")):
        for host in ("alpha", "beta"):
            refused = await run(*words, f"{host}/two-halves", "--yes")
            assert refused.status != 0
            assert f"revert-cold-migration {host}/two-halves" in refused.err + refused.out
    # also where nobody had read its XML before: the look before the first call tells
    options = LinkOptions(
        statistics_interval=0, sweep_interval=0, reads=frozenset({Reading.INSTANCES})
    )
    other = Fleet.open(hosts[1::2], options=options, journal=tmp_path / "other.sqlite3")
    async with other:
        assert await other.ready(20.0 * PATIENCE)
        for key in (here, there):
            with pytest.raises((RefusedError, OperationFailedError), match="was cold-migrated"):
                await do(other, SetAutostart(key))
    assert states(lab.hosts, "two-halves") == {"alpha": "shut off", "beta": "shut off"}
    vague = await run("start", "two-halves")
    assert "Name one by its host too, as alpha/two-halves" in vague.err
    reverted = await run("revert-cold-migration", "two-halves", "--yes")
    assert reverted.status == 0, reverted
    assert states(lab.hosts, "two-halves") == {"alpha": "shut off"}
    # checkpoints of the half that goes are named, before and after
    await until(lambda: fleet.state.instances[here].cold is None, "the revert of a command is seen")
    await do(fleet, ColdMigrate(here, to="beta"))
    for words in (("start", "--paused"), ("checkpoint-create", "--name", "cp1"), ("stop", "-y")):
        assert (await run(words[0], "beta/two-halves", *words[1:])).status == 0
    await caught_up(fleet, there)
    await describe(fleet, VERBS["revert-cold-migration"], [here])
    told = danger(fleet.state, RevertColdMigration(here)).text
    assert "beta forgets its checkpoint cp1: no backup can be made since then" in told
    reverted = await run("revert-cold-migration", "two-halves", "--yes")
    assert "has forgotten it, and its checkpoint cp1: bitmaps of that name" in reverted.out
    again = await run("revert-cold-migration", "two-halves", "--yes")
    assert "no cold migration to confirm or revert" in again.out + again.err


async def test_what_moved_is_taken_back_as_it_was(
    fleet: Fleet, lab: Lab, alpha: LabHost, moving: Callable[[str], Path]
) -> None:
    image = await asyncio.to_thread(moving, "back-again")
    here = await at(fleet, "alpha", "back-again")
    before = alpha.virsh("dumpxml", "back-again", "--inactive")
    await do(fleet, ColdMigrate(here, to="beta"))
    with pytest.raises(RefusedError, match="neither confirmed nor reverted"):
        await fleet.submit(ColdMigrate(here, to="beta"))
    record = await do(fleet, RevertColdMigration(here))
    assert record.outcome == "back-again stays on alpha; beta has forgotten it"
    assert states(lab.hosts, "back-again") == {"alpha": "shut off"}
    assert autostart(alpha, "back-again")
    after = alpha.virsh("dumpxml", "back-again", "--inactive")
    assert after.replace("<metadata/>", "").split() == before.split()
    await do(fleet, Start(here))
    assert fleet.state.instances[here].state is InstanceState.RUNNING
    await do(fleet, Stop(here))
    assert holds(image, 7)


async def test_what_cannot_move_is_refused_and_nothing_is_touched(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, guest: Callable[..., str]
) -> None:
    alpha.virsh("vol-create-as", "default", "alone.qcow2", "16M", "--format", "qcow2")
    try:
        guest("alpha", "alone", disk="default/alone.qcow2", wanted=Wanted.SHUT_OFF)
        here = await at(fleet, "alpha", "alone")
        before = alpha.virsh("dumpxml", "alone", "--inactive")
        guest("beta", "alone", wanted=Wanted.SHUT_OFF)
        with pytest.raises(RefusedError, match="beta has another instance called alone"):
            await do(fleet, ColdMigrate(here, to="beta"))
        with pytest.raises(RefusedError, match="It is on alpha already"):
            await fleet.submit(ColdMigrate(here, to="alpha"))
        with pytest.raises(RefusedError, match="no cold migration"):
            await fleet.submit(RevertColdMigration(here))
        await do(fleet, Start(here))
        with pytest.raises(RefusedError, match="alone is on: shut it down first"):
            await fleet.submit(ColdMigrate(here, to="beta"))
        assert states(lab.hosts, "alone") == {"alpha": "running", "beta": "shut off"}
        alpha.virsh("destroy", "alone")
        assert alpha.virsh("dumpxml", "alone", "--inactive") == before
    finally:
        for words in (("destroy", "alone"), ("undefine", "alone")):
            with suppress(LabError):
                alpha.virsh(*words)
        alpha.virsh("vol-delete", "alone.qcow2", "default")


@pytest.fixture
def own(
    lab: Lab, alpha: LabHost, beta: LabHost, guest: Callable[..., str]
) -> Iterator[Callable[..., str]]:
    """Makes a guest that is off, with a disk of alpha's own and something written to it."""
    disks = [ScratchDisks(lab, host) for host in (alpha, beta)]

    def make(name: str, form: str = "qcow2") -> str:
        disk = disks[0].make(name, form=form)
        guest("alpha", name, disk=disk, wanted=Wanted.SHUT_OFF)
        alpha.virsh("start", name, "--paused")
        for number in (3, 41):
            write(alpha, name, number, "1M")
        alpha.virsh("destroy", name)
        return disk.partition("/")[2]

    yield make
    for host in (alpha, beta):
        for name in host.instances():
            if name.startswith("own-"):
                with suppress(LabError):
                    host.virsh("destroy", name)
    for one in disks:
        one.remove()


async def known(fleet: Fleet, volume: str) -> None:
    def listed() -> bool:
        found = [one for one in fleet.state.volumes.values() if one.name == volume]
        pools = {(one.host, one.name) for one in fleet.state.pools.values()}
        return bool(found and found[0].described) and ("beta", "default") in pools

    await until(listed, f"{volume} is seen")


@pytest.mark.parametrize("form", ["qcow2", "raw"])
async def test_a_disk_is_copied_whole_and_sparse_and_the_original_goes_when_it_is_confirmed(
    form: str, fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, own: Callable[..., str]
) -> None:
    name = f"own-{form}"
    volume = await asyncio.to_thread(own, name, form)
    here = await at(fleet, "alpha", name)
    await known(fleet, volume)
    record = await do(fleet, ColdMigrate(here, to="beta", copy=("vda",)))
    assert "1 disk copied; alpha keeps it, held" in record.outcome
    original, copy = alpha.pool / volume, beta.pool / volume
    assert all(holds(copy, number, "1M", form) for number in (3, 41))
    assert copy.stat().st_blocks <= original.stat().st_blocks + 256, "holes became zeros"
    assert str(copy) in beta.virsh("domblklist", name)
    there = await at(fleet, "beta", name)
    await do(fleet, Start(there))
    await asyncio.to_thread(write, beta, name, 9)
    await do(fleet, Stop(there))
    assert holds(original, 3, "1M", form)
    assert not holds(original, 9, form=form)
    # what was written since the move is not thrown away unasked
    with pytest.raises(OperationFailedError, match="was written to since the move"):
        await do(fleet, RevertColdMigration(there))
    assert states(lab.hosts, name) == {"alpha": "shut off", "beta": "shut off"}
    danger_text = danger(fleet.state, ConfirmColdMigration(there))
    assert danger_text.caution is Caution.TYPE
    assert str(original) in danger_text.text
    await do(fleet, ConfirmColdMigration(there))
    assert states(lab.hosts, name) == {"beta": "shut off"}
    assert not original.exists()
    assert all(holds(copy, number, form=form) for number in (3, 9, 41))


async def test_a_copy_is_removed_again_when_it_is_reverted_and_the_original_is_as_it_was(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, own: Callable[..., str]
) -> None:
    volume = await asyncio.to_thread(own, "own-back")
    here = await at(fleet, "alpha", "own-back")
    await known(fleet, volume)
    await do(fleet, ColdMigrate(here, to="beta", copy=("vda",)))
    await do(fleet, RevertColdMigration(here))
    assert states(lab.hosts, "own-back") == {"alpha": "shut off"}
    assert not (beta.pool / volume).exists()
    await do(fleet, ColdMigrate(here, to="beta", copy=("vda",)))
    there = await at(fleet, "beta", "own-back")
    await do(fleet, Start(there))
    await asyncio.to_thread(write, beta, "own-back", 9)
    await do(fleet, Stop(there))
    record = await do(fleet, RevertColdMigration(here, discard=True))
    assert record.outcome == "own-back stays on alpha; beta has forgotten it"
    assert not (beta.pool / volume).exists()
    assert all(holds(alpha.pool / volume, number, "1M") for number in (3, 41))


async def test_what_cannot_be_copied_is_refused_and_a_volume_that_is_there_is_left_alone(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, own: Callable[..., str]
) -> None:
    volume = await asyncio.to_thread(own, "own-stays")
    here = await at(fleet, "alpha", "own-stays")
    await known(fleet, volume)
    await asyncio.to_thread(
        beta.virsh, "vol-create-as", "default", volume, "64M", "--format", "qcow2"
    )
    with pytest.raises((RefusedError, OperationFailedError), match="already"):
        await do(fleet, ColdMigrate(here, to="beta", copy=("vda",)))
    assert "64.00 MiB" in beta.virsh("vol-info", volume, "default")
    assert not holds(beta.pool / volume, 3)
    assert states(lab.hosts, "own-stays") == {"alpha": "shut off"}
    assert "cold-migration" not in alpha.virsh("dumpxml", "own-stays", "--inactive")
    for options, why in (
        ({"copy": ("vdz",)}, "has no disk vdz: it has vda"),
        ({"copy": ("vda",), "pool": "nowhere"}, "beta has no active pool nowhere"),
    ):
        with pytest.raises(RefusedError, match=why):
            await fleet.submit(ColdMigrate(here, to="beta", **options))  # type: ignore[arg-type]


async def test_what_moves_may_have_another_size_at_its_destination(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, own: Callable[..., str]
) -> None:
    volume = await asyncio.to_thread(own, "own-larger")
    here = await at(fleet, "alpha", "own-larger")
    await known(fleet, volume)
    before = fleet.state.instances[here]
    larger = ColdMigrate(here, to="beta", copy=("vda",), vcpus=3, memory=160, grow=("vda=256M",))
    await do(fleet, larger)
    there = await at(fleet, "beta", "own-larger")
    row = fleet.state.instances[there]
    assert (row.vcpus, row.memory_maximum) == (3, 160 << 20)
    assert info(beta.pool / volume)["virtual-size"] == 256 << 20
    assert info(alpha.pool / volume)["virtual-size"] == 64 << 20
    assert all(holds(beta.pool / volume, number, "1M") for number in (3, 41))
    await do(fleet, Start(there))
    await do(fleet, Stop(there))
    await do(fleet, RevertColdMigration(here, discard=True))
    again = fleet.state.instances[here]
    assert (again.vcpus, again.memory_maximum) == (before.vcpus, before.memory_maximum)
    assert states(lab.hosts, "own-larger") == {"alpha": "shut off"}


UEFI = """
<domain type='qemu'>
  <name>own-uefi</name><memory unit='MiB'>64</memory>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    {nvram}
  </os>
  <features><acpi/></features>
</domain>"""


async def test_uefi_variables_move_along_or_nothing_does(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost
) -> None:
    variables = [host.pool / "own-uefi_VARS.fd" for host in (alpha, beta)]
    content = b"what the guest's firmware knows ".ljust(64) * 8192
    definition = alpha.directory / "own-uefi.xml"

    def define(nvram: str) -> None:
        write_file(definition, UEFI.format(nvram=nvram), alpha.account)
        alpha.virsh("define", str(definition))

    try:
        variables[0].write_bytes(content)
        own_file(lab, variables[0])
        await asyncio.to_thread(define, f"<nvram>{variables[0]}</nvram>")
        here = await at(fleet, "alpha", "own-uefi")
        await until(lambda: fleet.state.hosts["beta"].facts is not None, "beta has told")
        with pytest.raises(RefusedError, match="is in no pool of alpha as read"):
            await do(fleet, ColdMigrate(here, to="beta"))
        await asyncio.to_thread(alpha.virsh, "pool-refresh", "default")
        await known(fleet, variables[0].name)
        await do(fleet, ColdMigrate(here, to="beta"))
        assert variables[1].read_bytes() == content
        assert str(variables[1]) in beta.virsh("dumpxml", "own-uefi", "--inactive")
        there = await at(fleet, "beta", "own-uefi")
        assert str(variables[0]) in danger(fleet.state, ConfirmColdMigration(there)).text
        await do(fleet, ConfirmColdMigration(there))
        assert (variables[0].exists(), variables[1].exists()) == (False, True)
        assert states(lab.hosts, "own-uefi") == {"beta": "shut off"}
    finally:
        for host in (alpha, beta):
            with suppress(LabError):
                host.virsh("undefine", "own-uefi", "--keep-nvram")
        for path in variables:
            path.unlink(missing_ok=True)
        for host in (alpha, beta):
            host.virsh("pool-refresh", "default")

"""Volumes that hosts connect, of instances that move: at the destination before, let go of after.

By os-brick's own connector of GPFS, which needs no kernel and no root, told to be needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.evacuation import survey
from core.fleet import Fleet
from core.hypervisor.calls import connecting
from core.lab import Lab, LabHost, Wanted
from core.model import LinkStatus, ObjectKey, OperationRecord, OperationStatus, Steer, SteerKind
from core.model.secret_value import Secret
from core.state.connections import connections_of, ledger, leftovers
from core.volumes.brick import child
from core.volumes.brick.place import brick_host
from core.volumes.protocols import PROTOCOLS
from tests.driver.killed_console import KILLED, Errand, starter
from tests.lab.migrating import M, found, opened, start, until
from tests.lab.scratch_disk import holds, own, write
from tests.lab.seeing import answers, key_of
from tests.lab.test_devices import done
from tests.lab.test_evacuate import kill
from tests.patience import PATIENCE

ALPHA, BETA = (ObjectKey("host", one, one) for one in ("alpha", "beta"))


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def volume(
    lab: Lab, uris: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, Path]]:
    """One file on storage that both hosts see, under a name for each of them."""
    here = brick_host(uris["alpha"])
    monkeypatch.setitem(PROTOCOLS, "gpfs", replace(PROTOCOLS["gpfs"], brick=True))
    monkeypatch.setattr(connecting, "place_of", lambda *_: replace(here, root=False))
    first, second = (lab.root / "shared" / f"roaming-{name}.raw" for name in ("a", "b"))
    first.write_bytes(bytes(4 << 20))
    own(lab, first)
    os.link(first, second)
    yield first, second
    # for whom it was: the instances of the next test have one of the same name
    shutil.rmtree(Path(child._locks(), "volumes"), ignore_errors=True)
    for path in (first, second):
        with suppress(FileNotFoundError):
            path.unlink()


def info(path: Path) -> Secret:
    data = {"device_path": str(path), "volume_id": "v9"}
    return Secret(json.dumps({"driver_volume_type": "gpfs", "data": data}))


def entries(fleet: Fleet) -> dict[str, str]:
    """The device of each host that has it connected."""
    return {one.subject.host: one.volume.path for one in ledger(fleet.state)}


async def test_a_volume_is_connected_before_a_live_migration_and_let_go_of_after_it(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str],
    volume: tuple[Path, Path],
) -> None:  # fmt: skip
    first, second = volume
    name = guest("alpha", "roamer")
    vm = await found(fleet, name)
    await done(fleet, "volume-attach", vm, connection_info=info(first))
    aborted = await start(fleet, name, bandwidth=1, policy="manual")
    await aborted.reaches(M.RUNNING)
    assert entries(fleet) == {"alpha": str(first), "beta": str(first)}  # by itself, as alpha has
    await fleet.migrations.steer(aborted.now.id, Steer(SteerKind.ABORT))
    ended = await aborted.ends()
    assert ended.status is OperationStatus.CANCELLED
    assert ended.outcome.endswith("; the gpfs volume v9 is disconnected from beta")
    assert entries(fleet) == {"alpha": str(first)}

    own_info = {"instance": name, "disk": "vda", "connection_info": info(second)}
    said = await done(fleet, "volume-connect", BETA, **own_info)
    assert said == f"the gpfs volume v9 is connected on beta ({second}) for roamer:vda"
    assert entries(fleet) == {"alpha": str(first), "beta": str(second)}
    with pytest.raises(RefusedError, match="beta has connected it for roamer:vda already"):
        await done(fleet, "volume-connect", BETA, **own_info)
    there = await start(fleet, name)
    said = (await there.ends()).outcome
    assert said.endswith("; the gpfs volume v9 is disconnected from alpha"), said
    assert entries(fleet) == {"beta": str(second)}
    for xml in (beta.virsh("dumpxml", name), beta.virsh("dumpxml", name, "--inactive")):
        assert str(second) in xml
        assert str(first) not in xml
    moved = await found(fleet, name)
    assert connections_of(fleet.state, moved)["vda"].path == str(second)


async def test_a_volume_follows_an_instance_that_moves_while_it_is_off(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str],
    volume: tuple[Path, Path],
) -> None:  # fmt: skip
    first, second = volume
    name = guest("alpha", "sleeper", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await done(fleet, "volume-attach", vm, connection_info=info(first))
    with pytest.raises(RefusedError, match="is connected by alpha, and not by beta") as refused:
        await done(fleet, "cold-migrate", vm, to="beta")
    assert "virtdeck volume connect beta --instance sleeper --disk vda" in str(refused.value)
    own_info = {"instance": name, "disk": "vda", "connection_info": info(second)}
    for verb, left, gone in (
        ("revert-cold-migration", {"alpha": str(first)}, "beta"),
        ("confirm-cold-migration", {"beta": str(second)}, "alpha"),
    ):
        await done(fleet, "volume-connect", BETA, **own_info)
        await done(fleet, "cold-migrate", vm, to="beta")
        assert str(second) in beta.virsh("dumpxml", name)
        there = ObjectKey("instance", "beta", vm.id)
        await until(lambda key=there: key in fleet.state.instances, "it is seen on beta")
        await done(fleet, verb, vm)
        assert entries(fleet) == left, gone


async def test_what_another_instance_has_is_connected_for_nobody(
    fleet: Fleet, beta: LabHost, guest: Callable[..., str], volume: tuple[Path, Path]
) -> None:
    first, second = volume
    name = guest("alpha", "shy", wanted=Wanted.SHUT_OFF)
    thief = guest("beta", "thief", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await done(fleet, "volume-attach", vm, connection_info=info(first))
    await asyncio.to_thread(
        beta.virsh, "attach-disk", thief, str(second), "vda", "--config", "--subdriver", "raw"
    )
    own_info = {"instance": name, "disk": "vda", "connection_info": info(second)}
    with pytest.raises(OperationFailedError, match=r"is the disk of thief"):
        await done(fleet, "volume-connect", BETA, **own_info)
    assert entries(fleet) == {"alpha": str(first)}


@pytest.mark.parametrize(
    ("point", "word", "device", "asks"),
    [
        (4, "leave", "v9", "its console ended as it was sent. Send it again?"),
        (6, "go-on", "", "Go on with it (attaching the gpfs volume v9"),
    ],
)
async def test_a_console_that_is_killed_in_an_attach_leaves_what_the_next_one_names_and_offers(
    uris: dict[str, str], guest: Callable[..., str], volume: tuple[Path, Path], tmp_path: Path,
    alpha: LabHost, point: int, word: str, device: str, asks: str,
) -> None:  # fmt: skip
    """Killed while its host connects, and before the disk is attached."""
    path = str(volume[0])
    name = guest("alpha", "bereft", wanted=Wanted.SHUT_OFF)
    uuid = (await asyncio.to_thread(alpha.virsh, "domuuid", name)).strip()
    data = {"device_path": path, "volume_id": "v9"}
    given = json.dumps({"driver_volume_type": "gpfs", "data": data})
    journal = tmp_path / "journal.sqlite3"
    options = {"connection_info": given, "target": "vdb"}
    errand = Errand(uris["alpha"], str(journal), "volume-attach", uuid, options, point, brick=True)
    with starter() as consoles:
        assert await consoles.run(errand) == KILLED
    async with opened(uris, journal, hosts=("alpha",)) as fleet:
        await until(lambda: asking(fleet), "it is asked what is to become of it")
        (record,) = asking(fleet)
        assert record.question is not None
        assert asks in record.question.text
        await fleet.answer(record.id, word)
        await until(lambda: fleet.state.operations[record.id].status.final, "it is over")
        await until(lambda: ledger(fleet.state), "the ledger has it")
        (entry,) = ledger(fleet.state)
        if word == "go-on":
            assert path in alpha.virsh("dumpxml", name)
            assert entry.standing == "in use"
            return
        assert path not in alpha.virsh("dumpxml", name)
        await until(lambda: ledger(fleet.state)[0].standing == "left over", "it is left over")
        assert entry.volume.handle == device
        host = ObjectKey("host", "alpha", "alpha")
        await done(fleet, "volume-disconnect", host, device=device)
        assert ledger(fleet.state) == []


def asking(fleet: Fleet) -> list[OperationRecord]:
    """The operations that ask the operator something."""
    operations = fleet.state.operations.values()
    return [one for one in operations if one.status is OperationStatus.ASKING]


async def test_an_instance_of_a_dead_host_runs_where_its_volume_was_connected_before(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str],
    volume: tuple[Path, Path],
) -> None:  # fmt: skip
    """The dead host has it connected still: it is found once that is back, and let go of."""
    first, second = volume
    name = guest("alpha", "orphan")
    vm = await found(fleet, name)
    await done(fleet, "volume-attach", vm, connection_info=info(first))
    await asyncio.to_thread(write, alpha, name, 1, disk="ua-v9")
    await is_kept(fleet, name, str(first))
    await asyncio.to_thread(kill, alpha, name)
    try:
        status = LinkStatus.UP
        await until(lambda: fleet.state.hosts["alpha"].link.status is not status, "alpha is dead")
        (refused,) = (await survey(fleet, "alpha", "beta", [name])).instances
        assert f"virtdeck volume connect beta --instance {name} --disk vda" in refused.against
        own_info = {"instance": name, "disk": "vda", "connection_info": info(second)}
        await done(fleet, "volume-connect", BETA, **own_info)
        (looked,) = (await survey(fleet, "alpha", "beta", [name])).instances
        assert looked.against == ""
        record = await (await fleet.submit(looked.request))
        assert record.status is OperationStatus.DONE
    finally:
        await asyncio.to_thread(alpha.ensure_daemon)
    for xml in (beta.virsh("dumpxml", name), beta.virsh("dumpxml", name, "--inactive")):
        assert str(second) in xml
        assert str(first) not in xml
    await asyncio.to_thread(write, beta, name, 2, disk="ua-v9")
    assert all(holds(second, number, form="raw") for number in (1, 2))

    await answers(fleet, "alpha")
    assert entries(fleet) == {"alpha": str(first), "beta": str(second)}
    assert [one.standing for one in ledger(fleet.state)] == ["in use", "in use"]
    with pytest.raises(RefusedError, match="detach vda first: that lets go of it"):
        await done(fleet, "undefine", vm)
    said = await done(fleet, "volume-detach", vm, disk="vda")
    assert said == f"vda ({first}) is detached from orphan"
    assert entries(fleet) == {"beta": str(second)}

    # and where it is connected for no disk: nothing is undefined before it is let go of
    await done(fleet, "volume-connect", ALPHA, **own_info | {"connection_info": info(first)})
    await until(lambda: leftovers(fleet.state), "it is left over")
    assert [(key.host, one.path) for key, one in leftovers(fleet.state)] == [("alpha", str(first))]
    assert [one.standing for one in ledger(fleet.state)] == ["left over", "in use"]
    with pytest.raises(RefusedError, match="virtdeck volume disconnect alpha --device"):
        await done(fleet, "undefine", vm)
    said = await done(fleet, "volume-disconnect", ALPHA, device=str(first))
    assert said == f"the gpfs volume v9 ({first}) is disconnected from alpha"
    await done(fleet, "undefine", vm)
    assert entries(fleet) == {"beta": str(second)}
    assert ledger(fleet.state)[0].standing == "in use"


async def is_kept(fleet: Fleet, name: str, path: str) -> None:
    """Wait until the definition of an instance is kept with a disk of its, as it runs."""
    async with asyncio.timeout(60 * PATIENCE):
        while True:
            every = (await fleet.kept.host("alpha")).definitions
            if any(one.name == name and one.ran and path in one.xml for one in every):
                return
            await asyncio.sleep(0.1)

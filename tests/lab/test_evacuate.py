"""A host of the lab dies, and its instances are started on the other from what was kept of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.lab import LabHost, Wanted
from core.lab.places import write_file
from tests.driver.command import Result, Virtdeck
from tests.lab.migrating import opened
from tests.lab.scratch_disk import holds, write
from tests.lab.test_migrate_cli import Terminal

Command = Callable[..., Result]
GUESTS = ("lost", "asleep")


@pytest.fixture
def home(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
def virtdeck(home: Virtdeck, uris: dict[str, str]) -> Command:
    words = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    return lambda *arguments: home(*words, *arguments)


@pytest.fixture
def images(alpha: LabHost, beta: LabHost) -> Iterator[dict[str, Path]]:
    """A volume for each guest, in the pool both hosts share."""
    made = {}
    for name in GUESTS:
        alpha.virsh("vol-create-as", "shared", f"{name}.qcow2", "64M", "--format", "qcow2")
        made[name] = Path(alpha.virsh("vol-path", f"{name}.qcow2", "shared").strip())
    beta.virsh("pool-refresh", "shared")
    yield made
    for path in made.values():
        path.unlink(missing_ok=True)
    for host in (alpha, beta):
        host.ensure_daemon()
        host.virsh("pool-refresh", "shared")


def there(host: LabHost) -> dict[str, str]:
    """Those of our guests that a host has, and how they are."""
    return {name: state for name, state in host.instances().items() if name in GUESTS}


def kill(host: LabHost, *guests: str, daemon: bool = True) -> None:
    """Kill what a dead host loses: its daemon first, for that would tell of the others."""
    pids = [host.qemu_pid(name) for name in guests]
    if daemon:
        host.stop_daemon()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(30)


def keep(home: Virtdeck, uris: dict[str, str], running: set[str], *others: str) -> None:
    """Have a console look on until it has kept these."""

    async def look() -> None:
        journal = Path(home.environment["VIRTDECK_JOURNAL"])
        async with opened(uris, journal) as fleet, asyncio.timeout(120):
            while True:
                found = {one.name: one for one in (await fleet.kept.host("alpha")).definitions}
                ran = {name for name, one in found.items() if one.ran}
                if running <= ran and set(others) <= found.keys() and not ran & set(others):
                    return
                await asyncio.sleep(0.1)

    asyncio.run(look())


@pytest.fixture
def dead(
    home: Virtdeck,
    uris: dict[str, str],
    alpha: LabHost,
    guest: Callable[..., str],
    images: dict[str, Path],
) -> Iterator[LabHost]:
    """alpha, dead: `lost` ran on it and had written, `asleep` was off."""
    guest("alpha", "lost", disk=f"shared/{images['lost'].name}")
    guest("alpha", "asleep", disk=f"shared/{images['asleep'].name}", wanted=Wanted.SHUT_OFF)
    write(alpha, "lost", 7)
    alpha.virsh("autostart", "lost")
    keep(home, uris, {"lost"}, "asleep")
    kill(alpha, "lost")
    yield alpha
    alpha.ensure_daemon()


def test_what_ran_on_a_dead_host_runs_on_the_other_and_has_its_data(
    virtdeck: Command, dead: LabHost, beta: LabHost, images: dict[str, Path], home: Virtdeck
) -> None:
    uuids = {}
    planned = virtdeck("evacuate", "alpha", "--to", "beta", "--dry-run", *GUESTS)
    assert planned.status == 0, planned
    assert "lost    defined and started" in planned.out
    assert "asleep  defined, it was off" in planned.out
    assert there(beta) == {}
    unstated = virtdeck("evacuate", "alpha", "--to", "beta", *GUESTS)
    assert unstated.status == 1
    assert "Nobody has stated that alpha is fenced" in unstated.err
    wrong = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "beta", *GUESTS)
    assert wrong.status == 2
    assert there(beta) == {}

    done = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", *GUESTS)
    assert done.status == 0, done
    assert "2 done." in done.out
    assert "When alpha is back" in done.err
    assert "virtdeck undefine alpha/NAME" in done.err
    assert there(beta) == {"lost": "running", "asleep": "shut off"}
    assert "Autostart:      enable" in beta.virsh("dominfo", "lost")
    assert "Autostart:      disable" in beta.virsh("dominfo", "asleep")
    assert holds(images["lost"], 7)
    write(beta, "lost", 9)
    assert holds(images["lost"], 9)

    # asked for again, nothing is done twice
    again = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", *GUESTS)
    assert again.status == 0, again
    assert "lost    it runs on beta already." in again.out
    assert "asleep  it is defined on beta already." in again.out
    assert "0 done, 2 there already: lost and asleep." in again.out
    assert there(beta) == {"lost": "running", "asleep": "shut off"}

    # the dead host returns: what it still has is the same instance
    dead.ensure_daemon()
    uuids = {host.name: host.virsh("domuuid", "lost") for host in (dead, beta)}
    assert uuids["alpha"] == uuids["beta"]
    refused = virtdeck("start", "alpha/lost")
    assert refused.status == 1
    assert "lost must not run on alpha too: it runs on beta." in refused.err
    assert "virtdeck undefine alpha/lost" in refused.err
    back = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", "lost")
    assert "alpha answers: it is not dead" in back.out
    beta.stop_daemon()
    try:
        unseen = virtdeck("start", "alpha/lost")
    finally:
        beta.ensure_daemon()
    assert "it last ran on beta as far as is known" in unseen.err
    cleaned = virtdeck("undefine", "alpha/lost", "--yes")
    assert cleaned.status == 0, cleaned
    assert "lost" not in there(dead)
    assert there(beta)["lost"] == "running"
    assert holds(images["lost"], 9)


def test_the_statement_is_typed(
    virtdeck: Command,
    dead: LabHost,
    beta: LabHost,
    home: Virtdeck,
    uris: dict[str, str],
) -> None:
    words = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    for typed, status in (("yes", 1), ("alpha", 1), ("alpha is fenced", 0)):
        terminal = Terminal(home, [*words, "evacuate", "alpha", "--to", "beta", "lost"])
        terminal.until("Type alpha is fenced to go on")
        terminal.type(f"{typed}\n")
        assert terminal.end() == status, typed
        assert there(beta) == ({"lost": "running"} if status == 0 else {})


def test_a_guest_that_lives_while_its_daemon_is_dead_is_left_alone(
    virtdeck: Command,
    home: Virtdeck,
    uris: dict[str, str],
    alpha: LabHost,
    beta: LabHost,
    guest: Callable[..., str],
    images: dict[str, Path],
) -> None:
    """Not fenced at all, whatever was typed: its QEMU holds the lock of its disk."""
    guest("alpha", "lost", disk=f"shared/{images['lost'].name}")
    keep(home, uris, {"lost"})
    alpha.stop_daemon()
    try:
        refused = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", "lost")
    finally:
        alpha.ensure_daemon()
    assert refused.status == 1
    assert "another process holds the lock" in refused.out
    assert "Nothing can be evacuated" in refused.err
    assert there(beta) == {}
    assert there(alpha)["lost"] == "running"


def test_a_host_that_answers_is_not_evacuated(
    virtdeck: Command,
    home: Virtdeck,
    uris: dict[str, str],
    beta: LabHost,
    guest: Callable[..., str],
    images: dict[str, Path],
) -> None:
    guest("alpha", "lost", disk=f"shared/{images['lost'].name}", wanted=Wanted.SHUT_OFF)
    keep(home, uris, set(), "lost")
    refused = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", "lost")
    assert refused.status == 1
    assert "alpha answers: it is not dead: drain it" in refused.out
    assert there(beta) == {}


def test_what_its_new_host_lacks_is_told_and_the_others_go_on(
    virtdeck: Command, dead: LabHost, beta: LabHost, images: dict[str, Path]
) -> None:
    elsewhere = images["lost"].rename(images["lost"].with_suffix(".away"))
    try:
        done = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", *GUESTS)
    finally:
        elsewhere.rename(images["lost"])
    assert done.status == 1
    assert "beta does not have all of its disks" in done.out
    assert "1 done, 1 refused: lost." in done.out
    assert there(beta) == {"asleep": "shut off"}


def test_an_image_over_its_disk_that_no_definition_has_is_not_written_below(
    virtdeck: Command, dead: LabHost, beta: LabHost, images: dict[str, Path]
) -> None:
    """A snapshot that nobody saw: the guest had gone on in that."""
    over = images["lost"].with_name("lost.later.qcow2")
    beta.virsh(
        *("vol-create-as", "shared", over.name, "64M", "--format", "qcow2"),
        *("--backing-vol", images["lost"].name, "--backing-vol-format", "qcow2"),
    )
    try:
        done = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", "lost")
    finally:
        beta.virsh("vol-delete", over.name, "shared")
    assert done.status == 1
    assert f"{over} on beta lies over its disk vda" in done.out
    assert there(beta) == {}


def test_a_network_that_its_new_host_lacks_is_named(
    virtdeck: Command,
    home: Virtdeck,
    uris: dict[str, str],
    alpha: LabHost,
    beta: LabHost,
    guest: Callable[..., str],
    images: dict[str, Path],
) -> None:
    guest("alpha", "lost", disk=f"shared/{images['lost'].name}", wanted=Wanted.SHUT_OFF)
    xml = alpha.virsh("dumpxml", "--inactive", "lost")
    interface = "<interface type='network'><source network='far'/></interface></devices>"
    path = alpha.directory / "lost.networked.xml"
    write_file(path, xml.replace("</devices>", interface), alpha.account)
    alpha.virsh("define", str(path))
    keep(home, uris, set(), "lost")
    kill(alpha)
    try:
        refused = virtdeck("evacuate", "alpha", "--to", "beta", "--fenced", "alpha", "lost")
    finally:
        alpha.ensure_daemon()
    assert "beta has no network far, which its interface" in refused.out
    assert there(beta) == {}

"""No second copy of an instance on two real hosts: refused in words, passed by a typed name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import RefusedError
from core.lab import Lab, LabHost, Wanted
from core.lab.places import write_file
from core.model import Steer, SteerKind
from core.verbs.power.requests import Resume, Start
from tests.driver.command import Result, Virtdeck
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, opened, start, states, until
from tests.lab.networked import NetworkedHosts
from tests.lab.test_migrate_cli import Terminal

DISK = re.compile(r"<disk.*?</disk>", re.DOTALL)
Command = Callable[..., Result]


@pytest.fixture
def virtdeck(tmp_path: Path, uris: dict[str, str]) -> Command:
    home = Virtdeck(tmp_path)
    return lambda *arguments: home(*words(uris), *arguments)


def words(uris: dict[str, str]) -> list[str]:
    return [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]


@pytest.fixture
def image(alpha: LabHost, beta: LabHost) -> Iterator[str]:
    """A volume of the pool both hosts share; returns its path."""
    alpha.virsh("vol-create-as", "shared", "only-one.qcow2", "16M", "--format", "qcow2")
    beta.virsh("pool-refresh", "shared")
    yield alpha.virsh("vol-path", "only-one.qcow2", "shared").strip()
    alpha.virsh("vol-delete", "only-one.qcow2", "shared")


def define_also(lab: Lab, name: str, host: LabHost, change: Callable[[str], str]) -> None:
    """Define an instance of alpha on another host too, with its XML changed."""
    path = host.directory / f"{name}.also.xml"
    xml = lab.host("alpha").virsh("dumpxml", "--inactive", name)
    write_file(path, change(xml), host.account)
    host.virsh("define", str(path))


def test_what_runs_on_another_host_is_started_by_a_typed_name_alone(
    virtdeck: Command,
    lab: Lab,
    beta: LabHost,
    guest: Callable[..., str],
    uris: dict[str, str],
    tmp_path: Path,
) -> None:
    name = guest("alpha", "single")
    define_also(lab, name, beta, lambda xml: DISK.sub("", xml))
    for more in ([], ["--yes"]):
        refused = virtdeck("start", f"beta/{name}", *more)
        assert refused.status == 1
        assert f"{name} must not run on beta too: it runs on alpha." in refused.err
        assert f"--second-copy {name}" in refused.err
    assert virtdeck("start", f"beta/{name}", "--second-copy", "other").status == 2
    for typed, status in (("yes", 1), (name, 0)):
        assert states(lab.hosts, name) == {"alpha": "running", "beta": "shut off"}
        terminal = Terminal(Virtdeck(tmp_path), [*words(uris), "start", f"beta/{name}"])
        terminal.until(f"Lets {name} run on beta too: it runs on alpha.")
        terminal.until(f"Type {name} to go on")
        terminal.type(f"{typed}\n")
        assert terminal.end() == status
    assert states(lab.hosts, name) == {"alpha": "running", "beta": "running"}
    beta.virsh("destroy", name)
    assert virtdeck("start", f"beta/{name}", "--second-copy", name).status == 0
    assert states(lab.hosts, name) == {"alpha": "running", "beta": "running"}
    # an operator who pauses one of the two does not get it back by mistake
    assert virtdeck("pause", f"alpha/{name}").status == 0
    assert "it runs on beta" in virtdeck("resume", f"alpha/{name}").err
    assert states(lab.hosts, name) == {"alpha": "paused", "beta": "running"}


def test_a_definition_left_behind_is_started_where_the_other_is_off(
    virtdeck: Command, lab: Lab, beta: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "either", wanted=Wanted.SHUT_OFF)
    define_also(lab, name, beta, lambda xml: xml)
    assert virtdeck("start", f"beta/{name}").status == 0
    assert states(lab.hosts, name) == {"alpha": "shut off", "beta": "running"}


def test_a_disk_in_use_is_told_with_the_image_and_its_user(
    virtdeck: Command, lab: Lab, beta: LabHost, guest: Callable[..., str], image: str
) -> None:
    name = guest("alpha", "holder", disk=f"shared/{Path(image).name}")
    guest("beta", "sharer", disk=f"shared/{Path(image).name}", wanted=Wanted.SHUT_OFF)
    failed = virtdeck("start", "sharer")
    told = failed.out + failed.err
    assert failed.status == 1
    # QEMU writes the image's name after its error, and libvirt may have read that alone by then
    named = rf"(The disk image {re.escape(image)}|The image of one of its disks)"
    assert re.search(f"{named} is in use on beta: another process holds the lock", told)
    assert re.search(r"used by holder on alpha \(running\)", told)
    assert "Failed to get" not in told
    assert states(lab.hosts, name) == {"alpha": "running"}


def test_what_moved_to_a_host_that_is_out_of_reach_is_not_started_where_it_came_from(
    virtdeck: Command, lab: Lab, beta: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "moved")
    moved = virtdeck("migrate", name, "--to", "beta", "--yes", "--unsafe", "--no-undefine")
    assert moved.status == 0, moved
    assert states(lab.hosts, name) == {"alpha": "shut off", "beta": "running"}
    beta.stop_daemon()
    try:
        refused = virtdeck("start", f"alpha/{name}")
    finally:
        beta.ensure_daemon()
    assert refused.status == 1
    assert "its last migration says that it moved to beta, and that is out of reach" in refused.err
    assert states(lab.hosts, name) == {"alpha": "shut off", "beta": "running"}


@pytest.fixture
def fetcher(networked: NetworkedHosts) -> Iterator[str]:
    name = burner.start(networked, "alpha", Burner("fetcher", memory=64, writes=30, rate=2))
    yield name
    networked.mend()
    for host in networked.hosts:
        host.ensure_daemon()
    burner.remove(networked, name)


@pytest.mark.timeout(900)
async def test_after_a_cut_post_copy_ended_there_it_does_not_run_here(
    networked: NetworkedHosts, fetcher: str, tmp_path: Path
) -> None:
    journal = Path(Virtdeck(tmp_path).environment["VIRTDECK_JOURNAL"])
    here = networked.host("alpha")

    def reason() -> str:
        return here.virsh("domstate", fetcher, "--reason").strip()

    async with opened(networked.uris, journal) as fleet:
        moved = await start(
            fleet, fetcher, bandwidth=4, policy="manual", post_copy="allow",
            post_copy_bandwidth=1, undefine=False, **networked.way("beta"),
        )  # fmt: skip
        await moved.reaches(M.RUNNING)
        await moved.passes(1)
        await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POST_COPY))
        await moved.reaches(M.POST_COPY)
        networked.cut()
        await until(lambda: "post-copy failed" in reason(), "the source gives up", 120)
        with pytest.raises(RefusedError):
            await fleet.submit(Resume(moved.source))
    networked.mend()  # nobody looks on while it goes on by itself
    await until(lambda: "shut off" in reason(), "the destination has all of it", 200)
    async with opened(networked.uris, journal) as fleet:
        for request in (Start(moved.source), Resume(moved.source)):
            with pytest.raises(RefusedError, match=f"{fetcher} must not run on alpha too|shut off"):
                await fleet.submit(request)
        with pytest.raises(RefusedError, match="it runs on beta"):
            await fleet.submit(Start(moved.source))
    assert states(networked.hosts, fetcher) == {"alpha": "shut off", "beta": "running"}
    networked.host("beta").kill_daemon()
    home = Virtdeck(tmp_path)
    for verb in ("start", "resume"):
        refused = await asyncio.to_thread(home, *words(networked.uris), verb, f"alpha/{fetcher}")
        assert refused.status == 1, refused
        assert f"{fetcher} must not run on alpha too" in refused.err
    assert here.instances() == {fetcher: "shut off"}

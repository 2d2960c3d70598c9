"""No second copy of an instance on two real hosts: refused in words, passed by a typed name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.lab import Lab, LabHost, Wanted
from core.lab.places import write_file
from tests.driver.command import Result, Virtdeck
from tests.lab.migrating import states

DISK = re.compile(r"<disk.*?</disk>", re.DOTALL)
Command = Callable[..., Result]


@pytest.fixture
def virtdeck(tmp_path: Path, uris: dict[str, str]) -> Command:
    hosts = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    home = Virtdeck(tmp_path)
    return lambda *arguments: home(*hosts, *arguments)


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
    virtdeck: Command, lab: Lab, beta: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "single")
    define_also(lab, name, beta, lambda xml: DISK.sub("", xml))
    for more in ([], ["--yes"]):
        refused = virtdeck("start", f"beta/{name}", *more)
        assert refused.status == 1
        assert f"{name} must not run on beta too: it runs on alpha." in refused.err
        assert f"--second-copy {name}" in refused.err
    assert virtdeck("start", f"beta/{name}", "--second-copy", "other").status == 2
    assert states(lab.hosts, name) == {"alpha": "running", "beta": "shut off"}
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
    assert f"The disk image {image} is in use on beta: another process holds the lock" in told
    assert "It is its disk vda. It is used by holder on alpha (running)." in told
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

"""The real lab for the tests of this directory: two libvirt hosts, six guests, one per session.

Fixtures; all but `fleet` synchronous (an async test calls the slow ones by `asyncio.to_thread`):

`lab`         core.lab.Lab, up with its six guests: `lab.hosts`, `lab.root`, `lab.down()`...
`alpha`, `beta`   its hosts (core.lab.LabHost): `.uri`, `.pid` of the daemon, `.directory`, and
              `.ensure_daemon()`, which mends what a test did to a daemon.
`uris`        {"alpha": uri, "beta": uri}
`virsh`       virsh("alpha", "domstate", "web") -> its output; raises LabError when it fails
`qemu_pid`    qemu_pid("alpha", "web") -> the pid of that instance's QEMU
`guest`       guest("alpha", "stubborn", "vd.noshutdown") -> a new running guest's name; it takes
              `wanted=Wanted.SHUT_OFF` and other fields of core.lab.Guest. Gone after the test.
`booted`      booted("alpha", "web", ...): wait until the agents answer (4 to 20 s after a start)
`fleet`       core.fleet.Fleet of alpha alone, open, with a journal of the test's own
`disks`       tests.lab.scratch_disk.ScratchDisks: qcow2 files on alpha, gone after the test
`still`       still("name", "64M") -> a new paused guest's name, with a disk of its own
`networked`   tests.lab.networked.NetworkedHosts: two hosts with a network between them that can be
              cut; root only. Leave the network whole and the daemons up.
`eventually`  eventually(lambda: condition, "what is waited for", deadline=20) -> its first truth;
              `deadline` in seconds of an idle machine (tests/patience.py)
`closed_host` tests.lab.closed_clients.Host: os-brick runs there, and closed storage has a client
`conn`        libvirt's test driver, to be asked whose disk something is

The lab is shared by all tests of a run, so leave it as it was: use `guest` for whatever a test
breaks, and start what it stopped. A run with `-n 2` has a lab and networked hosts for each worker:
which tests share one, and in which order, is another every time then. Switches that
make a guest misbehave are listed in core/lab/guest/init; `IGNORE_UNPLUG` of core.lab is one more. A
guest takes seconds to boot: do not ask for `booted` unless the test needs the guest's own answer.

A run that was killed leaves its lab behind; the next run takes it down.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import libvirt
import psutil
import pytest

from core.fleet import Fleet
from core.hypervisor.calls import connecting
from core.lab import Guest, Lab, LabHost, Wanted, ensure_guest, wait_ready
from core.lab.held_states import HeldStates
from core.lab.image import ensure_image
from core.lab.places import cache_directory, exclusive
from core.lab.templates import HELD_STATES
from tests.lab.closed_clients import Host
from tests.lab.networked import NetworkedHosts
from tests.lab.one_host import opened
from tests.lab.removing import remove_instance
from tests.lab.scratch_disk import ScratchDisks, unmount_small
from tests.patience import PATIENCE
from tests.places import lab_name

T = TypeVar("T")
OWN_NAME = re.compile(r"t([0-9a-f]{6})[a-z]?")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the guest image before the clock of any single test runs."""
    if any("lab" in getattr(item, "fixturenames", ()) for item in session.items):
        ensure_image(print)


def remove_left_overs(lab: Lab) -> None:
    """Take down the labs of test runs that no longer exist."""
    for place in lab.root.parent.glob("t*"):
        matched = OWN_NAME.fullmatch(place.name)
        if matched and not psutil.pid_exists(int(matched[1], 16)):
            unmount_small(place)
            Lab(place.name).down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    the_lab = Lab(lab_name())
    with exclusive(cache_directory()):  # another worker's left-overs are the same
        remove_left_overs(the_lab)
    held = HeldStates(the_lab.root / HELD_STATES, the_lab.account)
    try:
        the_lab.up(say=print, traffic=False)  # a processor emulates several of them
        held.start()
        yield the_lab
    finally:
        held.stop()
        the_lab.down()


@pytest.fixture(scope="session")
def networked() -> Iterator[NetworkedHosts]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces are made by root")
    with NetworkedHosts() as hosts:
        yield hosts


@pytest.fixture
def closed_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{host.programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    monkeypatch.setattr(connecting, "place_of", lambda *_: host.place)
    yield host
    host.close()


@pytest.fixture
def conn() -> Iterator[libvirt.virConnect]:
    opened = libvirt.open("test:///default")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def living_daemons(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start a daemon that died by itself anew, so that it costs one test at most.

    libvirtd 9.0 now and then falls over a client that was killed (a null pointer of its own, seen
    once in some forty runs of test_ssh.py).
    """
    yield
    if "lab" in request.fixturenames:
        for host in request.getfixturevalue("lab").hosts:
            if host.pid is None:
                host.ensure_daemon()


@pytest.fixture(scope="session")
def alpha(lab: Lab) -> LabHost:
    return lab.host("alpha")


@pytest.fixture(scope="session")
def beta(lab: Lab) -> LabHost:
    return lab.host("beta")


@pytest.fixture(scope="session")
def uris(lab: Lab) -> dict[str, str]:
    return {host.name: host.uri for host in lab.hosts}


@pytest.fixture(scope="session")
def virsh(lab: Lab) -> Callable[..., str]:
    def call(host: str, *words: str) -> str:
        return lab.host(host).virsh(*words).strip()

    return call


@pytest.fixture(scope="session")
def qemu_pid(lab: Lab) -> Callable[[str, str], int]:
    def find(host: str, instance: str) -> int:
        return lab.host(host).qemu_pid(instance)

    return find


@pytest.fixture(scope="session")
def booted(lab: Lab) -> Callable[..., None]:
    def wait(host: str, *instances: str) -> None:
        wait_ready(lab.host(host), *instances)

    return wait


@pytest.fixture
def remove_guest(lab: Lab) -> Callable[[str], None]:
    """Removes a guest of a test, wherever it is by now."""

    def remove(name: str) -> None:
        remove_instance(lab.hosts, name)

    return remove


@pytest.fixture
def guest(lab: Lab, remove_guest: Callable[[str], None]) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(host: str, name: str, *switches: str, **fields: Any) -> str:
        new = Guest(name, name.title(), "Made by a test.", switches=switches, **fields)
        made.append(name)
        ensure_guest(lab.host(host), new, lab.root, lab.accelerator)
        return name

    yield make
    for name in made:
        remove_guest(name)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    def wait(condition: Callable[[], T], what: str, deadline: float = 20.0) -> T:
        until = time.monotonic() + deadline * PATIENCE
        while not (found := condition()):
            assert time.monotonic() < until, f"{what}: not within {deadline * PATIENCE} s"
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def disks(lab: Lab, alpha: LabHost) -> Iterator[ScratchDisks]:
    made = ScratchDisks(lab, alpha)
    yield made
    made.remove()


@pytest.fixture
def still(disks: ScratchDisks, guest: Callable[..., str]) -> Callable[..., str]:
    """Makes a guest that is paused before its first instruction: it writes nothing by itself.

    It is removed before its disks are.
    """

    def make(name: str, size: str = "64M") -> str:
        return guest("alpha", name, disk=disks.make(name, size), wanted=Wanted.PAUSED)

    return make

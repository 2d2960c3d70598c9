"""Every verb on real QEMU, its console killed at every point at which a call may have been made.

tests/driver/test_crash_points.py does the same on libvirt's test driver, and counts the daemon's
calls. `crash_trials.py` has how each verb is tried here.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.engine.progress import progress_of
from core.errors import LabError, VirtdeckError
from core.journal.ledger import Ledger
from core.lab import Lab, LabHost, Wanted, wait_ready
from core.model import OperationStatus
from core.verbs.registry import VERBS
from tests.driver.killed_console import KILLED, Errand, starter
from tests.lab.crash_trials import ELSEWHERE, GROUPS, KEY, LIKE_ANOTHER, WAITED_FOR, Group, Trial
from tests.lab.one_host import opened, until
from tests.lab.test_verbs import give_screen

NETWORK = """
<network>
  <name>{name}</name>
  <forward mode='bridge'/>
  <bridge name='vd-none'/>
</network>"""
ENDS = {
    "pool": ("pool-destroy", "pool-delete", "pool-undefine"),
    "network": ("net-destroy", "net-undefine"),
}
DEATHS = 3
"""More of them are no accident."""
LOOKS = 0.5
"""Seconds between two looks whether the daemon lives."""
FEWEST = 6
"""Points a verb has at least: accepted, sent, ended, each before and after its commit."""
FIRST = 4
"""The point right after it is written that a call will be sent: before it a console has asked
nothing of libvirt, whatever the verb, and what follows is tried on the test driver."""


def test_every_verb_that_is_no_workflow_is_tried() -> None:
    tried = [name for group in GROUPS.values() for name in group.trials]
    tried += [*WAITED_FOR, *LIKE_ANOTHER, *ELSEWHERE]
    assert sorted(tried) == sorted(name for name, verb in VERBS.items() if verb.decide is not None)


class Left(NamedTuple):
    """What the next console made of an operation."""

    status: OperationStatus
    told: str
    """The question it asks, or its hint."""
    calls: Counter[str]
    """Those that were sent, as the journal has them."""


class Subject:
    """What the verbs of a group are tried on, and made anew for each console."""

    def __init__(self, name: str, group: Group, alpha: LabHost, directory: Path) -> None:
        self.name = name
        self._group = group
        self._alpha = alpha
        self._xml = directory / f"{name}.xml"
        key = directory / f"{name}.pub"
        key.write_text(f"{KEY}\n")
        self._key = str(key)
        words = {"instance": ("dumpxml", "--inactive"), "network": ("net-dumpxml",)}
        if group.kind in words:
            first, *more = words[group.kind]
            self._xml.write_text(alpha.virsh(first, name, *more))
        ids = {"instance": "domuuid", "pool": "pool-uuid", "network": "net-uuid"}
        self.id = alpha.virsh(ids[group.kind], name).strip()

    def prepare(self, trial: Trial) -> None:
        """Bring it into the state in which a verb is tried."""
        {"instance": self._instance, "pool": self._pool, "network": self._network}[
            self._group.kind
        ]()
        for word, *more in trial.before:
            self._alpha.virsh(word, self.name, *(self._key if each == "{key}" else each
                                                 for each in more))  # fmt: skip
        if trial.afresh is not None:
            trial.afresh(self._alpha, self.name)

    def _instance(self) -> None:
        names = self._alpha.instances()
        if self.name not in names and f"{self.name}-renamed" in names:
            self._alpha.virsh("domrename", f"{self.name}-renamed", self.name)
        if names.get(self.name, "shut off") != "shut off" and not self._group.booted:
            self._alpha.virsh("destroy", self.name)
        if self.name in names:
            self._forget()
        if not self._group.booted:
            self._alpha.virsh("define", str(self._xml))
        elif names[self.name] != "running":
            self._alpha.virsh("start", self.name)
        if self._group.booted:
            wait_ready(self._alpha, self.name)

    def _forget(self) -> None:
        """Remove what earlier consoles made: the youngest snapshots first."""
        listed = self._alpha.virsh("snapshot-list", self.name, "--name", "--topological")
        for old in listed.split()[::-1]:
            self._alpha.virsh("snapshot-delete", self.name, old)
        with suppress(LabError):  # it has none
            self._alpha.virsh("managedsave-remove", self.name)

    def _pool(self) -> None:
        if "running" in self._alpha.virsh("pool-info", self.name):
            self._alpha.virsh("pool-destroy", self.name)

    def _network(self) -> None:
        if re.search(r"Active: +yes", self._alpha.virsh("net-info", self.name)):
            self._alpha.virsh("net-destroy", self.name)


class Daemon:
    """alpha's libvirtd, started anew where it dies of itself.

    libvirt 9.0's falls now and then over a client that was killed (`living_daemons`, conftest.py);
    here some hundred are. What was tried meanwhile proves nothing, and is tried again.
    """

    def __init__(self, alpha: LabHost) -> None:
        self._alpha = alpha
        self.deaths = 0

    async def keep(self) -> None:
        """Look for ever whether it lives."""
        while True:
            await asyncio.sleep(LOOKS)
            if self._alpha.pid is None:
                self.deaths += 1
                await asyncio.to_thread(self._alpha.ensure_daemon)


class Walk:
    """The verbs of a group, their console killed at each point."""

    def __init__(
        self, name: str, lab: Lab, daemon: Daemon, uris: dict[str, str], directory: Path
    ) -> None:
        alpha = lab.host("alpha")
        self._daemon = daemon
        self._group = GROUPS[name]
        self._lab, self._alpha, self._uris = lab, alpha, uris
        self._directory = directory
        self._subject = Subject(subject_of(name), self._group, alpha, directory)

    async def run(self) -> list[str]:
        """Return what was wrong."""
        wrong: list[str] = []
        with starter() as self._consoles:
            for verb, trial in self._group.trials.items():
                wrong += await self._through(verb, trial)
        return wrong

    async def _through(self, verb: str, trial: Trial) -> list[str]:
        wrong: list[str] = []
        for point in count(FIRST):
            status, left, trouble = await self._at(verb, trial, point)
            if trouble:
                wrong.append(f"{verb} killed at point {point}: {trouble} ({left})")
            if status != KILLED:
                if (status, left and left.status) != (0, OperationStatus.DONE):
                    wrong.append(f"{verb} is not carried out at all: {status}, {left}")
                if point <= FEWEST:
                    wrong.append(f"{verb} has too few points: {point}")
                return wrong
        raise AssertionError

    async def _at(self, verb: str, trial: Trial, point: int) -> tuple[int, Left | None, str]:
        """Kill a console at a point; once more where the daemon died of itself meanwhile."""
        for attempt in count():
            deaths = self._daemon.deaths
            try:
                status, left, shown = await self._once(verb, trial, point, attempt)
                trouble = trouble_with(left, shown=shown)
            except (VirtdeckError, TimeoutError) as error:
                status, left, trouble = 0, None, repr(error)
                await asyncio.sleep(2 * LOOKS)  # a death is seen by then
            if not trouble or self._daemon.deaths == deaths:
                return status, left, trouble
        raise AssertionError

    async def _once(
        self, verb: str, trial: Trial, point: int, attempt: int
    ) -> tuple[int, Left | None, bool | None]:
        await asyncio.to_thread(self._subject.prepare, trial)
        journal = self._directory / f"{self._subject.name}-{verb}-{point}-{attempt}.sqlite3"
        status = await self._consoles.run(self._errand(verb, trial, point, journal))
        left = await self._look_after(verb, journal)
        shown = None
        if trial.shows is not None:
            shown = await asyncio.to_thread(trial.shows, self._alpha, self._subject.name)
        return status, left, shown

    def _errand(self, verb: str, trial: Trial, point: int, journal: Path) -> Errand:
        words = {
            "directory": self._directory,
            "lab": self._lab.root,
            "name": self._subject.name,
            "point": point,
        }
        options = {
            name: value.format(**words) if isinstance(value, str) else value
            for name, value in trial.options.items()
        }
        subject = self._subject.id + (f"/{trial.snapshot}" if trial.snapshot else "")
        return Errand(self._uris["alpha"], str(journal), verb, subject, options, point)

    async def _look_after(self, verb: str, journal: Path) -> Left | None:
        """Have the next console end what is left; None: there is no entry."""
        async with opened(self._uris, journal) as fleet:
            await until(lambda: all(
                one.status.final or one.status is OperationStatus.ASKING
                for one in fleet.state.operations.values()
            ))  # fmt: skip
            records = list(fleet.state.operations.values())
        ledger = Ledger.open(journal)
        entries = ledger.recent(10)
        ledger.close()
        if not entries:
            assert not records
            return None
        progress = progress_of(VERBS[verb], entries[0].progress)
        assert progress is not None
        calls = Counter(repr(sent.call) for sent in progress.sent)
        for sent in progress.sent:
            if sent.call.repeatable:
                calls[repr(sent.call)] = 1
        last = records[0]
        return Left(last.status, last.question.text if last.question else last.hint, calls)


def trouble_with(left: Left | None, *, shown: bool | None) -> str:
    """Return what is wrong with how it was left; empty: nothing. `shown` None: nothing tells."""
    if left is None:
        return "a call was made without an entry" if shown else ""
    if max(left.calls.values(), default=0) > 1:
        return "a call was made twice"
    if left.status in (OperationStatus.UNKNOWN, OperationStatus.ASKING):
        if shown:
            return "libvirt shows what became of it"
        return "" if left.told else "it asks the operator nothing"
    done = left.status is OperationStatus.DONE
    if done and not left.calls:
        return "it is called done, and nothing was sent"
    return f"it is {left.status}, and libvirt shows otherwise" if shown not in (None, done) else ""


def subject_of(group: str) -> str:
    """Return the name of a group's subject."""
    return f"k-{re.sub('[^a-z]+', '-', group)}"


@pytest.fixture
def subjects(
    alpha: LabHost,
    guest: Callable[..., str],
    remove_guest: Callable[[str], None],
    tmp_path: Path,
) -> Iterator[list[str]]:
    """A subject for each group; returns the groups' names."""
    for name, group in GROUPS.items():
        subject = subject_of(name)
        if group.kind == "instance":
            wanted = Wanted.RUNNING if group.booted else Wanted.SHUT_OFF
            volume = f"{subject}.qcow2" if group.disk else ""
            if volume:
                alpha.virsh("vol-create-as", "default", volume, "16M", "--format", "qcow2")
            guest("alpha", subject, wanted=wanted, disk=volume and f"default/{volume}")
        elif group.kind == "pool":
            place = str(alpha.directory / subject)
            alpha.virsh("pool-define-as", subject, "dir", "--target", place)
            alpha.virsh("pool-build", subject)
            alpha.virsh("pool-start", subject)  # what is in one that is off is not known
        else:
            file = tmp_path / f"{subject}.xml"
            file.write_text(NETWORK.format(name=subject))
            alpha.virsh("net-define", str(file))
        if group.screen:
            give_screen(alpha, subject, tmp_path)
    yield list(GROUPS)
    for name, group in GROUPS.items():
        subject = subject_of(name)
        for word in ENDS.get(group.kind, ()):
            with suppress(LabError):  # it may be inactive
                alpha.virsh(word, subject)
        if group.disk:
            remove_guest(subject)
            for path in alpha.pool.glob(f"{subject}.*"):
                path.unlink()
            alpha.virsh("pool-refresh", "default")


@pytest.mark.timeout(2700)  # some hundred consoles: each wait in it has an end of its own
async def test_a_console_killed_at_any_point_leaves_what_the_next_one_can_end(
    subjects: list[str],
    lab: Lab,
    alpha: LabHost,
    uris: dict[str, str],
    tmp_path: Path,
    remove_guest: Callable[[str], None],
) -> None:
    daemon = Daemon(alpha)
    keeping = asyncio.create_task(daemon.keep())
    walks = {name: Walk(name, lab, daemon, uris, tmp_path) for name in subjects}
    # While a pool is off nobody can tell whether a volume is needed: its group comes after.
    pools = [walks.pop(name) for name in subjects if GROUPS[name].kind == "pool"]
    found: list[list[str] | BaseException] = []
    for together in (walks.values(), pools):
        walking = (walk.run() for walk in together)
        found += await asyncio.gather(*walking, return_exceptions=True)
    keeping.cancel()
    remove_guest(f"{subject_of('definition')}-renamed")
    wrong: list[Any] = []
    for one in found:
        wrong += [repr(one)] if isinstance(one, BaseException) else one
    assert not wrong, "\n".join(map(str, wrong))
    assert daemon.deaths <= DEATHS, "libvirtd dies of what is tried here"

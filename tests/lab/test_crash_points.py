"""Some verbs on real QEMU, their console killed at every point of its journal.

tests/driver/test_crash_points.py has every verb, and says what is looked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from core.engine.progress import progress_of
from core.journal.ledger import Ledger
from core.lab import LabHost, Wanted
from core.model import OperationStatus
from core.verbs.registry import VERBS
from tests.driver.killed_console import KILLED, Errand, Starter, starter
from tests.lab.test_power import opened, until


class Trial(NamedTuple):
    """What a verb needs before it, and what libvirt shows after it."""

    before: tuple[tuple[str, ...], ...]
    """virsh commands, after one that cuts its power."""
    shows: Callable[[LabHost, str], bool]
    options: dict[str, Any]
    booted: bool = False
    """It is for a guest whose agent answers: it stays on from one point to the next."""
    snapshot: str = ""
    """The subject, where it is a snapshot."""
    unseen: bool = False
    """Nothing that libvirt shows tells that it was carried out: the operator is asked."""


def _is(word: str) -> Callable[[LabHost, str], bool]:
    return lambda alpha, name: alpha.instances()[name] == word


def _has_both_vcpus(alpha: LabHost, name: str) -> bool:
    tree = etree.fromstring(alpha.virsh("dumpxml", name))
    return str(tree.xpath("string(/domain/vcpu/@current)")) in ("", "2")


def _is_titled_everywhere(alpha: LabHost, name: str) -> bool:
    xmls = alpha.virsh("dumpxml", name), alpha.virsh("dumpxml", "--inactive", name)
    return all("<title>new</title>" in xml for xml in xmls)


def _has_less_memory_next(alpha: LabHost, name: str) -> bool:
    tree = etree.fromstring(alpha.virsh("dumpxml", "--inactive", name))
    return str(tree.xpath("string(/domain/currentMemory)")) == str(80 << 10)


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3fPPQl1bBzYvd0kR7dQ2n8v5WqQm0J6s1o9mJv3Q0T op@deck"


def _opens_with_the_key(alpha: LabHost, name: str) -> bool:
    return KEY in alpha.virsh("get-user-sshkeys", name, "root")


def _has_the_snapshot(alpha: LabHost, name: str) -> bool:
    return "one" in alpha.virsh("snapshot-list", name, "--name").split()


def _has_it_and_is_thawed(alpha: LabHost, name: str) -> bool:
    status = alpha.virsh("qemu-agent-command", name, '{"execute":"guest-fsfreeze-status"}')
    assert "thawed" in status, "its guest is left frozen"
    return _has_the_snapshot(alpha, name)


def _goes_on_from_the_first(alpha: LabHost, name: str) -> bool:
    return alpha.virsh("snapshot-current", name, "--name").strip() == "one"


TRIALS = {
    "start": Trial((), _is("running"), {}),
    "pause": Trial((("start",),), _is("paused"), {}),
    "resume": Trial((("start", "--paused"),), _is("running"), {}),
    "stop": Trial((("start",),), _is("shut off"), {}),
    "set-vcpus": Trial((("start", "--paused"),), _has_both_vcpus, {"count": 2, "when": "now"}),
    "title": Trial(
        (("desc", "--config", "--title", "--new-desc", "old"), ("start", "--paused")),
        _is_titled_everywhere,
        {"text": "new"},
    ),
    "set-memory": Trial(
        (("setmem", "90M", "--config"), ("start", "--paused")),
        _has_less_memory_next,
        {"size": 80, "when": "next-start"},
    ),
    "add-ssh-key": Trial(
        (("set-user-sshkeys", "root", "--reset"),), _opens_with_the_key, {"key": KEY}, booted=True
    ),
}

SNAPSHOT_TRIALS = {
    "snapshot-create": Trial(
        (),
        _has_it_and_is_thawed,
        {"name": "one", "where": "external", "quiesce": True},
        booted=True,
    ),
    "snapshot-revert": Trial(
        (("start", "--paused"), ("snapshot-create-as", "one"), ("snapshot-create-as", "two")),
        _goes_on_from_the_first,
        {},
        snapshot="one",
        unseen=True,  # it may have been the current one before
    ),
    "snapshot-delete": Trial(
        (("start", "--paused"), ("snapshot-create-as", "one", "--disk-only")),
        lambda alpha, name: not _has_the_snapshot(alpha, name),
        {},
        snapshot="one",
    ),
}
"""Of one guest, one after the other."""


async def walk(
    trial: Trial, verb: str, name: str, alpha: LabHost, uris: dict[str, str], directory: Path,
    consoles: Starter,
) -> list[str]:  # fmt: skip
    """Kill the console of a verb at each point; returns what was wrong."""
    wrong: list[str] = []
    uuid = alpha.virsh("domuuid", name).strip()
    subject = f"{uuid}/{trial.snapshot}" if trial.snapshot else uuid
    for point in count(1):
        for old in alpha.virsh("snapshot-list", name, "--name", "--topological").split()[::-1]:
            await asyncio.to_thread(alpha.virsh, "snapshot-delete", name, old)
        if alpha.instances()[name] != "shut off" and not trial.booted:
            await asyncio.to_thread(alpha.virsh, "destroy", name)
        for word, *more in trial.before:
            await asyncio.to_thread(alpha.virsh, word, name, *more)
        journal = directory / f"{verb}-{point}.sqlite3"
        errand = Errand(uris["alpha"], str(journal), verb, subject, trial.options, point)
        status = await consoles.run(errand)
        ended = await _look_after(verb, uris, journal)
        shown = trial.shows(alpha, name)
        again = _may_be_sent_again(verb)
        if trouble := _trouble(ended, shown=shown, again=again, unseen=trial.unseen):
            wrong.append(f"{verb} killed at point {point}: {trouble}")
        if status != KILLED:
            assert (status, ended and ended[0]) == (0, OperationStatus.DONE), (verb, status, ended)
            assert point > 6, f"{verb} has too few points: {point}"
            return wrong
    raise AssertionError


async def _look_after(
    verb: str, uris: dict[str, str], journal: Path
) -> tuple[OperationStatus, str, int] | None:
    """Return how the next console ends it, its hint or question, and how often it sent the call."""
    async with opened(uris, journal) as fleet:
        await until(lambda: all(
            one.status.final or one.question is not None
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
    times = Counter(repr(sent.call) for sent in progress.sent)
    last = records[0]
    asked = "" if last.question is None else last.question.text
    return last.status, asked or last.hint, max(times.values(), default=0)


def _may_be_sent_again(verb: str) -> bool:
    return any(call.repeatable for call in VERBS[verb].calls)


def _trouble(
    ended: tuple[OperationStatus, str, int] | None, *, shown: bool, again: bool, unseen: bool
) -> str:
    if ended is None:
        return "a call was made without an entry" if shown else ""
    status, hint, times = ended
    if times > 1 and not again:
        return "a call was made twice"
    if status in (OperationStatus.UNKNOWN, OperationStatus.ASKING):
        if shown and not unseen:
            return "libvirt shows what became of it"
        return "" if hint else "it asks the operator nothing"
    done = status is OperationStatus.DONE
    return "" if done == shown else f"it is {status}, and libvirt shows otherwise"


async def test_a_console_killed_at_any_point_leaves_what_the_next_one_can_end(
    uris: dict[str, str],
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
    tmp_path: Path,
) -> None:
    for verb, trial in TRIALS.items():
        guest("alpha", f"k-{verb}", wanted=Wanted.RUNNING if trial.booted else Wanted.SHUT_OFF)
        if trial.booted:
            await asyncio.to_thread(booted, "alpha", f"k-{verb}")
    with starter() as consoles:
        walks = (
            walk(trial, verb, f"k-{verb}", alpha, uris, tmp_path, consoles)
            for verb, trial in TRIALS.items()
        )
        wrong = await asyncio.gather(*walks)
    found = [text for texts in wrong for text in texts]
    assert not found, "\n".join(found)


async def test_a_console_killed_at_any_point_of_a_snapshot_leaves_what_the_next_one_can_end(
    uris: dict[str, str],
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
    tmp_path: Path,
) -> None:
    name = guest("alpha", "k-snapshots", disk="default/clone.qcow2")
    await asyncio.to_thread(booted, "alpha", name)
    found = []
    with starter() as consoles:
        for verb, trial in SNAPSHOT_TRIALS.items():
            found += await walk(trial, verb, name, alpha, uris, tmp_path, consoles)
    assert not found, "\n".join(found)

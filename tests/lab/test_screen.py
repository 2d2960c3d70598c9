"""The console on the lab, as an operator sees it: what others do, what breaks, what is asked for.

Everything is changed from outside, by virsh or by a signal, and read from the rendered lines.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from console import format as fmt
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import Instance, InstanceState, ObjectKey, OperationStatus
from core.verbs.power.requests import Pause
from tests.bench.terminal import Terminal
from tests.lab.full_disk import FullDisk
from tests.lab.screen_pilot import OPTIONS, SECONDS, Operator, at_console
from tests.patience import PATIENCE

Virsh = Callable[..., str]
Guest = Callable[..., str]
QemuPid = Callable[[str, str], int]
Outage = Callable[[LabHost], AbstractContextManager[None]]

CRASH = "! Its hypervisor process ended unexpectedly."


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
async def console(uris: dict[str, str], journal: Path) -> AsyncIterator[Operator]:
    async with at_console(uris, journal) as operator:
        yield operator


# -- what others do ---------------------------------------------------------------------------


async def drive(console: Operator, guest: Guest, virsh: Virsh, qemu_pid: QemuPid) -> None:
    """Take a new guest through its states from outside, and watch its row."""

    async def does(*words: str) -> None:
        await asyncio.to_thread(virsh, "alpha", *words)

    await asyncio.to_thread(guest, "alpha", "driven", wanted=Wanted.SHUT_OFF)
    await console.sees_row("driven", "alpha", "○ shutoff")
    await does("start", "driven")
    await console.sees_row("driven", "● running")
    await does("suspend", "driven")
    await console.sees_row("driven", "◐ paused", "(user)")
    await does("resume", "driven")
    await console.sees_row("driven", "● running", without="(")
    await does("destroy", "driven")
    await console.sees_row("driven", "○ shutoff", without="!")
    await does("start", "driven")
    await console.sees_row("driven", "● running")
    os.kill(await asyncio.to_thread(qemu_pid, "alpha", "driven"), signal.SIGKILL)
    await console.sees_row("driven", "○ shutoff", CRASH[:22])
    await console.sees_header("! 1 alert")
    await does("start", "driven")
    await console.sees_row("driven", "● running", without="!")
    await console.sees_header("virtdeck", without="alert")


async def test_what_virsh_does_and_a_killed_process_are_seen(
    console: Operator, guest: Guest, virsh: Virsh, qemu_pid: QemuPid
) -> None:
    await drive(console, guest, virsh, qemu_pid)
    await console.press("5")
    await console.show_only("name:driven")
    for words, times in {
        "driven was defined": 1,
        "driven started": 3,
        "driven was paused": 1,
        "driven was stopped": 1,
        "! driven failed: its hypervisor process ended": 1,
        "driven runs again": 4,  # QEMU's vCPUs start before libvirt calls an instance started
    }.items():
        await console.until(lambda: console.count(words) == times, f"{times} x {words}")  # noqa: B023
    await asyncio.to_thread(virsh, "alpha", "destroy", "driven")
    await asyncio.to_thread(virsh, "alpha", "undefine", "driven")
    await console.sees("driven was undefined")
    await console.press("1")
    await console.sees_no_row("driven")


async def test_the_same_is_seen_on_a_small_terminal(
    uris: dict[str, str], journal: Path, guest: Guest, virsh: Virsh, qemu_pid: QemuPid
) -> None:
    async with at_console(uris, journal, size=(80, 24)) as console:
        await drive(console, guest, virsh, qemu_pid)


async def test_a_guest_that_powers_off_on_request_is_off_without_an_alert(
    console: Operator, guest: Guest, virsh: Virsh, booted: Callable[..., None]
) -> None:
    await asyncio.to_thread(guest, "beta", "leaving")
    await asyncio.to_thread(booted, "beta", "leaving")
    # not through the agent as well: a guest that obeys at once is gone when libvirt asks again
    await asyncio.to_thread(virsh, "beta", "shutdown", "leaving", "--mode", "acpi")
    await console.sees_row("leaving", "○ shutoff", without="!")
    await console.press("5")
    await console.show_only("name:leaving")
    await console.sees("leaving is shutting down, as its guest wants")
    await console.sees("leaving shut down")


async def test_a_panic_is_seen_until_the_guest_is_gone(
    console: Operator, guest: Guest, virsh: Virsh
) -> None:
    await asyncio.to_thread(guest, "beta", "panics", "vd.panic=1")
    await console.sees_row("panics", "✗ crashed", "! The guest panicked.")
    await console.sees_header("! 1 alert")
    await console.press("5")
    await console.sees("! panics panicked")
    await console.press("1")
    await asyncio.to_thread(virsh, "beta", "destroy", "panics")
    await console.sees_row("panics", "○ shutoff", without="!")
    await console.sees_header("virtdeck", without="alert")


@pytest.fixture
def full_disk(lab: Lab, alpha: LabHost, remove_guest: Callable[[str], None]) -> Iterator[FullDisk]:
    """An image on a full disk."""
    disk = FullDisk(lab, alpha)
    yield disk
    remove_guest("writer")
    disk.remove()


async def test_a_full_disk_is_seen_until_there_is_room(
    console: Operator, virsh: Virsh, full_disk: FullDisk
) -> None:
    await asyncio.to_thread(full_disk.start, "writer")
    await console.sees_row("writer", "◐ paused", "! No space left on vda:")
    await console.press("5")
    await console.show_only("name:writer")
    await console.sees("! writer was paused by an I/O error")
    await console.sees("! writer has no space left on")
    await console.press("1")
    await asyncio.to_thread(virsh, "alpha", "resume", "writer")  # it still is full
    await console.press("5")
    await console.until(
        lambda: console.count("was paused by an I/O error") > 1, "paused again, and told"
    )
    await console.press("1")
    await console.sees_row("writer", "◐ paused", "! No space left on vda:")
    await asyncio.to_thread(virsh, "alpha", "destroy", "writer")
    await console.sees_row("writer", "○ shutoff", without="!")
    await asyncio.to_thread(full_disk.make_room, "writer")
    await asyncio.to_thread(virsh, "alpha", "start", "writer")
    await console.sees_row("writer", "● running", without="!")
    await console.sees_header("virtdeck", without="alert")


# -- a host that is lost ----------------------------------------------------------------------


@contextmanager
def killed(host: LabHost) -> Iterator[None]:
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    try:
        yield
    finally:
        host.ensure_daemon()


@contextmanager
def frozen(host: LabHost) -> Iterator[None]:
    pid = host.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def fresh_listing(uris: dict[str, str]) -> dict[ObjectKey, Instance]:
    """The instances as somebody sees them who has only just come."""
    hosts = [f"{name}={uri}" for name, uri in uris.items()]
    async with Fleet.open(hosts, options=OPTIONS, operations=False) as fleet:
        assert await fleet.ready(SECONDS)
        return dict(fleet.state.instances)


def briefly(instances: dict[ObjectKey, Instance]) -> set[tuple[object, ...]]:
    return {(key, one.name, one.state, one.id) for key, one in instances.items()}


async def equals_a_fresh_listing(console: Operator, uris: dict[str, str]) -> None:
    fresh = await fresh_listing(uris)
    await console.until(
        lambda: briefly(dict(console.app.view.state.instances)) == briefly(fresh),
        f"the picture of a fresh listing: {briefly(fresh)}",
    )
    for one in fresh.values():
        sign = fmt.instance_state(one.state)
        await console.sees_row(one.name, one.host, f"{sign.glyph} {sign.word}", without="as of")


def colours(console: Operator, name: str) -> set[object]:
    """The colours of an instance's row; one that is greyed has a single one."""
    strip = console.strip(name)
    return {part.style.color for part in strip if part.style and part.text.strip()}


async def rates_move(console: Operator, name: str) -> None:
    """Wait for three more samples of an instance, each later than the one before."""
    state = console.app.view.state
    key = next(key for key, one in state.instances.items() if one.name == name)

    def sampled() -> float:
        rates = console.app.view.state.rates.get(key)
        return rates.at if rates else 0.0

    for _ in range(3):
        before = sampled()
        await console.until(lambda: sampled() > before, f"a newer sample of {name}")  # noqa: B023


@pytest.mark.parametrize("outage", [killed, frozen])
async def test_a_lost_daemon_greys_its_rows_and_nothing_is_lost_or_doubled(
    outage: Outage,
    console: Operator,
    uris: dict[str, str],
    alpha: LabHost,
    guest: Guest,
    virsh: Virsh,
    qemu_pid: QemuPid,
) -> None:
    await asyncio.to_thread(guest, "alpha", "dies")
    await asyncio.to_thread(guest, "beta", "steady")
    await console.sees_row("dies", "● running")
    await console.sees_row("steady", "● running")
    qemu = await asyncio.to_thread(qemu_pid, "alpha", "dies")
    with outage(alpha):
        await console.sees_header("alpha down", "beta up", "alert")
        await console.sees_row("dies", "● running", "as of")
        await console.sees_row("cache", "◐ paused", "as of")
        assert len(colours(console, "dies")) == 1
        assert len(colours(console, "steady")) > 1
        os.kill(qemu, signal.SIGKILL)
        for _ in range(3):
            await asyncio.to_thread(virsh, "beta", "suspend", "steady")
            await console.sees_row("steady", "◐ paused")
            await asyncio.to_thread(virsh, "beta", "resume", "steady")
            await console.sees_row("steady", "● running")
        await rates_move(console, "steady")
        await console.click_header("! 1 alert")  # leads to what is wrong
        await console.sees("why", "alpha")
        await console.press("1")
    await console.sees_header("alpha up", "beta up")
    await console.sees_row("dies", "○ shutoff", CRASH[:22])
    await console.sees_row("cache", "◐ paused", without="as of")
    await equals_a_fresh_listing(console, uris)
    await console.press("ctrl+r")  # whatever would be told twice has been, then
    await console.sees("Everything read again.")
    await console.press("5")
    await console.show_only("host:beta")
    assert console.count("found") == 0
    await console.show_only("name:steady")
    assert console.count("steady was paused") == 3
    assert console.count("steady runs again") == 4  # once when it was started
    await console.show_only("name:dies")
    # The daemon tells it, or a listing finds it: whichever comes first, and only that one.
    deaths = console.count("! dies failed") + console.count("! dies", "found: running -> shutoff")
    assert deaths == 1, "\n".join(console.lines())
    await console.show_only("host:alpha")
    assert console.count("! alpha is unreachable") == 1
    assert console.count("alpha is connected") == 2


# -- what is asked for here -------------------------------------------------------------------


async def test_operations_from_the_screen_ask_act_and_tell(
    console: Operator, guest: Guest, alpha: LabHost
) -> None:
    for name in ("pair-one", "pair-two"):
        await asyncio.to_thread(guest, "alpha", name)
        await console.sees_row(name, "● running")
    await console.show_only("name:pair-one")
    await console.press("o")
    await console.sees("Start: not possible")
    await console.sees("pair-one is already running")
    await console.press("p")
    await console.confirm("Pause pair-one on alpha?", "y")
    await console.sees_row("pair-one", "◐ paused")
    await console.sees("pair-one is paused")
    assert alpha.instances()["pair-one"] == "paused"
    await console.press("u")
    await console.sees_row("pair-one", "● running")

    await console.show_only("name:pair")
    await console.press("asterisk", "p")
    await console.confirm("Pause 2 instances?", "y")
    for name in ("pair-one", "pair-two"):
        await console.sees_row(name, "◐ paused")
    await console.press("escape")

    await console.show_only("name:pair-two")
    await console.press("F")
    await console.confirm("Force off pair-two on alpha?", *"pair-two", "enter")
    await console.sees_row("pair-two", "○ shutoff", without="!")
    assert alpha.instances()["pair-two"] == "shut off"

    await console.press("4")
    for words, times in {
        ("pause", "pair-one", "done", "pair-one is paused"): 2,
        ("pause", "pair-two", "done", "pair-two is paused"): 1,
        ("resume", "pair-one", "done", "pair-one is running"): 1,
        ("stop", "pair-two", "done", "pair-two is shut off"): 1,
    }.items():
        await console.until(lambda: console.count(*words) == times, f"{times} x {words}")  # noqa: B023
    asked = [row.verb for row in console.app.view.state.operations.values()]
    assert "start" not in asked, "a refused question is no operation"


async def test_a_second_console_sees_the_operations_of_the_first_and_the_other_way_round(
    console: Operator, uris: dict[str, str], journal: Path, guest: Guest
) -> None:
    await asyncio.to_thread(guest, "alpha", "common")
    await console.sees_row("common", "● running")
    await console.show_only("name:common")
    async with Fleet.open([f"alpha={uris['alpha']}"], options=OPTIONS, journal=journal) as other:
        assert await other.ready(SECONDS)
        await console.press("p")
        await console.confirm("Pause common on alpha?", "y")

        def records() -> list[tuple[str, str, OperationStatus]]:
            found = other.state.operations.values()
            return [(one.verb, one.name, one.status) for one in found]

        done = OperationStatus.DONE
        await console.until(lambda: records() == [("pause", "common", done)], "it, over there")
        await console.press("u")
        await console.sees_row("common", "● running")
        key = next(key for key, one in other.state.instances.items() if one.name == "common")
        running = InstanceState.RUNNING
        await console.until(lambda: other.state.instances[key].state is running, "runs, there")
        await console.until(lambda: len(records()) == 2 and records()[1][2] is done, "resumed")
        await (await other.submit(Pause(key)))
        await console.sees_row("common", "◐ paused")
        await console.press("4")
        both = ("pause", "common", "alpha", "done")
        await console.until(lambda: console.count(*both) == 2, "both pauses")
        assert console.count("resume", "common", "alpha", "done") == 1


async def test_a_shutdown_from_the_screen_is_watched_until_the_guest_is_off(
    console: Operator, guest: Guest, booted: Callable[..., None]
) -> None:
    await asyncio.to_thread(guest, "beta", "obedient", "vd.slow=2")
    await asyncio.to_thread(booted, "beta", "obedient")
    await console.show_only("name:obedient")
    await console.sees_row("obedient", "● running")
    await console.press("f")
    await console.confirm("Shut down obedient on beta?", "y")
    await console.sees_row("obedient", "● running", "shutting down")
    await console.sees_row("obedient", "○ shutoff", without="!")
    await console.sees("obedient is shut off")


# -- leaving ----------------------------------------------------------------------------------


def seconds_to_leave(terminal: Terminal) -> float:
    """Press q and wait until the process is gone."""
    over = os.WEXITED | os.WNOHANG | os.WNOWAIT
    asked = time.monotonic()
    terminal.press("q")
    while os.waitid(os.P_PID, terminal.pid, over) is None:
        terminal.feed(0.01)
        assert time.monotonic() < asked + SECONDS, "\n".join(terminal.screen.display)
    return time.monotonic() - asked


def shows(terminal: Terminal, *words: str) -> None:
    """Wait until all of the words are on the screen."""
    seen = terminal.wait(lambda lines: all(word in "\n".join(lines) for word in words), SECONDS)
    assert seen, "\n".join(terminal.screen.display)


def test_a_hung_host_does_not_keep_anybody_from_leaving(
    uris: dict[str, str], tmp_path: Path, alpha: LabHost
) -> None:
    hosts = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    own = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    with Terminal(["-m", "console", *hosts], environment=own) as terminal:
        shows(terminal, "alpha up", "beta up", "web", "mail")
        healthy = seconds_to_leave(terminal)
    with Terminal(["-m", "console", *hosts], environment=own) as terminal:
        shows(terminal, "alpha up", "beta up", "web", "mail")
        with frozen(alpha):
            # Read everything again: now a call is under way that will not return.
            terminal.press("\x122")
            shows(terminal, "HYPERVISOR")
            # The machine's own slowness is in both; the call would be waited for for half a minute.
            assert seconds_to_leave(terminal) < healthy + PATIENCE

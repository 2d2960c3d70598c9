"""Putting pools, volumes and guests into running hosts: only what is not there yet.

A guest is looked for on every host first, because an operator may have migrated it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil

from core.errors import LabError
from core.lab.command import run
from core.lab.guests import DEFAULT_VOLUMES, GUESTS, SHARED_VOLUMES, Guest, GuestVolume, Wanted
from core.lab.host import LabHost
from core.lab.places import write_file
from core.lab.templates import instance_xml, pool_xml

BOOT_CPU = 120.0
"""Seconds of CPU time in which a guest boots: emulated it takes about ten, one that writes more."""
HANG = 900.0
"""Seconds after which a guest that uses no CPU time is taken to hang."""
AGENT_POLL = 0.3
"""Seconds between two questions to an agent that is not there yet; each is one cheap call."""

Say = Callable[[str], None]
_OFF = ("shut off", "crashed")


def make_volumes(hosts: Sequence[LabHost], root: Path) -> None:
    """Create the volume files that are missing, as the lab's user. Needs no daemon."""
    _make_in(root / "shared", SHARED_VOLUMES, hosts[0])
    for host in hosts:
        _make_in(host.pool, DEFAULT_VOLUMES[host.name], host)


def _make_in(directory: Path, volumes: Iterable[GuestVolume], host: LabHost) -> None:
    """Create missing volumes in a directory, backing files before their overlays."""
    for volume in sorted(volumes, key=lambda volume: volume.backing != ""):
        path = directory / volume.name
        if path.exists():
            continue
        words = [*host.account.prefix(), "qemu-img", "create", "-q", "-f", volume.format]
        if volume.backing:
            words += ["-b", volume.backing, "-F", "qcow2"]
        run([*words, path, f"{volume.size}M"], cwd=directory)


def guests_of(traffic: bool) -> Mapping[str, Sequence[Guest]]:
    """Return the guests of each host; without `traffic` the most they do is write memory."""
    if traffic:
        return GUESTS

    def calm(guest: Guest) -> Guest:
        kept = (one for one in guest.switches if not one.startswith(("vd.ping=", "vd.disk=")))
        return replace(guest, switches=tuple(kept))

    return {host: tuple(calm(guest) for guest in guests) for host, guests in GUESTS.items()}


def furnish(
    hosts: Sequence[LabHost],
    root: Path,
    accelerator: str,
    guests: Mapping[str, Sequence[Guest]],
    say: Say,
) -> None:
    """Define and start the pools and the guests of each host. Raises LabError."""
    with ThreadPoolExecutor(4, "lab") as pool:
        list(pool.map(lambda host: ensure_pools(host, root / "shared"), hosts))
        if not guests:
            return
        present = find_guests((host, host.instances()) for host in hosts)
        jobs = []
        for host in hosts:
            for guest in guests[host.name]:
                where, state = present.get(guest.name, (host, ""))
                jobs.append(pool.submit(ensure_guest, where, guest, root, accelerator, state))
        done = [line for line in (job.result() for job in jobs) if line]
    for line in done:
        say(line)


def find_guests(
    listed: Iterable[tuple[LabHost, dict[str, str]]],
) -> dict[str, tuple[LabHost, str]]:
    """Where each guest is, and virsh's word for its state: where it is active, if it is anywhere.

    A migration may leave a definition behind: starting that one would make a second copy.
    """
    found: dict[str, tuple[LabHost, str]] = {}
    for host, states in listed:
        for name, state in states.items():
            if name not in found or found[name][1] in _OFF:
                found[name] = (host, state)
    return found


def ensure_pools(host: LabHost, shared: Path) -> None:
    """Have the pools `default` and `shared` defined, running and up to date."""
    listed = (line.split() for line in host.virsh("pool-list", "--all").splitlines())
    known = {words[0]: words[1] for words in listed if words}
    for name, path in (("default", host.pool), ("shared", shared)):
        if name not in known:
            xml = host.directory / f"{name}.xml"
            write_file(xml, pool_xml(name, path), host.account)
            host.virsh("pool-define", str(xml))
        if known.get(name) == "active":
            host.virsh("pool-refresh", name)
        else:
            host.virsh("pool-start", name)


def ensure_guest(host: LabHost, guest: Guest, root: Path, accelerator: str, state: str = "") -> str:
    """Bring a guest to its wanted state; `state` is virsh's word for what it is, "" for absent.

    Returns a line that says what was done, or "" when it was fine. What an operator did to a
    guest that still runs is left alone.
    """
    shut_off = state in _OFF
    if state and not (shut_off and guest.wanted in (Wanted.RUNNING, Wanted.PAUSED)):
        return ""
    if not state:
        path = host.directory / f"{guest.name}.xml"
        xml = instance_xml(guest, root, _disk(host, guest, root), accelerator)
        write_file(path, xml, host.account)
        host.virsh("create" if guest.wanted == Wanted.TRANSIENT else "define", str(path))
    if guest.wanted == Wanted.RUNNING:
        host.virsh("start", guest.name)
    elif guest.wanted == Wanted.PAUSED:
        host.virsh("start", guest.name, "--paused")
    done = "defined" if guest.wanted == Wanted.SHUT_OFF else "started"
    return f"{guest.name} is {done} on {host.name}"


def _disk(host: LabHost, guest: Guest, root: Path) -> Path | None:
    """The file of a guest's disk, or None for a guest without one."""
    pool, _, volume = guest.disk.partition("/")
    if not volume:
        return None
    return (root / "shared" if pool == "shared" else host.pool) / volume


def wait_ready(host: LabHost, *instances: str, deadline: float = HANG) -> None:
    """Block until the agent of each named instance answers, which means that it has booted.

    Waits for as long as they get on: a guest has failed when its QEMU is gone or has used
    `BOOT_CPU`, not when the machine is busy. `deadline` in seconds for all of them together is for
    a guest that hangs idle. Raises LabError naming those that did not.
    """
    until = time.monotonic() + deadline
    begun = {name: _cpu_used(host, name) for name in instances}
    waiting = list(instances)
    while waiting := [name for name in waiting if not agent_answers(host, name)]:
        spent = max(_cpu_used(host, name) - begun[name] for name in waiting)
        if spent > BOOT_CPU or time.monotonic() > until:
            raise LabError(
                f"No agent answers in {', '.join(waiting)} on {host.name}"
                f" after {spent:.0f} s of CPU time.",
                "See the guests' consoles in the lab's logs directory.",
            )
        time.sleep(AGENT_POLL)


def _cpu_used(host: LabHost, instance: str) -> float:
    """Seconds of CPU time the QEMU of an instance has used. Raises LabError when there is none."""
    pid = host.qemu_pid(instance)
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        raise LabError(f"The QEMU of {instance!r} on {host.name} has ended.") from None
    return float(times.user + times.system)


def agent_answers(host: LabHost, instance: str) -> bool:
    """Whether the guest agent of an instance answers a ping within two seconds."""
    ping = json.dumps({"execute": "guest-ping"})
    try:
        host.virsh("qemu-agent-command", "--timeout", "2", instance, ping, deadline=10.0)
    except LabError:
        return False
    return True

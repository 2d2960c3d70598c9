"""Records the job statistics that the forecast is tested with, on a lab of its own.

`python -m tests.lab.record_jobs DIRECTORY [NAME...]` migrates guests that write memory at a known
rate between two real hosts over a limited bandwidth, polls virDomainGetJobStats every half second
from a second connection, and writes what it got, untouched, with the events and the end.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt

from core.errors import LabError
from core.hypervisor.observe.memory_use import begin_dirty_rate, read_dirty_rate, read_memory_used
from core.lab import Guest, Lab, ensure_guest, wait_ready
from tests.lab import burner
from tests.lab.burner import Burner

LAB = "jobs"
SUBJECT = "subject"
POLL = 0.5


@dataclass(frozen=True)
class Scenario:
    """A guest that writes `write` (MIB:RATE) and moves at `bandwidth` MiB/s."""

    name: str
    about: str
    memory: int
    write: str | Burner
    bandwidth: int
    switch_at: float | None = None
    abort_at: float | None = None
    flags: int = 0
    post_copy_bandwidth: int = 0

    @property
    def switches(self) -> tuple[str, ...]:
        return (f"vd.write={self.write}",) if self.write else ()

    def start(self, lab: Lab) -> None:
        """Start it at alpha, and wait until it writes."""
        if isinstance(self.write, Burner):
            burner.start(lab, "alpha", self.write)
            time.sleep(3)
            return
        guest = Guest(SUBJECT, "Subject", "Recorded.", memory=self.memory, switches=self.switches)
        ensure_guest(lab.hosts[0], guest, lab.root, lab.accelerator)
        wait_ready(lab.hosts[0], guest.name)
        time.sleep(3)  # the writer fills its memory first


def half_the_link(name: str, writes: int) -> Scenario:
    guest = Burner(SUBJECT, memory=512, writes=writes, rate=48, fills=508)
    return Scenario(name, f"writes {writes} MiB at 48 MiB/s", 512, guest, 96)


SCENARIOS = (
    Scenario("converging", "writes 96 MiB at 8 MiB/s", 256, "96:8", 16),
    Scenario("converging-again", "writes 96 MiB at 8 MiB/s", 256, "96:8", 16),
    half_the_link("part-of-it", 205),
    half_the_link("all-of-it", 508),
    Scenario("idle", "writes nothing", 256, "", 16),
    Scenario("not-converging", "writes 96 MiB at 30 MiB/s", 256, "96:30", 16, abort_at=40),
    Scenario(
        "post-copy",
        "writes 96 MiB at 30 MiB/s",
        256,
        "96:30",
        16,
        switch_at=19,
        post_copy_bandwidth=10,
    ),
    Scenario(
        *("auto-converge", "writes 96 MiB at 30 MiB/s, throttled", 256, "96:30", 24),
        abort_at=90,
        flags=libvirt.VIR_MIGRATE_AUTO_CONVERGE,
    ),
)


class Watch:
    """What was seen of one migration; filled by libvirt's event thread and by the poll."""

    def __init__(self) -> None:
        self.start = time.time()
        self.samples: list[tuple[float, dict[str, Any]]] = []
        self.events: list[tuple[float, str, Any]] = []

    def now(self) -> float:
        return round(time.time() - self.start, 3)

    def note(self, what: str, value: Any) -> None:
        self.events.append((self.now(), what, value))

    def register(self, link: libvirt.virConnect) -> None:
        def iteration(_link: Any, _domain: Any, number: int, _opaque: Any) -> None:
            self.note("iteration", number)

        def completed(_link: Any, _domain: Any, figures: dict[str, Any], _opaque: Any) -> None:
            self.note("job-completed", dict(figures))

        def lifecycle(_link: Any, _domain: Any, event: int, detail: int, _opaque: Any) -> None:
            self.note("lifecycle", [event, detail])

        for number, call in (
            (libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, iteration),
            (libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, completed),
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
        ):
            link.domainEventRegisterAny(None, number, call, None)


def record(lab: Lab, scenario: Scenario) -> dict[str, Any]:
    alpha, beta = lab.hosts
    scenario.start(lab)
    link, second = libvirt.open(alpha.uri), libvirt.open(alpha.uri)
    domain, watch = second.lookupByName(SUBJECT), Watch()
    used = read_memory_used(link, domain.UUIDString())
    rates = [(span, dirty_rate(link, domain.UUIDString(), span)) for span in (1, 3)]
    watch.register(link)
    limit = domain.migrateGetMaxDowntime()
    ends: list[str] = []
    mover = threading.Thread(target=migrate, args=(domain, beta.uri, scenario, ends))
    watch.start = time.time()
    mover.start()
    poll(link.lookupByName(SUBJECT), mover, scenario, watch)
    time.sleep(0.5)
    return {
        "about": scenario.about,
        "how": "libvirt 9.0, QEMU 7.2 (TCG), tests/lab/record_jobs.py",
        "ram": scenario.memory << 20,
        "bandwidth": scenario.bandwidth,
        "post_copy_bandwidth": scenario.post_copy_bandwidth,
        "max_downtime": limit,
        "dirty_rates": [(span, rate) for span, rate in rates if rate is not None],
        "used": used,
        "outcome": ends[0],
        "events": watch.events,
        "samples": watch.samples,
    }


def dirty_rate(link: libvirt.virConnect, uuid: str, seconds: int) -> float | None:
    """Return bytes/s, as virDomainStartDirtyRateCalc samples them over so many seconds."""
    begin_dirty_rate(link, uuid, seconds)
    time.sleep(seconds + 0.5)
    return read_dirty_rate(link, uuid)


def migrate(domain: Any, to: str, scenario: Scenario, ends: list[str]) -> None:
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | scenario.flags
    flags |= libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    if scenario.switch_at is not None:
        flags |= libvirt.VIR_MIGRATE_POSTCOPY
    params = {
        "bandwidth": scenario.bandwidth,
        "bandwidth.postcopy": scenario.post_copy_bandwidth,
        "migrate_uri": "tcp://127.0.0.1",
        "listen_address": "127.0.0.1",
    }
    if not scenario.post_copy_bandwidth:
        del params["bandwidth.postcopy"]
    try:
        domain.migrateToURI3(to, params, flags)
        ends.append("completed")
    except libvirt.libvirtError as problem:
        ends.append(str(problem))


def poll(domain: Any, mover: threading.Thread, scenario: Scenario, watch: Watch) -> None:
    switch, abort = scenario.switch_at, scenario.abort_at
    while mover.is_alive():
        try:
            watch.samples.append((watch.now(), domain.jobStats()))
            if switch is not None and watch.now() > switch:
                switch = None
                domain.migrateStartPostCopy()
                watch.note("switched", None)
            if abort is not None and watch.now() > abort:
                abort = None
                domain.abortJob()
                watch.note("aborted", None)
        except libvirt.libvirtError as problem:
            watch.note("error", str(problem))
        mover.join(POLL)


def events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def main(directory: Path, names: list[str]) -> None:
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(200, lambda *_: None, None)
    threading.Thread(target=events, daemon=True).start()
    lab = Lab(LAB)
    lab.up(guests=False, say=print)
    try:
        for scenario in SCENARIOS:
            if names and scenario.name not in names:
                continue
            tape = record(lab, scenario)
            text = json.dumps(tape, separators=(",", ":")).replace('],["', '],\n["')
            (directory / f"{scenario.name}.json").write_text(text.replace("],[", "],\n[") + "\n")
            print(f"{scenario.name}: {tape['outcome']}, {len(tape['samples'])} samples")
            for host in lab.hosts:
                for verb in ("destroy", "undefine"):
                    with suppress(LabError):  # it is at one of the two
                        host.virsh(verb, SUBJECT, deadline=30)
    finally:
        lab.down(say=print)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

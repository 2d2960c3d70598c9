"""The figures on an instance's page: what the host tells, and a dash for what it does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console import format as fmt
from console.screens.instances import panels
from console.screens.instances.figures import figures, latency, own_figures
from console.screens.table_text import plain
from console.screens.view import View
from console.widgets.columns import CellValue, fit
from core.model import DiskRates, Rates, State
from tests.unit.state_builders import disk, instance

WEB = instance("web", disks=(disk("vda"), disk("vdb")))


def view(rates: Rates) -> View:
    return View(lambda: 1.0, None, State(instances={WEB.key: WEB}, rates={WEB.key: rates}))


def words(value: CellValue) -> str:
    return "".join(text for text, _ in fit(value, 100)).rstrip()


def test_vcpus_and_disks_that_had_to_wait():
    rates = Rates(
        1.0, vcpu_wait=0.3, vcpu_delay=12.0,
        disks=(DiskRates("vda", 0.35, 4.0, None, 2.0), DiskRates("vdb", 1200.0)),
    )  # fmt: skip
    shown = {name: words(value) for name, value in figures(view(rates), WEB, 72)}
    assert shown["vcpus wait"] == "wait 0.3%, delay 12.0%"
    assert shown["latency"] == "read 1.2 s, write 4 ms, flush -"
    lines = [words(line) for line in panels.disks(view(rates), WEB)]
    told = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  latency")]
    assert told == [
        "read 0.35 ms, write 4 ms, flush -, 2.0 flushes a second",
        "read 1.2 s, write -, flush -",
    ]


def test_a_host_that_tells_nothing_of_it_shows_a_dash():
    shown = {name: words(value) for name, value in figures(view(Rates(1.0)), WEB, 72)}
    assert (shown["vcpus wait"], shown["latency"]) == (fmt.UNKNOWN, fmt.UNKNOWN)
    assert latency(None) == fmt.UNKNOWN
    assert own_figures(Rates(1.0)) == own_figures(None) == []


def test_the_hypervisors_own_figures_stand_under_the_devices():
    rates = Rates(1.0, hypervisor=(("pages_2m", 1512), ("remote_tlb_flush", 4)))
    shown = instance("web", described=True)
    lines = [words(line) for line in panels.devices(view(rates), shown)]
    place = next(number for number, line in enumerate(lines) if "hypervisor's own" in line)
    assert [line.split() for line in lines[place + 2 :]] == [
        ["pages", "2m", "1,512"],
        ["remote", "tlb", "flush", "4"],
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0 ms"), (0.004, "0 ms"), (0.35, "0.35 ms"), (0.996, "1 ms"),
     (9.96, "10 ms"), (999.6, "1.0 s"), (5200.0, "5.2 s")],
)  # fmt: skip
def test_milliseconds(value: float | None, text: str):
    assert fmt.milliseconds(value) == text


@pytest.mark.parametrize("width", [120, 126, 140, 200])
def test_a_uuid_beside_the_figures_is_in_one_piece(width: int):
    row = replace(WEB, uuid="3b199e50-8472-4bb1-8d7b-33226e44e413")
    there = View(lambda: 1.0, None, State(instances={row.key: row}, rates={row.key: Rates(1.0)}))
    shown = [plain(line) for line in panels.overview(there, row, None, width)]
    assert any(row.uuid in line for line in shown)
    assert any("rx" in line or "received" in line for line in shown)
    assert max(len(line.rstrip()) for line in shown) <= width

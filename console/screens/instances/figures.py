"""The figures of one instance as its page shows them. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.table_text import heading, table
from console.screens.view import View
from console.widgets.charts import spark
from console.widgets.columns import Cell, CellValue
from core.model import DiskRates, Instance, Rates

_SPARK = 30
_BEFORE = 41
"""Cells that are no spark: label, figure, the gap to the next column."""


def figures(view: View, row: Instance, width: int) -> list[tuple[str, CellValue]]:
    """What it does now, each with its last minutes where they are kept, in a column of `width`."""
    room = min(_SPARK, max(0, width - _BEFORE))
    rates, histories = view.state.rates.get(row.key), view.state.histories

    def line(name: str, text: str, top: float | None = None) -> CellValue:
        values = histories.series(row.key, name) if histories else ()
        return (Cell(f"{text:<22}"), Cell(spark(values, room, top), "chart"))

    if rates is None:
        return [("figures", Cell("not measured yet", "muted"))]
    cpu = fmt.UNKNOWN if rates.cpu is None else f"{fmt.percent(rates.cpu / 100, 1)} of {row.vcpus}"
    memory = f"{fmt.size(rates.memory)} of {fmt.size(rates.memory_total or row.memory)}"
    return [
        ("cpu", line("cpu", cpu, 100.0)),
        ("vcpus wait", _waiting(rates)),
        ("memory", line("memory", memory, float(rates.memory_total or row.memory or 0) or None)),
        ("disk read", line("read", fmt.rate(rates.read))),
        ("disk write", line("write", fmt.rate(rates.write))),
        ("latency", latency(_slowest(rates))),
        ("received", line("received", fmt.rate(rates.received))),
        ("sent", line("sent", fmt.rate(rates.sent))),
    ]


def _waiting(rates: Rates) -> str:
    """How long its vCPUs stood still because the host ran something else."""
    known = [
        f"{name} {fmt.percent(value / 100, 1)}"
        for name, value in (("wait", rates.vcpu_wait), ("delay", rates.vcpu_delay))
        if value is not None
    ]
    return ", ".join(known) or fmt.UNKNOWN


def _slowest(rates: Rates) -> DiskRates:
    """The longest latency of each kind, of all its disks."""
    return DiskRates(
        "",
        *(
            max((getattr(one, name) for one in rates.disks if getattr(one, name) is not None),
                default=None)
            for name in ("read_latency", "write_latency", "flush_latency")
        ),
    )  # fmt: skip


def latency(disk: DiskRates | None) -> str:
    """What a request took lately: `read 0.4 ms, write 12 ms, flush -`; `-`: none is known."""
    told = DiskRates("") if disk is None else disk
    figures = (
        ("read", told.read_latency),
        ("write", told.write_latency),
        ("flush", told.flush_latency),
    )
    if all(value is None for _, value in figures):
        return fmt.UNKNOWN
    return ", ".join(f"{name} {fmt.milliseconds(value)}" for name, value in figures)


def own_figures(rates: Rates | None) -> list[CellValue]:
    """What the hypervisor counts beside, under its own names."""
    if rates is None or not rates.hypervisor:
        return []
    pairs = [(name.replace("_", " "), fmt.count(value)) for name, value in rates.hypervisor]
    return ["", heading("The hypervisor's own figures"), *table(("figure", "value"), pairs)]

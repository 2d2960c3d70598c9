"""A bench's rows and how they are printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import quantiles

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One measured number, beside its rival's and its target."""

    bench: str
    name: str
    value: float
    unit: str
    rival: float | None = None
    rival_name: str = ""
    target: str = ""
    met: bool | None = None
    """None: no target."""

    @property
    def ratio(self) -> float | None:
        """Ours over the rival's."""
        return self.value / self.rival if self.rival else None


def json_line(row: Row) -> str:
    """A row as a JSON object: every key in every row, null for what there is not."""
    return msgspec.json.encode({**msgspec.structs.asdict(row), "ratio": row.ratio}).decode()


def below(limit: float) -> str:
    """The words of an upper target."""
    return f"< {limit:g}"


def limited(bench: str, name: str, value: float, unit: str, limit: float | None) -> Row:
    """A row whose value is to stay below a limit; None: it has no target."""
    if limit is None:
        return Row(bench, name, value, unit)
    return Row(bench, name, value, unit, target=below(limit), met=value < limit)


def percentile(values: Sequence[float], percent: int) -> float:
    """The percentile of a non-empty sequence (95: p95)."""
    if len(values) < 2:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def number(value: float | None) -> str:
    """A number with three significant digits, no more."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """All rows as aligned text."""
    head = ("bench", "name", "value", "unit", "rival", "ratio", "target", "")
    cells = [head]
    for row in rows:
        rival = f"{number(row.rival)} ({row.rival_name})" if row.rival is not None else "-"
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        line = (row.bench, row.name, number(row.value), row.unit, rival, number(row.ratio))
        cells.append((*line, row.target, verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in (2, 5) else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )

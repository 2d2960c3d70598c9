"""The charts of one instance. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.view import View
from console.widgets.charts import Series
from core.model import ObjectKey

_SERIES = 6
_AROUND = 4
"""Lines of a terminal that no chart has: header, tabs, pages, footer."""
_HIGHEST = 6


def series_of(view: View, key: ObjectKey) -> list[Series]:
    """CPU, memory, disk and network, from the histories of the state."""
    histories, rates = view.state.histories, view.state.rates.get(key)
    total = rates.memory_total if rates is not None else None

    def values(name: str) -> list[float | None]:
        return list(histories.series(key, name)) if histories else []

    return [
        Series("cpu", values("cpu"), _percent, 100.0),
        Series("memory", values("memory"), fmt.size, float(total) if total else None),
        Series("disk read", values("read"), fmt.rate),
        Series("disk write", values("write"), fmt.rate),
        Series("received", values("received"), fmt.rate),
        Series("sent", values("sent"), fmt.rate),
    ]


def chart_height(lines: int) -> int:
    """Lines of blocks a series may have on a terminal of so many lines, for all to be in sight."""
    return max(1, min(_HIGHEST, (lines - _AROUND) // _SERIES - 1))


def _percent(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else f"{value:.1f} %"

"""The charts of one instance. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.view import View
from console.widgets.charts import Series
from core.model import Instance, ObjectKey

_SERIES = 6
_AROUND = 4
"""Lines of a terminal that no chart has: header, tabs, pages, footer."""
_HIGHEST = 6


def series_of(view: View, key: ObjectKey) -> list[Series]:
    """CPU, memory, disk and network, from the histories of the state."""
    histories, rates = view.state.histories, view.state.rates.get(key)
    row = view.state.instances.get(key)
    total = rates.memory_total if rates is not None else None

    def values(name: str) -> list[float | None]:
        return list(histories.series(key, name)) if histories else []

    why, no_disk, no_net = _why(row), _why_no_disk(row), _why_no_network(row)
    memory = float(total) if total else None
    return [
        Series("cpu", values("cpu"), _percent, 100.0, absent=why),
        Series("memory", values("memory"), fmt.size, memory, absent=why),
        Series("disk read", values("read"), fmt.rate, absent=no_disk),
        Series("disk write", values("write"), fmt.rate, absent=no_disk),
        Series("received", values("received"), fmt.rate, absent=no_net),
        Series("sent", values("sent"), fmt.rate, absent=no_net),
    ]


def chart_height(lines: int) -> int:
    """Lines of blocks a series may have on a terminal of so many lines, for all to be in sight."""
    return max(1, min(_HIGHEST, (lines - _AROUND) // _SERIES - 1))


def _why(row: Instance | None) -> str:
    """Why nothing is known of an instance."""
    if row is not None and not row.state.active:
        return "it is off"
    return "not measured yet"


def _why_no_disk(row: Instance | None) -> str:
    if row is not None and row.state.active and row.described and not row.disks:
        return "it has no disk"
    return _why(row)


def _why_no_network(row: Instance | None) -> str:
    """virDomainInterfaceStats counts on the host's end, which user-mode networking has not."""
    if row is None or not row.state.active or not row.described:
        return _why(row)
    if not row.interfaces:
        return "it has no interface"
    if all(one.type == "user" for one in row.interfaces):
        return "libvirt counts nothing for user-mode interfaces"
    return _why(row)


def _percent(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else fmt.percent(value / 100, 1)

"""The figures of an instance and of a volume: one for each column that shows one, and the same for
the filter's `key>number`. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.model import Instance, Pool, Rates, State, Volume

Figure = Callable[[Instance, State], float | None]


def _rate(of: Callable[[Rates], float | None]) -> Figure:
    def figure(item: Instance, state: State) -> float | None:
        rates = state.rates.get(item.key)
        return None if rates is None or not item.state.active else of(rates)

    return figure


def _sum(one: float | None, other: float | None) -> float | None:
    """Both together; unknown when one of them is."""
    return None if one is None or other is None else one + other


def _memory(item: Instance, state: State) -> float | None:
    """Bytes in use; where nothing tells them, as without a balloon: all that it was given."""
    rates = state.rates.get(item.key)
    if rates is None or not item.state.active:
        return None
    if rates.memory is not None or rates.partial:
        return rates.memory
    return item.memory or None


FIGURES: Mapping[str, Figure] = {
    "cpu": _rate(lambda rates: rates.cpu),
    "memory": _memory,
    "disk": _rate(lambda rates: _sum(rates.read, rates.write)),
    "read": _rate(lambda rates: rates.read),
    "write": _rate(lambda rates: rates.write),
    "net": _rate(lambda rates: _sum(rates.received, rates.sent)),
    "received": _rate(lambda rates: rates.received),
    "sent": _rate(lambda rates: rates.sent),
    "given": lambda item, _state: item.memory or None,
}
"""By name: percent of the vCPUs, bytes in use, bytes per second, bytes given. None: not known."""

TITLES = {"mem": "memory", "rx": "received", "tx": "sent"}
"""Figures that a screen titles otherwise: both words are the filter's."""
AT_ONCE = frozenset({"memory", "mem", "given"})
"""The figures that take one sample; the others take two."""


def used_fraction(row: Pool | Volume) -> float | None:
    """Return the allocation as a part of the capacity, 0 to 1; None: not known."""
    if isinstance(row, Pool):
        return row.used_fraction
    if not row.capacity or row.allocation is None:
        return None
    return row.allocation / row.capacity

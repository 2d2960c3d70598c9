"""A forecast in words: the verdict, and what would change it. Pure."""

from __future__ import annotations

import math

from core.model import sizes, times
from core.model.forecast import Verdict
from core.model.sizes import percent

_NOTHING = float(1 << 20)
"""Bytes/s that every link carries."""


def sentence_of(
    verdict: Verdict,
    *,
    eta: float | None = None,
    low: float | None = None,
    high: float | None = None,
    max_downtime: float = 0.0,
    needed_downtime: float | None = None,
    factor: float = 0.0,
    post_copy: bool = False,
    throttle: int = 0,
    auto_converge: bool = False,
) -> str:
    """Return the sentence; times in seconds, downtimes in ms, `factor` of the throughput."""
    if verdict is Verdict.POST_COPY:
        return "in post-copy" + (f": {_when(eta, None, None)}" if eta is not None else "")
    if verdict is Verdict.UNKNOWN:
        if eta is None:
            return "too early to say"
        return f"at least {times.seconds(eta)} more; whether it converges the next pass tells"
    cures = _cures(needed_downtime, factor, post_copy)
    slowed = f"; auto-converge slows the vCPUs by {percent(throttle / 100)}" if throttle else ""
    if verdict is Verdict.NOT:
        needs = f": needs {cures}" if cures else ""
        return f"will not converge at {times.milliseconds(max_downtime)}{needs}{slowed}"
    when = _when(eta, low, high)
    if verdict is Verdict.CONVERGES:
        return when + slowed
    if auto_converge and not throttle:
        slowed = "; auto-converge will slow the vCPUs"
    sooner = f", sooner with {cures}" if cures else ""
    return f"converges slowly: {when}{sooner}{slowed}"


def without_link(needed: float | None) -> str:
    """Return what is known while the link is not: it must carry more than `needed` bytes/s."""
    if needed is None:
        return "neither the link's speed is known nor how fast the guest writes"
    if needed < _NOTHING:
        return "the guest writes next to nothing; the link's speed is not known"
    carries = sizes.rate_words(needed)
    return f"converges where the link carries more than {carries}; its speed is not known"


def with_devices(sentence: str, sent: float) -> str:
    """Return a forecast of the memory with what comes on top: `sent` bytes of it are over there."""
    return f"{sentence}; device state comes on top ({sizes.size_words(sent)} of it sent)"


def _when(eta: float | None, low: float | None, high: float | None) -> str:
    if eta is None:
        return "when is not known"
    text = f"finishes in about {times.seconds(eta)}"
    if low is None:
        return text
    if high is None:
        return f"{text} ({times.seconds(low)} or more)"
    return f"{text} ({times.span(low, high)})"


def _cures(needed_downtime: float | None, factor: float, post_copy: bool) -> str:
    cures = []
    if needed_downtime is not None:
        cures.append(f"{times.milliseconds(needed_downtime)} of downtime")
    if factor > 1:
        cures.append(f"{_factor(factor)} the bandwidth")
    if post_copy:
        cures.append("post-copy")
    return ", or ".join(cures)


def _factor(factor: float) -> str:
    """Return `1.3x`, `3x`, `12x`; rounded up, for it is what is needed."""
    tenths = math.ceil(factor * 10 - 1e-6)
    if tenths % 10 == 0 or tenths > 100:
        return f"{math.ceil(tenths / 10)}x"
    return f"{tenths / 10:.1f}x"

"""A wait for a guest, in words that count down. Pure."""

from __future__ import annotations

from core.model.operation import Countdown


def countdown_words(countdown: Countdown, now: float) -> str:
    """Say how a wait stands: `asked twice, again in 9 s; its power is cut in 39 s`."""
    left = max(0.0, (countdown.until or now) - now)
    if not countdown.asked:
        return f"{countdown.then} in {left:.0f} s" if left >= 1 else f"{countdown.then} now"
    times = {1: "once", 2: "twice"}.get(countdown.asked, f"{countdown.asked} times")
    again = ""
    if countdown.again is not None and countdown.again > now:
        again = f", again in {countdown.again - now:.0f} s"
    if countdown.until is None:
        return f"asked {times}{again}; waited for as long as it takes"
    when = f"{countdown.then} in {left:.0f} s" if left >= 1 else "its time is up"
    return f"asked {times}{again}; {when}"


def elapsed_words(countdown: Countdown, now: float) -> str:
    """Say how much of its time is over: `21/60s`; `75s` where it has no end."""
    took = max(0.0, now - countdown.since)
    if countdown.until is None:
        return f"{took:.0f}s"
    return f"{took:.0f}/{countdown.until - countdown.since:.0f}s"


def elapsed_share(countdown: Countdown, now: float) -> float | None:
    """Return how much of its time is over, 0 to 1; None where it has no end."""
    if countdown.until is None or countdown.until <= countdown.since:
        return None
    return min(1.0, max(0.0, (now - countdown.since) / (countdown.until - countdown.since)))

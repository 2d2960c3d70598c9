"""adaptive: acts on the forecast, within what the operator allows. Pure.

Where post-copy is allowed the migration shall end within 1.3 times what one pass over the memory
takes, so it is switched when that budget is all but spent, or at the minimum before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from core.migration.policies.watched import Watched
from core.model import times
from core.model.forecast import Confidence, Forecast, Verdict
from core.model.steer import Steer, SteerKind

BUDGET = 1.25
"""Passes over the whole memory that a migration may take where post-copy is allowed."""
OVERDUE = 3.0
"""Budgets after which a forecast that it is about to finish is no longer believed."""
STEP = 1.2
"""By how much the max downtime is raised at least: what was needed so far was not enough."""
LOOK = 0.5
"""Seconds until the next look: an action a look too late must still be in time."""
MOST_THROTTLE = 99
"""Percent by which auto-converge slows the vCPUs at most."""


def adaptive(watched: Watched) -> Iterator[Steer]:
    """Raise the downtime where that helps, else post-copy, else auto-converge, else ask."""
    if watched.can_post_copy and watched.request.post_copy == "at-once":
        yield Steer(SteerKind.POST_COPY, reason="post-copy was asked for at once")
        return
    yield from _lower(watched)
    forecast = watched.forecast
    if forecast is None:
        return
    if watched.request.post_copy == "never" and _overdue(watched, forecast):
        yield from _use_what_is_allowed(watched, forecast)
        return
    if not _calls_for_action(watched, forecast):
        return
    if step := _raise(watched, forecast):
        yield step
    elif watched.request.post_copy != "never":
        yield from _switch(watched, forecast)
    elif forecast.verdict is Verdict.NOT or watched.auto_converge:
        yield from _without_post_copy(watched, forecast)


def _lower(watched: Watched) -> Iterator[Steer]:
    """Keep to the operator's limit: libvirt's own, or an earlier migration's, may be higher."""
    limit, current = watched.request.max_downtime, watched.limits.max_downtime
    if limit is not None and current is not None and current > limit:
        if _by_hand(watched):
            return
        reason = (
            f"{times.milliseconds(current)} of downtime are in force,"
            f" {times.milliseconds(limit)} are allowed"
        )
        yield Steer(SteerKind.MAX_DOWNTIME, float(limit), reason=reason)


def _by_hand(watched: Watched) -> bool:
    """Whether somebody set the max downtime: it is not taken back from them."""
    return any(
        one.steer.kind is SteerKind.MAX_DOWNTIME and not one.by.startswith("policy ")
        for one in watched.steering
    )


def _trusted(watched: Watched, forecast: Forecast) -> bool:
    """Whether enough was seen to act on the verdict: some of the first pass, or a later one."""
    newest = watched.samples[-1] if watched.samples else None
    later = newest is not None and (newest.iteration or 0) > 2
    return later or forecast.confidence in (Confidence.MEDIUM, Confidence.HIGH)


def _budget(watched: Watched, forecast: Forecast) -> float | None:
    """Return the seconds the whole migration may take, None: not known."""
    total = watched.samples[-1].total if watched.samples else None
    size = max(watched.memory + sum(watched.disks), total or 0)
    if not size or not forecast.throughput:
        return None
    return BUDGET * size / forecast.throughput


def _calls_for_action(watched: Watched, forecast: Forecast) -> bool:
    """Whether it ends too late by itself, or never."""
    late = _late(watched, forecast)
    if not _trusted(watched, forecast):
        return late and _budget_spent(watched, forecast)
    if forecast.verdict is Verdict.NOT:
        return True
    return late and (forecast.verdict is Verdict.SLOWLY or watched.request.post_copy != "never")


def _late(watched: Watched, forecast: Forecast) -> bool:
    """Whether it ends after its budget even if most goes well."""
    budget, eta, low = _budget(watched, forecast), forecast.eta, forecast.eta_low
    if forecast.verdict not in (Verdict.CONVERGES, Verdict.SLOWLY) or eta is None or low is None:
        return forecast.verdict is Verdict.NOT
    return budget is not None and watched.elapsed + (low + eta) / 2 > budget


def _overdue(watched: Watched, forecast: Forecast) -> bool:
    """Whether time has shown the forecasts wrong: on the edge it "is about to finish" for ever.

    Its minima come and go a little above what is allowed, and every one looks like the last.
    """
    budget = _budget(watched, forecast)
    return budget is not None and watched.elapsed > OVERDUE * budget


def _use_what_is_allowed(watched: Watched, forecast: Forecast) -> Iterator[Steer]:
    """Raise the max downtime all the way, whatever the forecast says; then ask."""
    limit, current = float(watched.downtime_limit), watched.limits.max_downtime
    if current is None or current >= limit:
        yield from _without_post_copy(watched, forecast)
        return
    reason = f"it takes far longer than foreseen, and {times.milliseconds(limit)} are allowed"
    yield Steer(SteerKind.MAX_DOWNTIME, limit, reason=reason)


def _budget_spent(watched: Watched, forecast: Forecast) -> bool:
    """Whether a switch now would end when the budget does: a later one ends later still."""
    budget = _budget(watched, forecast)
    if budget is None or forecast.post_copy_eta is None:
        return False
    return watched.elapsed + forecast.post_copy_eta + LOOK >= budget


def _raise(watched: Watched, forecast: Forecast) -> Steer | None:
    """Return the step to the max downtime with which it finishes, if that is allowed."""
    needed, current = forecast.needed_downtime, watched.limits.max_downtime
    if needed is None or needed > watched.downtime_limit:
        return None
    value = float(math.ceil(needed))
    if current is not None:
        if current >= watched.downtime_limit:
            return None
        value = max(value, math.ceil(current * STEP))
    value = min(value, watched.downtime_limit)
    reason = (
        f"{forecast.verdict.value}; it finishes with {times.milliseconds(value)} of downtime,"
        f" and {times.milliseconds(watched.downtime_limit)} are allowed"
    )
    return Steer(SteerKind.MAX_DOWNTIME, value, reason=reason)


def _switch(watched: Watched, forecast: Forecast) -> Iterator[Steer]:
    """Switch to post-copy at the minimum, or as soon as waiting for it would take too long."""
    if not watched.can_post_copy:
        return
    if forecast.at_minimum:
        yield Steer(
            SteerKind.POST_COPY,
            reason=f"{forecast.sentence}; what remains is at its minimum",
        )
    elif _budget_spent(watched, forecast):
        yield Steer(
            SteerKind.POST_COPY,
            reason=f"{forecast.sentence}; to wait for the next minimum would take too long",
        )


def _throttle(watched: Watched) -> int:
    return (watched.samples[-1].throttle or 0) if watched.samples else 0


def _without_post_copy(watched: Watched, forecast: Forecast) -> Iterator[Steer]:
    """Wait for auto-converge where it is on, and say so; else ask. Each once, not at every look."""
    if watched.auto_converge and _throttle(watched) < MOST_THROTTLE:
        yield Steer(
            SteerKind.ADVISE,
            text=forecast.sentence,
            reason="waiting for auto-converge to slow the guest down",
        )
        return
    yield Steer(
        SteerKind.ADVISE,
        text=forecast.sentence,
        reason="it will not finish within what is allowed: decide what to do",
    )

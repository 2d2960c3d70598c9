"""nova and nova-rocky: the rules of OpenStack Nova's libvirt driver (nova-map 2.4, 2.5). Pure.

Two of Nova's defects are not kept: a max downtime that could not be set is set again, and an abort
that was accepted is not sent again at every look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from core.migration.policies.watched import Watched
from core.model import sizes, times
from core.model.forecast import JobSample
from core.model.sizes import percent
from core.model.steer import Steer, SteerKind

STEPS = 10
DELAY = 75
"""Seconds per GiB between two steps."""
GAIN = 10
"""Percent that an iteration must gain, or it is switched to post-copy (Rocky)."""
_GIB = float(1 << 30)


def nova_rocky(watched: Watched) -> Iterator[Steer]:
    """Downtime ramp, progress and completion timeout, post-copy when an iteration gains little."""
    timeout = _progress_timeout(watched) or _completion_timeout(watched)
    if timeout:
        yield Steer(SteerKind.ABORT, reason=timeout)
        return
    if watched.can_post_copy:
        if watched.request.post_copy == "at-once":
            yield Steer(SteerKind.POST_COPY, reason="post-copy was asked for at once")
            return
        if reason := _gains_little(watched.samples):
            yield Steer(SteerKind.POST_COPY, reason=reason)
            return
    yield from _ramp_step(watched)


def nova(watched: Watched) -> Iterator[Steer]:
    """Downtime ramp, and the chosen action when the completion timeout is over."""
    if watched.can_post_copy and watched.request.post_copy == "at-once":
        yield Steer(SteerKind.POST_COPY, reason="post-copy was asked for at once")
        return
    timeout = _completion_timeout(watched)
    if not timeout:
        yield from _ramp_step(watched)
    elif watched.request.timeout_action == "abort":
        yield Steer(SteerKind.ABORT, reason=timeout)
    elif watched.can_post_copy:
        yield Steer(SteerKind.POST_COPY, reason=timeout)
    else:
        yield Steer(SteerKind.PAUSE, reason=f"{timeout}, and it cannot be switched to post-copy")


def data_gb(memory: int, disks: Iterable[int]) -> float:
    """Return GiB of memory and of each disk (bytes), each counted as 2 at least."""
    return max(2.0, memory / _GIB) + sum(max(2.0, disk / _GIB) for disk in disks)


def ramp(limit: float, gigabytes: float) -> list[tuple[int, int]]:
    """Return the steps as (seconds after the start, max downtime in ms), up to `limit`."""
    delay = int(DELAY * gigabytes)
    base = limit / STEPS
    offset = (limit - base) / STEPS
    return [(delay * step, int(base + offset * step)) for step in range(STEPS + 1)]


def _ramp_step(watched: Watched) -> Iterator[Steer]:
    steps = ramp(watched.downtime_limit, data_gb(watched.memory, watched.disks))
    begun = [value for after, value in steps if watched.elapsed > after]
    if begun and begun[-1] != watched.limits.max_downtime:
        reason = f"step {len(begun)} of {len(steps)} of the downtime ramp"
        yield Steer(SteerKind.MAX_DOWNTIME, float(begun[-1]), reason=reason)


def _completion_timeout(watched: Watched) -> str:
    """Return the reason if the time is over, else nothing."""
    gigabytes = data_gb(watched.memory, watched.disks)
    timeout = int(watched.request.completion_timeout * gigabytes)
    if timeout and watched.elapsed > timeout:
        return f"it has not finished within its completion timeout of {times.seconds(timeout)}"
    return ""


def _progress_timeout(watched: Watched) -> str:
    """Return the reason if what remains has not reached a new low for too long, else nothing."""
    timeout = watched.request.progress_timeout
    if not timeout:
        return ""
    watermark, progressed = 0, watched.started
    for sample in watched.samples:
        remaining = sample.remaining
        if remaining is not None and (watermark == 0 or remaining < watermark):
            watermark, progressed = remaining, sample.at
    if watched.now - progressed > timeout:
        return (
            f"for {times.seconds(watched.now - progressed)} no less than"
            f" {sizes.size_words(watermark)} remained: the progress timeout is over"
        )
    return ""


def _gains_little(samples: Sequence[JobSample]) -> str:
    """Return the reason if the newest iteration began with 90 % of what the last one began with."""
    starts: list[tuple[int, int]] = []
    for sample in samples:
        if sample.iteration is None or sample.remaining is None or sample.memory_total is None:
            continue
        if not starts or sample.iteration > starts[-1][0]:
            starts.append((sample.iteration, sample.remaining))
    if len(starts) < 2:
        return ""
    (_, before), (iteration, current) = starts[-2:]
    if iteration <= 1 or before <= 0:
        return ""
    gain = round((before - current) * 100 / before)
    if gain >= GAIN:
        return ""
    return f"iteration {iteration} gained {percent(gain / 100)}, less than {percent(GAIN / 100)}"

"""A guest that writes faster than the link: what becomes of it with virsh, with nova, with ours.

Everybody has the same guest, started anew each time (libvirt remembers a max downtime), the same
bandwidth before and after the switch, and is seen by the same eyes.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

from tests.bench.migration_eyes import Course
from tests.bench.migration_lab import REPEATS, Ground, begin, ends, retried
from tests.bench.rows import Row
from tests.lab.burner import Burner

HARD = Burner("hard", memory=128, writes=96, rate=60)
"""It writes anew all it has, within less than two seconds."""
BANDWIDTH = 32
"""MiB/s: one pass over its memory takes four seconds."""
PASS = HARD.memory / BANDWIDTH
BOUND = 1.3
LIMIT = 500
"""Milliseconds of max downtime that ours and nova may go to."""
PATIENCE = 12.0
"""Seconds after which one that has not finished is aborted: three passes."""
LONG_PATIENCE = 120.0
"""The same where the guest is throttled: it takes nine steps, of two passes each, to the end."""
HOPELESS = 2
"""Tries after which one that never finished is not tried again."""
TIMEOUT = 6
"""Seconds until virsh's and nova's timeouts: minutes by default, here one pass and a half."""

Try = Callable[[], Awaitable[Course]]


@dataclass(frozen=True)
class Way:
    """One way to migrate, and what is asked of it."""

    name: str
    go: Try
    must_finish: bool = False
    """It is ours."""
    in_time: bool = False
    """And has post-copy."""
    patience: float = PATIENCE


def _ways(ground: Ground) -> list[Way]:
    virsh, ours = partial(_virsh, ground), partial(_ours, ground)
    nova = {"completion_timeout": TIMEOUT / 2}  # of seconds per GiB, two at least
    after = f"completion timeout {TIMEOUT} s"
    return [
        Way("virsh migrate", partial(virsh)),
        Way(
            "virsh migrate --auto-converge",
            partial(virsh, "--auto-converge", seconds=LONG_PATIENCE),
            patience=LONG_PATIENCE,
        ),
        Way(
            f"virsh migrate --timeout {TIMEOUT} --timeout-postcopy",
            partial(virsh, "--postcopy", "--timeout", str(TIMEOUT), "--timeout-postcopy",
                    "--postcopy-bandwidth", str(BANDWIDTH)),
        ),
        Way(f"nova, {after}, abort", partial(ours, policy="nova", **nova)),
        Way(
            f"nova, {after}, force-complete",
            partial(ours, policy="nova", post_copy="allow", timeout_action="force-complete",
                    **nova),
        ),
        Way("nova-rocky", partial(ours, policy="nova-rocky", post_copy="allow")),
        Way("adaptive, post-copy allowed", partial(ours, post_copy="allow"),
            must_finish=True, in_time=True),
        Way(
            "adaptive, post-copy never, auto-converge",
            partial(ours, auto_converge=True, seconds=LONG_PATIENCE),
            must_finish=True,
            patience=LONG_PATIENCE,
        ),
    ]  # fmt: skip


async def rows(ground: Ground) -> AsyncIterator[Row]:
    """Finished, total time and downtime of each way."""
    for way in _ways(ground):
        courses: list[Course] = []
        while len(courses) < REPEATS and not _hopeless(courses):
            async with ground.guest(HARD):
                courses.append(await retried(partial(_begun, way)))
        for row in _told(way, courses):
            yield row


async def _begun(way: Way) -> Course:
    """Try once; raises AssertionError where it did not even begin."""
    began = time.monotonic()
    course = await way.go()
    assert course.begun is not None or time.monotonic() - began > PASS
    return course


def _hopeless(courses: list[Course]) -> bool:
    """Whether it never finished so far: it is not waited for five times."""
    return len(courses) >= HOPELESS and not any(course.finished for course in courses)


async def _virsh(ground: Ground, *options: str, seconds: float = PATIENCE) -> Course:
    words = ("--bandwidth", str(BANDWIDTH), *options)
    course, _ = await ground.virsh(HARD.name, *words, seconds=seconds)
    return course


async def _ours(ground: Ground, *, seconds: float = PATIENCE, **options: object) -> Course:
    async with ground.fleet() as fleet:
        began = time.time()
        limits = {"bandwidth": BANDWIDTH}
        if "post_copy" in options:
            limits["post_copy_bandwidth"] = BANDWIDTH
        number = await begin(fleet, HARD.name, **{**limits, "max_downtime": LIMIT, **options})
        await ends(fleet, number, seconds)
    return ground.eyes.course(HARD.name, "alpha", began)


def _told(way: Way, courses: list[Course]) -> list[Row]:
    ended = [one for one in courses if one.finished]
    share = len(ended) / len(courses) * 100
    finished = Row(
        "migration",
        f"{way.name}: finished within {way.patience:.0f} s, {len(ended)} of {len(courses)}",
        share,
        "%",
        target="100" if way.must_finish else "",
        met=share == 100 if way.must_finish else None,
    )
    if not ended:
        return [finished]
    worst = max(one.total for one in ended if one.total is not None) / PASS
    total = Row(
        "migration",
        f"{way.name}: total, the worst {worst:.2f}x RAM / bandwidth",
        median(one.total for one in ended if one.total is not None),
        "s",
        rival=PASS,
        rival_name="RAM / bandwidth",
        target=f"<= {BOUND}x" if way.in_time else "",
        met=worst <= BOUND if way.in_time else None,
    )
    return [finished, total, *_downtimes(way, ended)]


def _downtimes(way: Way, ended: list[Course]) -> list[Row]:
    found = []
    for what, values in (
        ("as libvirt says", [one.downtime for one in ended]),
        ("between the events", [one.seen for one in ended]),
    ):
        known = [value for value in values if value is not None]
        if known:
            met = max(known) <= LIMIT if way.in_time else None
            target = f"<= {LIMIT}" if way.in_time else ""
            name = f"{way.name}: downtime {what}, the longest {max(known):.0f} ms"
            found.append(Row("migration", name, median(known), "ms", target=target, met=met))
    return found

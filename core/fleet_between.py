"""Calls that need two hosts: what one has is given to the other, through this console."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from core.errors import HypervisorError
from core.fleet_links import host_named
from core.hypervisor.calls import cold_copy
from core.hypervisor.calls.cold import arrive, secrets_of
from core.hypervisor.calls.pipe import Pipe, PipeBrokenError
from core.hypervisor.calls.transfers import Transfer, transferring
from core.hypervisor.connection.lane import Lane
from core.hypervisor.session import Hypervisor
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import clean
from core.verbs.cold.calls import ArriveCall, CopyDiskCall, DiskCopy, MakeCopyCall

BETWEEN = (ArriveCall, MakeCopyCall, CopyDiskCall)
"""The calls that are made here."""
FOREVER = 30 * 86_400.0
"""Seconds a copy may take before it is given up: a month."""


async def make_between(
    hosts: Mapping[str, Hypervisor],
    subject: ObjectKey,
    call: ArriveCall | MakeCopyCall | CopyDiskCall,
    deadline: float,
) -> None:
    """Make a call on two hosts; raises as `core.engine.port.Hosts.call` does."""
    source, there = host_named(hosts, call.source), host_named(hosts, call.destination)
    if isinstance(call, MakeCopyCall | CopyDiskCall):
        await _copy_disk(source, there, subject, call)
        return
    secure = await source.call(
        lambda conn: secrets_of(conn, subject), uuid=subject.id, deadline=deadline
    )
    await there.call(
        lambda conn: arrive(conn, subject, call, secure), uuid=subject.id, deadline=deadline
    )


async def _copy_disk(
    source: Hypervisor, there: Hypervisor, subject: ObjectKey, call: MakeCopyCall | CopyDiskCall
) -> None:
    """Make the volume of a copy, or write to it what its original holds."""
    label = f"{call.word}-{subject.id[:8]}"
    near, far = source.lane(label), there.lane(label)
    copy = call.copy
    try:
        original = await near.call(
            lambda conn: cold_copy.look(conn, source.name, copy), deadline=FOREVER
        )
        if isinstance(call, MakeCopyCall):
            await far.call(lambda conn: cold_copy.make_room(conn, copy, original), deadline=FOREVER)
            return
        with transferring(subject) as transfer:
            await _transfer(near, far, call, original, transfer)
    finally:
        near.close()
        far.close()


async def _transfer(
    near: Lane, far: Lane, call: CopyDiskCall, original: cold_copy.Original, transfer: Transfer
) -> None:
    copy, pipe = call.copy, Pipe()
    reading = partial(
        cold_copy.read, place=copy.original, pipe=pipe, transfer=transfer, original=original
    )
    writing = partial(cold_copy.write, copy=copy, pipe=pipe, original=original)
    try:
        ends = await asyncio.gather(
            near.call(reading, deadline=FOREVER),
            far.call(writing, deadline=FOREVER),
            return_exceptions=True,
        )
    finally:
        pipe.fail()  # where this was cancelled: both threads end
    errors = [one for one in ends if isinstance(one, BaseException)]
    if errors:
        raise next((one for one in errors if not isinstance(one, PipeBrokenError)), errors[0])
    await _compare(far, call, original, transfer, str(ends[0]))


async def _compare(
    far: Lane, call: CopyDiskCall, original: cold_copy.Original, transfer: Transfer, digest: str
) -> None:
    """Raise HypervisorError where a copy is not what was read."""
    copy = call.copy
    found = await far.call(lambda conn: cold_copy.size_of(conn, copy), deadline=FOREVER)
    if found != original.size:
        text = f"has {size_words(found)}, and its original {size_words(original.size)}"
        raise _different(copy, text)
    if not call.verify:
        return
    again = partial(
        cold_copy.read,
        place=f"{copy.pool}/{copy.name}",
        pipe=None,
        transfer=transfer,
        original=original,
    )
    if await far.call(again, deadline=FOREVER) != digest:
        raise _different(copy, "does not hold what was read of its original")


def _different(copy: DiskCopy, what: str) -> HypervisorError:
    text = f"The copy of {copy.target}, {clean(copy.path)}, {what}."
    return HypervisorError(text, "Look at the storage of both hosts.")

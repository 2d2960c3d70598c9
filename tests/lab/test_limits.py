"""Limits that the kernel keeps: on a host whose libvirt has control groups. Root only."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.fleet import Fleet
from core.model import ObjectKey, OperationStatus, Request
from core.verbs.tuning.limit_requests import SetCpuLimits, SetMemoryLimits
from core.verbs.undoing import undoing
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.networked import NetworkedHost, NetworkedHosts
from tests.lab.one_host import opened, until
from tests.lab.seeing import key_of

BUSY = Burner("busy", memory=64, writes=16, rests=False)


@pytest.fixture(scope="module")
def grouped() -> Iterator[NetworkedHosts]:
    if os.geteuid() != 0:
        pytest.skip("control groups of its own are made by root")
    with NetworkedHosts(controllers=("cpu", "cpuacct", "memory")) as hosts:
        burner.start(hosts, "alpha", BUSY)
        yield hosts
        hosts.host("alpha").virsh("destroy", BUSY.name)  # its groups are the machine's: away


@pytest.fixture
async def fleet(grouped: NetworkedHosts, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(grouped.uris, tmp_path / "journal.sqlite3") as made:
        yield made


async def done(fleet: Fleet, request: Request) -> Request | None:
    """Have it done; what undoes it."""
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return undoing(record)


def used(alpha: NetworkedHost) -> int:
    """Nanoseconds that its vCPU has run."""
    lines = alpha.virsh("domstats", "--vcpu", BUSY.name).splitlines()
    return int(next(line.split("=")[1] for line in lines if "vcpu.0.time" in line))


async def share(alpha: NetworkedHost, seconds: float) -> float:
    """Of one processor, over so many seconds."""
    before, began = await asyncio.to_thread(used, alpha), time.monotonic()
    await asyncio.sleep(seconds)
    spent = await asyncio.to_thread(used, alpha) - before
    return spent / 1e9 / (time.monotonic() - began)


def figures(alpha: NetworkedHost, command: str) -> dict[str, str]:
    """What libvirt reads of the kernel."""
    lines = alpha.virsh(command, BUSY.name, "--live").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


async def the_busy_one(fleet: Fleet) -> ObjectKey:
    key = await key_of(fleet, BUSY.name)
    await until(lambda: fleet.state.instances[key].described)
    return key


async def test_a_vcpu_runs_no_more_than_its_cap(fleet: Fleet, grouped: NetworkedHosts) -> None:
    alpha, key = grouped.host("alpha"), await the_busy_one(fleet)
    await done(fleet, SetCpuLimits(key, cap=20, shares=512, when="now"))
    told = await asyncio.to_thread(figures, alpha, "schedinfo")
    assert told["vcpu_quota"] == "20000"
    assert told["vcpu_period"] == "100000"
    assert told["cpu_shares"] == "512"
    assert await share(alpha, 4) < 0.25
    await done(fleet, SetCpuLimits(key, cap=0, when="now"))
    assert (await asyncio.to_thread(figures, alpha, "schedinfo"))["vcpu_quota"] in ("-1", "0")


async def test_its_process_takes_no_more_memory(fleet: Fleet, grouped: NetworkedHosts) -> None:
    alpha, key = grouped.host("alpha"), await the_busy_one(fleet)
    await done(fleet, SetMemoryLimits(key, hard=700, soft=500, when="now"))
    told = await asyncio.to_thread(figures, alpha, "memtune")
    assert told["hard_limit"] == str(700 * 1024)
    assert told["soft_limit"] == str(500 * 1024)
    await done(fleet, SetMemoryLimits(key, hard=0, soft=0, when="now"))
    assert (await asyncio.to_thread(figures, alpha, "memtune"))["hard_limit"] == "unlimited"

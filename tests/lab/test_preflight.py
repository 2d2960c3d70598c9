"""The preflight on two real hosts: clean where it is, and everything that speaks against it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.lab import Lab, LabHost, Wanted
from core.model import Finding, Level, LinkStatus, ObjectKey, Preflight, Rewrites
from core.model.rewrites import VolumeRewrite
from core.verbs.migration.requests import Migrate
from tests.patience import PATIENCE

QUICK = LinkOptions(statistics_interval=0, sweep_interval=0)


@asynccontextmanager
async def opened(uris: dict[str, str], **options: Any) -> AsyncIterator[Fleet]:
    named = [f"{name}={uri}" for name, uri in uris.items()]
    async with Fleet.open(named, options=QUICK, operations=False, **options) as fleet:
        await fleet.ready(20.0 * PATIENCE)
        yield fleet


@pytest.fixture
async def fleet(lab: Lab, uris: dict[str, str]) -> AsyncIterator[Fleet]:
    async with opened(uris) as made:
        yield made


@pytest.fixture
def defined(lab: Lab, alpha: LabHost, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Define a copy of the shut-off guest's XML with some of it replaced; gone after the test."""
    made: list[tuple[LabHost, str]] = []

    def define(name: str, *changes: tuple[str, str], host: LabHost | None = None) -> str:
        where = host or alpha
        xml = lab.host("alpha").virsh("dumpxml", "--inactive", "db")
        xml = re.sub("<uuid>.*?</uuid>|<mac address=.*?/>", "", xml).replace(
            "<name>db</name>", f"<name>{name}</name>"
        )
        for old, new in changes:
            changed = re.sub(old, new, xml, flags=re.DOTALL)
            assert changed != xml, old
            xml = changed
        path = where.directory / f"{name}.xml"
        path.write_text(xml)
        path.chmod(0o644)
        where.virsh("define", str(path))
        made.append((where, name))
        return name

    yield define
    for where, name in made:
        where.virsh("undefine", name)


async def key_of(fleet: Fleet, name: str, host: str = "alpha") -> ObjectKey:
    async with asyncio.timeout(20 * PATIENCE):
        while True:
            for each in fleet.state.instances.values():
                if each.name == name and each.host == host:
                    return each.key
            await fleet.links.refresh()


async def look(fleet: Fleet, name: str, **options: Any) -> dict[str, Finding]:
    return by_id(await preflight(fleet, name, **options))


async def preflight(fleet: Fleet, name: str, **options: Any) -> Preflight:
    return await fleet.migrations.preflight(
        Migrate(await key_of(fleet, name), **{"to": "beta", **options})
    )


def by_id(found: Preflight) -> dict[str, Finding]:
    return {each.id: each for each in found.findings}


def of(found: dict[str, Finding], *levels: Level) -> set[str]:
    return {name for name, each in found.items() if each.level in levels}


async def test_nothing_speaks_against_a_guest_on_shared_storage(
    fleet: Fleet, booted: Callable[..., None]
) -> None:
    await asyncio.to_thread(booted, "alpha", "db")
    before = {name: each.state for name, each in fleet.state.instances.items()}
    key = await key_of(fleet, "db")
    found = await fleet.migrations.preflight(Migrate(key, to="beta"))
    seen = by_id(found)
    assert of(seen, Level.BLOCKER, Level.UNKNOWN) == set(), found.findings
    for name in ("cpu", "machine", "memory", "disk-vda", "snapshots", "already-there", "job",
                 "pool-shared", "agent", "files", "same-host", "version-qemu"):  # fmt: skip
        assert seen[name].level is Level.OK, seen[name]
    assert "--unsafe" in found.virsh
    assert "migrate db" in found.virsh
    assert (await fleet.migrations.preflight(Migrate(key, to="beta"))).at == found.at, (
        "facts are kept"
    )
    assert {name: each.state for name, each in fleet.state.instances.items()} == before


async def test_what_libvirt_cannot_see_is_vouched_for(fleet: Fleet) -> None:
    """libvirt before 11 takes the lab's file system for local; both daemons are on this machine."""
    key = await key_of(fleet, "web")
    found = await fleet.migrations.preflight(Migrate(key, to="beta"))
    assert found.vouched
    assert "--unsafe" in found.virsh
    backed = by_id(found)
    assert backed["chain-vda"].level is Level.OK
    assert backed["unsafe"].level is Level.OK


async def test_everything_is_found_at_once(
    fleet: Fleet, defined: Callable[..., str], virsh: Callable[..., str], beta: LabHost
) -> None:
    name = defined(
        "wreck",
        ("<interface type='user'>", "<interface type='network'><source network='blue'/>"),
        (r"shared/db\.qcow2", "shared/not-there.qcow2"),
        ("<memory unit='KiB'>163840<", "<memory unit='TiB'>2<"),
        ("<currentMemory unit='KiB'>163840<", "<currentMemory unit='TiB'>2<"),
        ("<cpu .*?</cpu>|<cpu [^>]*/>", "<cpu mode='custom'><model>Skylake-Server</model></cpu>"),
    )
    defined(name, host=beta)
    found = await look(fleet, name)
    assert of(found, Level.BLOCKER) >= {
        "network-blue", "disk-vda", "memory", "cpu", "same-name", "state",
    }  # fmt: skip
    assert "avx512f" in found["cpu"].text
    assert "not-there" in found["disk-vda"].text
    assert "2.0 TiB" in found["memory"].text
    levels = [list(Level).index(each.level) for each in found.values()]
    assert levels == sorted(levels)


async def test_what_is_overridden_and_what_cannot_be(
    fleet: Fleet, defined: Callable[..., str], beta: LabHost
) -> None:
    name = defined("twofold", ("<memory unit='KiB'>163840<", "<memory unit='TiB'>2<"))
    defined(name, host=beta)
    found = await look(fleet, name, overrides=("memory", "same-name"))
    assert found["memory"].level is Level.WARNING
    assert found["memory"].text.startswith("Overridden: ")
    assert found["same-name"].level is Level.BLOCKER
    assert found["same-name"].fixed


async def test_the_same_instance_is_there_already(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "twin", wanted=Wanted.SHUT_OFF)
    path = beta.directory / "twin.xml"
    path.write_text(alpha.virsh("dumpxml", "--inactive", name))
    path.chmod(0o644)
    beta.virsh("define", str(path))
    assert (await look(fleet, name))["already-there"].level is Level.WARNING
    beta.virsh("start", "--paused", name)
    # another name there makes it look again: what was seen is kept for some seconds
    found = (await look(fleet, name, destination_name="other"))["already-there"]
    assert found.level is Level.BLOCKER
    assert found.fixed


async def test_the_same_instance_is_there_by_another_name(
    fleet: Fleet, alpha: LabHost, beta: LabHost, guest: Callable[..., str]
) -> None:
    """What is told as a blocker is what libvirt refuses, and the cure that is named works."""
    name = guest("alpha", "renamed", wanted=Wanted.SHUT_OFF)
    path = beta.directory / "renamed.xml"
    xml = alpha.virsh("dumpxml", "--inactive", name)
    path.write_text(xml.replace(f"<name>{name}<", "<name>earlier<"))
    path.chmod(0o644)
    beta.virsh("define", str(path))
    offline = ("migrate", name, beta.uri, "--offline", "--persistent", "--p2p")
    try:
        found = (await look(fleet, name, offline=True))["already-there"]
        assert (found.level, found.fixed) == (Level.BLOCKER, True)
        assert "earlier" in found.cure
        with pytest.raises(LabError, match="is already defined with uuid"):
            await asyncio.to_thread(alpha.virsh, *offline)
        cured = (await look(fleet, name, offline=True, destination_name="earlier"))["already-there"]
        assert cured.level is Level.WARNING
        await asyncio.to_thread(alpha.virsh, *offline, "--dname", "earlier")
    finally:
        beta.virsh("undefine", "earlier")


async def test_libvirt_there_judges_the_xml(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, defined: Callable[..., str]
) -> None:
    """What libvirt refuses when the migration begins, on either side, is told before."""
    file = lab.root / "shared" / "judged.raw"
    file.write_bytes(bytes(1 << 20))
    name = defined(
        "judged",
        (r"shared/db\.qcow2", "shared/judged.raw"),
        ("type='qcow2'", "type='raw' cache='none'"),
        ("<target dev='vda' bus='virtio'/>", "<target dev='vda' bus='virtio'/><serial>S1</serial>"),
    )
    os.chown(file, *((found := alpha.directory.stat()).st_uid, found.st_gid))
    alpha.virsh("start", "--paused", name)
    before = beta.virsh("list", "--all", "--uuid")

    def rewritten(driver: str) -> Rewrites:
        xml = f"<disk type='file'><driver {driver}/><source file='{file}'/></disk>"
        return Rewrites(volumes=(VolumeRewrite("S1", xml),))

    try:
        good = await look(fleet, name, rewrites=rewritten("name='qemu' type='raw' cache='none'"))
        assert good["xml"].level is good["guest-abi"].level is Level.OK
        native = "name='qemu' type='raw' cache='writeback' io='native'"
        bad = await look(fleet, name, rewrites=rewritten(native))
        assert bad["xml"].level is Level.BLOCKER
        assert "io='native' needs" in bad["xml"].text
    finally:
        alpha.virsh("destroy", name)
    assert beta.virsh("list", "--all", "--uuid") == before, "nothing was left there"


async def test_a_block_job_blocks(
    fleet: Fleet, lab: Lab, alpha: LabHost, defined: Callable[..., str]
) -> None:
    """libvirt: "domain has active block job"; it is no job of the domain's."""
    file, copy = lab.root / "shared" / "mirrored.raw", lab.root / "shared" / "mirror.raw"
    file.write_bytes(bytes(1 << 20))
    os.chown(file, *((found := alpha.directory.stat()).st_uid, found.st_gid))
    name = defined(
        "mirrored",
        (r"shared/db\.qcow2", "shared/mirrored.raw"),
        ("type='qcow2'", "type='raw' cache='none'"),
    )
    alpha.virsh("start", "--paused", name)
    try:
        assert (await look(fleet, name))["job"].level is Level.OK
        alpha.virsh("blockcopy", name, "vda", str(copy), "--transient-job", "--format", "raw")
        found_job = (await look(fleet, name, destination_name="other"))["job"]
        assert found_job.level is Level.BLOCKER
        assert "copy of vda" in found_job.text
        line = ("migrate", name, lab.host("beta").uri, "--live", "--p2p", "--unsafe")
        with pytest.raises(LabError, match="active block job"):
            await asyncio.to_thread(alpha.virsh, *line, "--migrateuri", "tcp://127.0.0.1")
    finally:
        alpha.virsh("destroy", name)


async def test_snapshots_block(
    fleet: Fleet, guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = guest("alpha", "snappy", wanted=Wanted.SHUT_OFF, disk="default/clone.qcow2")
    virsh("alpha", "snapshot-create-as", name, "one")
    try:
        found = await look(fleet, name)
        assert found["snapshots"].level is Level.BLOCKER
        assert found["state"].level is Level.BLOCKER
        offline = await look(fleet, name, offline=True)
        assert offline["state"].level is Level.OK
    finally:
        virsh("alpha", "snapshot-delete", name, "one")


async def test_a_disk_must_not_be_copied_onto_itself(fleet: Fleet) -> None:
    found = await look(fleet, "db", storage="copy-all")
    assert found["disk-vda"].level is Level.BLOCKER
    assert "onto itself" in found["disk-vda"].text


async def test_options_that_contradict_each_other(fleet: Fleet) -> None:
    found = await look(fleet, "db", tunnelled=True, parallel=2)
    assert found["options"].fixed
    assert found["state"].level is Level.OK, "the rest is judged all the same"


async def test_the_source_itself_and_a_host_that_is_not_open(fleet: Fleet) -> None:
    assert (await look(fleet, "db", to="alpha"))["same-host"].fixed
    assert (await look(fleet, "db", to="gamma"))["destination-link"].fixed


async def test_read_only(lab: Lab, uris: dict[str, str]) -> None:
    async with opened(uris, read_only=True) as fleet:
        found = await look(fleet, "db")
        assert {"source-read-only", "destination-read-only"} <= of(found, Level.BLOCKER)
        assert found["machine"].level is Level.UNKNOWN, "libvirt tells that only who may write"
        assert "read only" in found["machine"].text


async def test_one_host_under_two_addresses(lab: Lab, uris: dict[str, str]) -> None:
    twice = {"alpha": uris["alpha"], "beta": f"{uris['alpha']}&no_verify=1"}
    async with opened(twice) as fleet:
        assert (await look(fleet, "db"))["same-host"].fixed


@contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    """A process that hangs."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_an_instance_whose_process_hangs_is_looked_at_all_the_same(
    fleet: Fleet, guest: Callable[..., str], qemu_pid: Callable[[str, str], int]
) -> None:
    name = guest("alpha", "stuck")
    key = await key_of(fleet, name)
    with stopped(qemu_pid("alpha", name)):
        found = by_id(await fleet.migrations.preflight(Migrate(key, to="beta")))
    assert found["machine"].level is Level.OK
    assert found["snapshots"].level is Level.OK
    assert found["job"].level in (Level.OK, Level.UNKNOWN)


async def test_a_destination_that_hangs_is_a_finding(
    fleet: Fleet, beta: LabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.migration.execution.preflights.LOOK_DEADLINE", 4.0)
    key = await key_of(fleet, "db")
    with stopped(beta.pid):
        seen = by_id(await fleet.migrations.preflight(Migrate(key, to="beta")))
    assert seen["destination-answer"].level is Level.BLOCKER
    assert seen["snapshots"].level is Level.OK


async def test_a_destination_that_is_down_is_a_finding(lab: Lab, uris: dict[str, str]) -> None:
    nowhere = {**uris, "beta": "qemu+unix:///session?socket=/nowhere/libvirt-sock"}
    async with opened(nowhere) as fleet:
        assert fleet.state.hosts["beta"].link.status is not LinkStatus.UP
        found = await look(fleet, "db")
        assert found["destination-link"].fixed
        assert found["job"].level is Level.OK


async def test_the_dirty_rate_is_measured_before(fleet: Fleet, booted: Callable[..., None]) -> None:
    await asyncio.to_thread(booted, "alpha", "db")
    key = await key_of(fleet, "db")
    found = await fleet.migrations.preflight(Migrate(key, to="beta", bandwidth=10), measure=True)
    assert found.forecast is not None
    assert found.forecast.dirty_rate is not None
    # 30 MiB/s, as far as the machine lets it; the forecast's rate is calculated from these
    measured = [one.rate for one in found.memory.rates]
    assert measured
    assert all(0 < rate < 100 << 20 for rate in measured), measured
    assert found.forecast.dirty_rate > 0
    later = await fleet.migrations.preflight(Migrate(key, to="beta", bandwidth=100))
    assert later.forecast is not None
    assert later.forecast.dirty_rate == found.forecast.dirty_rate, "it is remembered"
    paused = await preflight(fleet, "cache")
    assert paused.forecast is None or paused.forecast.dirty_rate is None

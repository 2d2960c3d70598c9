"""Commands on real libvirt wait until all is known, however much it is, and say what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.completeness import Gap, complete, descriptions
from console.cli.root import run
from core.fleet import Fleet
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.observe import describing
from core.journal.replay import Replay
from core.model.base import ObjectKey
from tests.driver.command import Virtdeck, finish
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.worlds import POOL, VOLUME, instance_xml, wait_for
from tests.driver.worlds import uuid_of as uuid_in_world

MANY = 3000
QUIET = LinkOptions(statistics_interval=0, sweep_interval=0, backoff_first=0.05)


def world(tmp_path: Path, body: str) -> str:
    """The URI of a private world of libvirt's test driver."""
    path = tmp_path / "world.xml"
    path.write_text(f"<node>{body}</node>")
    return f"test://{path}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands that run in this process."""
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "journal.db"))


@pytest.mark.parametrize(
    ("details", "fields"), [([], ("state", "id")), (["--details"], ("disks",))]
)
def test_thousands_of_instances_are_all_read(
    details: list[str], fields: tuple[str, ...], virtdeck: Virtdeck, tmp_path: Path
) -> None:
    uri = world(tmp_path, "".join(map(instance_xml, range(MANY))))
    process = virtdeck.begin("-c", uri, "instances", "--json", *details)
    out, err = process.communicate()  # it takes as long as it takes
    rows = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err, len(rows)) == (0, "", MANY)
    assert all(row[field] for row in rows for field in fields)


def test_the_table_has_vcpus_and_memory_where_no_bulk_call_tells_them(virtdeck: Virtdeck) -> None:
    for _ in range(4):
        _, row = virtdeck("-c", "test:///default", "instances").out.splitlines()
        assert row.split()[4:8] == ["1", "2", "2.0G", "2.0G"]


def unreadable(monkeypatch: pytest.MonkeyPatch, uuid: str) -> None:
    """libvirt does not tell the XML of one instance."""
    read = describing.describe_instance

    def refusing(conn: Any, handles: Any, key: ObjectKey, **options: bool) -> Any:
        if key.id == uuid:
            raise libvirt.libvirtError("it is not told")
        return read(conn, handles, key, **options)

    monkeypatch.setattr(describing, "describe_instance", refusing)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", [["--json", "--details"], ["--filter", "vm"]])
def test_an_instance_that_cannot_be_read_is_named_and_the_status_says_so(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unreadable(monkeypatch, uuid_in_world(7))
    monkeypatch.setattr(describing, "_CHUNK", 1)
    body = "".join(map(instance_xml, range(12)))
    assert run(["-c", f"alpha={world(tmp_path, body)}", "instances", *words]) == 4
    said = capsys.readouterr()
    assert "not complete: alpha: 1 of 12 instances without" in said.err
    assert said.err.splitlines()[0].endswith(": vm7.")
    rows = said.out.splitlines()
    if "--json" in words:
        told = {row["name"]: row["described"] for row in map(json.loads, rows)}
        assert [name for name, described in told.items() if not described] == ["vm7"]
        assert len(told) == 12
    else:
        assert len(rows) == 13


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", [["volumes"], ["show", "pool:images"], ["show", "images/a.img"]])
def test_volumes_that_a_listing_could_only_name_are_read_before_they_are_shown(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(describing, "_CHUNK", 1)
    volumes = "".join(VOLUME.format(name=name) for name in ("a.img", "b.img"))
    pool = POOL.format(name="images", uuid=uuid_in_world(1)).replace("</pool>", f"{volumes}</pool>")
    assert run(["-c", f"alpha={world(tmp_path, pool)}", *words]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "1.0G" in said.out or words[-1] == "pool:images"


@pytest.mark.usefixtures("home")
def test_a_tape_has_the_sizes_of_volumes_before_its_time_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "_CHUNK", 1)
    volumes = "".join(VOLUME.format(name=f"{number}.img") for number in range(20))
    pool = POOL.format(name="images", uuid=uuid_in_world(1)).replace("</pool>", f"{volumes}</pool>")
    tape = tmp_path / "tape.jsonl"
    words = ["-c", f"alpha={world(tmp_path, pool)}", "record", str(tape), "--seconds", "0"]
    assert run(words) == 0
    replay = Replay(tape)
    replay.player.seek(replay.player.duration)
    assert len(replay.state.volumes) == 20
    assert all(volume.capacity for volume in replay.state.volumes.values())
    replay.close()


def at_the_first_read(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    read, done = describing.describe_instance, []

    def reading_one(*arguments: Any, **options: bool) -> Any:
        if not done:
            done.append(True)
            happens()
        return read(*arguments, **options)

    monkeypatch.setattr(describing, "describe_instance", reading_one)


async def gaps_of(daemon: PrivateDaemon) -> tuple[Gap, ...]:
    async with Fleet.open([f"alpha={daemon.uri}"], options=QUIET, operations=False) as fleet:
        await fleet.ready()
        return await complete(fleet, descriptions, patience=1.0)


async def test_a_host_that_stands_still_is_given_up_and_what_it_did_not_tell_is_counted(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_first_read(monkeypatch, daemon.stop)
    try:
        (gap,) = await gaps_of(daemon)
    finally:
        daemon.resume()
    assert (gap.host, gap.size) == ("alpha", 4)
    assert gap.what.startswith("4 instances without their details")


async def test_a_link_that_is_lost_meanwhile_is_no_complete_answer(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_first_read(monkeypatch, daemon.kill)
    (gap,) = await gaps_of(daemon)
    assert gap.what.startswith("the link was lost meanwhile: ")


def test_events_say_that_a_link_was_lost_while_they_were_watched(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    process = virtdeck.begin("-c", f"alpha={daemon.uri}", "events", "--count", 1,
                             "--filter", "kind:instance-lifecycle")  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()
    daemon.kill()
    assert "not complete: what happens on alpha" in process.stderr.readline()
    daemon.start()
    domain = daemon.keeper.lookupByUUIDString(uuid_of(1))

    def ended() -> bool:
        domain.destroy() if domain.isActive() else domain.create()
        return process.poll() is not None

    wait_for(ended, 60)
    assert finish(process).status == 4


@pytest.mark.usefixtures("home")
def test_fewer_events_than_were_wanted_are_not_all(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["events", "--count", "5", "--seconds", "0.2"]
    assert run(["-c", "test:///default", *words]) == 4
    assert "not complete: 5 of 5 events did not come." in capsys.readouterr().err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", [["hosts"], ["doctor"], ["show", "host:alpha"]])
def test_a_host_that_does_not_tell_what_it_is_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(*_: object) -> None:
        raise libvirt.libvirtError("it is not told")

    monkeypatch.setattr("core.hypervisor.observe.facts.read_facts", refusing)
    monkeypatch.setattr("core.doctor.machine_checks", lambda: iter(()))
    monkeypatch.setattr("console.cli.doctor.machine_checks", lambda: iter(()))
    assert run(["-c", "alpha=test:///default", *words]) == 4
    assert "not complete: alpha: " in capsys.readouterr().err

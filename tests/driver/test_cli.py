"""The command line as a process, on libvirt's test driver behind a real daemon."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from console.cli.root import run
from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.journal.tape import Tape
from tests.bench.terminal import Terminal
from tests.driver.command import Result, Virtdeck, finish
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.worlds import instance_xml, wait_for

DOWN = "gone=qemu+unix:///session?socket=/nowhere/sock"


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateDaemon]:
    """One daemon for the tests that only read, or leave things as they were."""
    with PrivateDaemon(instances=12, running=2) as private:
        yield private


@pytest.fixture
def on_shared(virtdeck: Virtdeck, shared: PrivateDaemon) -> Any:
    def on_alpha(*arguments: object) -> Result:
        return virtdeck("-c", f"alpha={shared.uri}", *arguments)

    return on_alpha


def table_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.out.splitlines()]


# -- reading ---------------------------------------------------------------------------------


def test_instances_are_a_table_in_natural_order(on_shared: Any) -> None:
    result = on_shared("instances")
    assert (result.status, result.err) == (0, "")
    header, *rows = table_of(result)
    assert header[:4] == ["HOST", "NAME", "STATE", "REASON"]
    assert [row[1] for row in rows] == ["test", *(f"vm{number:04}" for number in range(1, 13))]
    assert rows[1][:4] == ["alpha", "vm0001", "running", "booted"]
    assert rows[3][2] == "shutoff"
    assert "\x1b" not in result.out


def test_rates_are_in_the_json_when_asked_for(on_shared: Any) -> None:
    rows = {row["name"]: row for row in on_shared("instances", "--rates", "--json").rows}
    assert rows["test"]["rates"].keys() >= {"cpu", "read_requests", "sent"}
    assert rows["vm0003"]["rates"] is None


def test_every_field_is_in_the_json_and_what_is_not_known_is_null(on_shared: Any) -> None:
    rows = {row["name"]: row for row in on_shared("instances", "--json", "--details").rows}
    assert len(rows) == 13
    row = rows["vm0001"]
    assert (row["host"], row["uuid"], row["state"]) == ("alpha", uuid_of(1), "running")
    assert row["described"] is True
    assert row["disks"][0]["source"]["path"] == "/images/vm0001.qcow2"
    assert row["memory"] == 64 * 2**20
    assert rows["vm0009"]["id"] is None
    assert row.keys() == rows["vm0009"].keys()


def test_without_details_the_json_says_null_of_what_only_the_xml_tells(on_shared: Any) -> None:
    all_of_it = on_shared("instances", "--json", "--details").rows
    rows = {row["name"]: row for row in on_shared("instances", "--json").rows}
    assert len(rows) == 13
    for whole in all_of_it:
        row = rows[whole["name"]]
        assert row.keys() == whole.keys()
        assert row["described"] is False
        assert {name for name in row if row[name] is None and whole[name] is not None} == {
            "title", "description", "type", "architecture", "machine", "firmware", "cpu_mode",
            "boot", "kernel_root", "disks", "interfaces", "devices", "rescue",
            # QEMU's bulk statistics have these, the test driver's have not
            "vcpus", "vcpus_maximum", "memory", "memory_maximum",
        }  # fmt: skip
        for name in ("state", "id", "persistent", "autostart", "managed_save"):
            assert row[name] == whole[name], name


def test_details_are_for_json(on_shared: Any) -> None:
    refused = on_shared("instances", "--details")
    assert refused.status == 2
    assert refused.err.startswith("virtdeck: --details is for --json.")


def test_a_word_of_a_filter_is_looked_for_in_titles(virtdeck: Virtdeck, tmp_path: Path) -> None:
    world = tmp_path / "titles.xml"
    bodies = (instance_xml(1, title="the web-1 of ann"), instance_xml(2))
    world.write_text(f"<node>{''.join(bodies)}</node>")
    rows = virtdeck("-c", f"test://{world}", "instances", "--json", "--filter", "web-1").rows
    assert [row["name"] for row in rows] == ["vm1"]


def test_what_an_instance_has_of_its_host_is_listed(virtdeck: Virtdeck, tmp_path: Path) -> None:
    world = tmp_path / "devices.xml"
    devices = (
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/my data'/>"
        "<target dir='my data'/></filesystem>"
        "<tpm model='tpm-crb'><backend type='passthrough'><device path='/dev/tpm0'/></backend>"
        "</tpm></devices>"
    )
    body = instance_xml(1).replace("</devices>", devices)
    world.write_text(f"<node>{body}</node>")
    deck = f"test://{world}"
    rows = virtdeck("-c", f"alpha={deck}", "devices", "vm1", "--json").rows
    found = [(row["instance"], row["device"]["word"], row["device"]["source"]) for row in rows]
    assert found == [("vm1", "share:my data", "/srv/my data"), ("vm1", "", "/dev/tpm0")]
    text = virtdeck("-c", f"alpha={deck}", "devices", "vm1").out
    assert "share:my data" in text
    assert "/dev/tpm0" in text
    wrong = virtdeck("-c", f"alpha={deck}", "devices", "vm9")
    assert wrong.status != 0
    assert "There is no host or instance 'vm9'.\n  Did you mean 'vm1'?" in wrong.err


def test_a_filter_selects(on_shared: Any) -> None:
    rows = table_of(on_shared("instances", "--filter", "state:running vm"))
    assert [row[1] for row in rows[1:]] == ["vm0001", "vm0002"]


@pytest.mark.parametrize(
    ("command", "titles", "field"),
    [
        ("hosts", ["HOST", "LINK", "HYPERVISOR"], "link"),
        ("pools", ["HOST", "POOL", "STATE"], "capacity"),
        ("volumes", ["HOST", "POOL", "VOLUME"], "path"),
        ("networks", ["HOST", "NETWORK", "STATE"], "bridge"),
        ("operations", ["ID", "CREATED", "VERB"], "outcome"),
    ],
)
def test_every_listing_has_a_table_and_json(
    on_shared: Any, shared: PrivateDaemon, command: str, titles: list[str], field: str
) -> None:
    if command == "operations":
        assert on_shared("pause", "vm0002").status == 0
        assert on_shared("resume", "vm0002").status == 0
    if command == "volumes":
        pool = shared.keeper.storagePoolLookupByName("default-pool")
        if not pool.listVolumes():
            pool.createXML("<volume><name>one</name><capacity>1048576</capacity></volume>", 0)
    assert table_of(on_shared(command))[0][:3] == titles
    rows = on_shared(command, "--json").rows
    assert rows
    assert all(field in row for row in rows)


def test_hosts_say_what_they_are(on_shared: Any) -> None:
    (row,) = on_shared("hosts", "--json").rows
    assert row["link"]["status"] == "up"
    assert row["facts"]["hypervisor"].lower() == "test"
    assert row["facts"]["libvirt_version"]


def test_show_finds_an_object_by_any_of_its_names(on_shared: Any) -> None:
    for name in ("vm0001", uuid_of(1), "alpha/vm0001", "alpha:vm0001", "instance:vm0001"):
        result = on_shared("show", name)
        assert result.status == 0, name
        assert result.out.startswith("instance vm0001\n")
    (row,) = on_shared("show", "vm0001", "--json").rows
    assert row["kind"] == "instance"
    assert "<name>vm0001</name>" in row["detail"]["xml"]
    assert "<name>vm0001</name>" in on_shared("show", "vm0001", "--xml").out
    assert on_shared("show", "alpha").out.startswith("host alpha\n")
    assert on_shared("show", "pool:default-pool").out.startswith("pool default-pool\n")


def test_a_name_on_two_hosts_is_ambiguous(virtdeck: Virtdeck, shared: PrivateDaemon) -> None:
    hosts = ("-c", f"alpha={shared.uri}", "-c", "beta=test:///default")
    result = virtdeck(*hosts, "pause", "test")
    assert result.status == 1
    assert "alpha/test, beta/test" in result.err
    assert virtdeck(*hosts, "pause", "beta/test").status == 0
    result = virtdeck(*hosts, "show", "default-pool")
    assert "pool:alpha/default-pool, pool:beta/default-pool" in result.err


def test_hosts_come_from_the_configuration_too(virtdeck: Virtdeck) -> None:
    directory = virtdeck.home / "CONFIG" / "virtdeck"
    directory.mkdir(parents=True)
    (directory / "config.toml").write_text('[hosts]\nmine = "test:///default"\n')
    assert [row["name"] for row in virtdeck("hosts", "--json").rows] == ["mine"]
    other = virtdeck.home / "other.toml"
    other.write_text('hosts = ["other=test:///default"]\nread_only = true\n')
    assert [row["name"] for row in virtdeck("hosts", "--json", "--config", other).rows] == ["other"]
    assert "read-only" in virtdeck("--config", other, "pause", "test").err


def test_versions_and_help_are_everywhere(virtdeck: Virtdeck) -> None:
    for arguments in (("--version",), ("instances", "--version"), ("start", "--version")):
        result = virtdeck(*arguments)
        assert result.status == 0
        assert result.out.startswith("virtdeck ")
    help_ = virtdeck("--help").out
    for command in ("instances", "shutdown", "doctor", "lab", "replay"):
        assert command in help_
        assert virtdeck(command, "--help").status == 0


# -- operations ------------------------------------------------------------------------------


def test_the_power_verbs_do_what_they_say(daemon: PrivateDaemon, virtdeck: Virtdeck) -> None:
    def state() -> int:
        code: int = daemon.keeper.lookupByName("vm0001").state()[0]
        return code

    def on_alpha(*arguments: object) -> Result:
        return virtdeck("-c", f"alpha={daemon.uri}", *arguments)

    result = on_alpha("start", "vm0001")
    assert (result.status, state()) == (0, libvirt.VIR_DOMAIN_RUNNING)
    assert result.out.splitlines()[-1] == "vm0001: done: vm0001 is running"
    assert on_alpha("pause", "vm0001").status == 0
    assert state() == libvirt.VIR_DOMAIN_PAUSED
    assert on_alpha("resume", "vm0001").status == 0
    assert state() == libvirt.VIR_DOMAIN_RUNNING
    assert on_alpha("reboot", "vm0001").status == 0
    assert on_alpha("shutdown", "vm0001", "--timeout", "20", "--yes").status == 0
    assert state() == libvirt.VIR_DOMAIN_SHUTOFF
    assert on_alpha("start", "vm0001", "vm0002", "vm0001").status == 0
    assert on_alpha("stop", "vm0001", "vm0002", "--yes").status == 0
    assert state() == libvirt.VIR_DOMAIN_SHUTOFF
    verbs = [row["verb"] for row in on_alpha("operations", "--json").rows]
    assert verbs == ["start", "pause", "resume", "reboot", "shutdown", *["start"] * 2,
                     *["stop"] * 2]  # fmt: skip


def test_json_tells_every_step_of_an_operation(daemon: PrivateDaemon, virtdeck: Virtdeck) -> None:
    rows = virtdeck("-c", daemon.uri, "start", "vm0001", "--json").rows
    assert rows[0]["status"] == "queued"
    assert rows[-1]["status"] == "done"
    assert rows[-1]["outcome"] == "vm0001 is running"
    assert len({row["id"] for row in rows}) == 1


def test_what_can_lose_work_wants_a_yes(on_shared: Any, shared: PrivateDaemon) -> None:
    result = on_shared("stop", "vm0001")
    assert result.status == 1
    assert "what its guest has not written to disk is lost" in result.err
    assert "--yes" in result.err
    assert shared.keeper.lookupByName("vm0001").isActive()
    assert on_shared("shutdown", "vm0001").status == 1
    assert on_shared("reset", "vm0001").status == 1


def test_the_shutdown_of_a_transient_instance_says_that_it_is_gone_and_wants_a_yes(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    domain = daemon.keeper.lookupByName("vm0001")
    domain.create()
    domain.undefine()
    result = virtdeck("-c", f"alpha={daemon.uri}", "shutdown", "vm0001")
    assert result.status == 1
    assert "vm0001 is transient: once off, it cannot be started again." in result.err
    assert domain.isActive()
    assert virtdeck("-c", f"alpha={daemon.uri}", "shutdown", "vm0001", "--yes").status == 0
    assert "vm0001" not in [found.name() for found in daemon.keeper.listAllDomains()]


def test_a_drain_says_why_each_instance_stays(virtdeck: Virtdeck, shared: PrivateDaemon) -> None:
    """The test driver's hosts have 3 GiB and promise 8; they migrate nothing anyway."""
    hosts = ("-c", f"alpha={shared.uri}", "-c", "beta=test:///default")
    would = virtdeck(*hosts, "drain", "alpha", "--dry-run", "--order", "name")
    assert would.status == 1
    first, *rows = would.out.splitlines()
    assert first == "alpha: moves 0 instances, 2 at a time."
    stays = [row.split(" stays: ")[0].strip() for row in rows if " stays: " in row]
    assert stays == ["test", "vm0001", "vm0002"]
    assert any("is off: what is off is not moved" in row for row in rows)
    unsure = virtdeck(*hosts, "drain", "alpha", "--to", "beta")
    assert unsure.status == 1
    assert "memory left" in unsure.err


def test_a_refusal_of_one_does_not_stop_the_others(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    result = virtdeck("-c", daemon.uri, "start", "test", "vm0001")
    assert result.status == 1
    assert "test: test is already running: reboot restarts it." in result.err
    assert daemon.keeper.lookupByName("vm0001").isActive()


def test_one_unknown_name_stops_them_all(daemon: PrivateDaemon, virtdeck: Virtdeck) -> None:
    result = virtdeck("-c", daemon.uri, "start", "vm0001", "vm000x")
    assert result.status == 1
    assert "There is no instance 'vm000x'." in result.err
    assert not daemon.keeper.lookupByName("vm0001").isActive()


def test_read_only_is_taken_before_and_after_the_command(on_shared: Any) -> None:
    for arguments in (("--read-only", "pause", "vm0001"), ("pause", "vm0001", "--read-only")):
        result = on_shared(*arguments)
        assert result.status == 1
        assert "read-only" in result.err


def test_ctrl_c_ends_a_command_that_waits_for_a_hung_host(
    virtdeck: Virtdeck, daemon: PrivateDaemon
) -> None:
    process = virtdeck.begin("-c", daemon.uri, "events", "--follow")
    assert process.stderr is not None
    process.stderr.readline()
    daemon.stop()
    try:
        result = finish(process, interrupt=True)
    finally:
        daemon.resume()
    assert result.status == 130


# -- following -------------------------------------------------------------------------------


def test_events_come_as_they_happen(virtdeck: Virtdeck, daemon: PrivateDaemon) -> None:
    process = virtdeck.begin(
        "-c", f"alpha={daemon.uri}", "events", "--count", 2, "--filter", "kind:instance-lifecycle"
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "Watching 1 host; Ctrl-C ends.\n"
    domain = daemon.keeper.lookupByName("vm0001")
    domain.create()
    domain.suspend()
    result = finish(process)
    assert result.status == 0
    first, second = result.out.splitlines()
    assert first.endswith("alpha: vm0001 started")
    assert second.endswith("alpha: vm0001 was paused")


def test_events_as_json_until_ctrl_c(virtdeck: Virtdeck, daemon: PrivateDaemon) -> None:
    process = virtdeck.begin("-c", daemon.uri, "events", "--follow", "--json")
    domain = daemon.keeper.lookupByName("vm0001")
    assert process.stdout is not None
    end = time.monotonic() + 30
    while not select.select([process.stdout], [], [], 0.1)[0]:  # until it listens
        domain.create()
        domain.destroy()
        assert time.monotonic() < end
    assert '"event":"instance-lifecycle"' in process.stdout.readline()
    result = finish(process, interrupt=True)
    assert result.status == 130


def test_a_recording_holds_what_happened(virtdeck: Virtdeck, daemon: PrivateDaemon) -> None:
    file = virtdeck.home / "a.tape.gz"
    process = virtdeck.begin("-c", f"alpha={daemon.uri}", "record", file)
    assert process.stderr is not None
    assert process.stderr.readline() == "Recording 1 host until Ctrl-C.\n"
    daemon.keeper.lookupByName("vm0001").create()
    result = finish(process, interrupt=True)
    assert result.status == 0
    assert "observations" in result.err
    tape = Tape(file)
    kinds = {type(item).__name__ for item in tape.read(0, len(tape))}
    assert {"HostAdded", "LinkChanged", "Listed", "DetailRead", "InstancesDescribed"} <= kinds
    assert tape.warning == ""
    assert tape.header.hosts == ("alpha",)
    tape.close()
    checked = virtdeck("replay", file, "--check")
    assert (checked.status, "of alpha" in checked.err) == (0, True)


def test_a_killed_recording_can_be_played(virtdeck: Virtdeck, daemon: PrivateDaemon) -> None:
    file = virtdeck.home / "a.tape"
    process = virtdeck.begin("-c", daemon.uri, "record", file)
    assert process.stderr is not None
    process.stderr.readline()
    size = file.stat().st_size
    daemon.keeper.lookupByName("vm0001").create()
    wait_for(lambda: file.stat().st_size > size)
    process.kill()
    process.communicate()
    assert virtdeck("replay", file, "--check").status == 0


# -- what goes wrong -------------------------------------------------------------------------

BAD: dict[str, tuple[list[str], int, str]] = {
    "a URI without a driver": (["-c", "nonsense", "hosts"], 2, "no libvirt URI"),
    "an unknown driver": (["-c", "qmu:///system", "hosts"], 2, "Did you mean qemu?"),
    "two hosts of one name": (
        ["-c", "a=test:///default", "-c", "a=qemu:///system", "hosts"], 2, "called a"),
    "a refused connection": (["-c", "qemu+tcp://127.0.0.1:1/system", "hosts"], 3, "refuses"),
    "a socket that is not there": (["-c", DOWN, "instances"], 3, "virtdeck demo"),
    "an unknown instance": (["-c", "test:///default", "start", "nope"], 1, "no instance 'nope'"),
    "a misspelt instance": (["-c", "test:///default", "start", "tets"], 1, "mean 'test'"),
    "an instance with control characters": (
        ["-c", "test:///default", "start", "a\x1b[31mb"], 1, "no instance"),
    "a malformed filter": (
        ["-c", "test:///default", "instances", "-f", "state:no"], 2, "may be one of"),
    "a malformed event filter": (
        ["-c", "test:///default", "events", "--follow", "-f", "kind:xyz"], 2, "may be one of"),
    "events without an end": (["-c", "test:///default", "events"], 2, "--follow"),
    "an unknown command": (["nonsense"], 2, "No such command"),
    "a command's name mistyped": (["instaces"], 2, "Did you mean 'instances'?"),
    "an unknown option": (["instances", "--nonsense"], 2, "No such option"),
    "an option like two others": (
        ["instances", "--since"], 2, "No such option '--since'. Did you mean one of: "),
    "a verb without a name": (["start"], 2, "Missing argument"),
    "a console in a pipe": (["-c", "test:///default"], 2, "needs a terminal"),
    "a guest's console in a pipe": (
        ["-c", "test:///default", "console", "test"], 2, "ssh -t HOST virtdeck console"),
    "a demo in a pipe": (["demo"], 2, "needs a terminal"),
    "a tape that is not there": (["replay", "none.tape"], 1, "No such file"),
    "a configuration that is not there": (["--config", "none.toml", "hosts"], 2, "does not exist"),
    "a corrupt configuration": (["--config", "bad.toml", "hosts"], 2, "not valid TOML"),
    "a configuration with an unknown key": (["--config", "key.toml", "hosts"], 2, "Did you mean"),
    "a corrupt tape": (["replay", "bad.tape"], 1, "is not a tape"),
    "a tape of a newer virtdeck": (["replay", "new.tape"], 1, "has version 9"),
    "a recording over a file": (["-c", "test:///default", "record", "bad.tape"], 1, "--force"),
    "a migration without a destination": (["-c", "test:///default", "migrate", "test"], 2, "--to"),
    "a migration to an unknown host": (
        ["-c", "test:///default", "migrate", "test", "--to", "beta"], 1, "no host 'beta'"),
    "a migration of an unknown instance": (
        ["-c", "t=test:///default", "migrate", "tets", "--to", "t"], 1, "mean 'test'"),
    "a migration to where it is": (
        ["-c", "t=test:///default", "migrate", "test", "--to", "t"], 1, "is on t already"),
    "a migration with contradictory options": (
        ["migrate", "a", "--to", "b", "--post-copy", "allow", "--auto-converge"], 2, "excludes"),
    "a migration of several to one name": (
        ["migrate", "a", "b", "--to", "b", "--name", "c"], 2, "One new name"),
    "a migration with a bad number": (
        ["migrate", "a", "--to", "b", "--max-downtime", "soon"], 2, "not a valid integer"),
    "a migration with a malformed rewrite file": (
        ["migrate", "a", "--to", "b", "--rewrite", "bad.toml"], 2, "not valid TOML"),
    "steering what does not move": (
        ["-c", "test:///default", "migration", "abort", "test", "--yes"], 1, "no migration 'test'"),
    "setting nothing": (
        ["-c", "test:///default", "migration", "set", "test"], 2, "Nothing was named"),
    "an unknown thing to do to a migration": (["migration", "fly", "test"], 2, "No such command"),
    "a drain onto itself": (
        ["-c", "t=test:///default", "drain", "t", "--to", "t"], 1, "onto itself"),
    "a drain without another host": (
        ["-c", "t=test:///default", "drain", "t"], 1, "no other host"),
    "a drain of what is off": (["drain", "t", "--offline"], 2, "moves what runs"),
    "a timeout that makes no sense": (
        ["-c", "test:///default", "shutdown", "test", "--timeout", "-1"], 2, "not in the range"),
}  # fmt: skip


@pytest.fixture
def home(virtdeck: Virtdeck, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process as the home of a command: its directory and environment."""
    monkeypatch.chdir(virtdeck.home)
    for name, value in virtdeck.environment.items():
        monkeypatch.setenv(name, value)
    (virtdeck.home / "bad.toml").write_text("hosts = [\n")
    (virtdeck.home / "key.toml").write_text('host = ["qemu:///system"]\n')
    (virtdeck.home / "bad.tape").write_text("not a tape\n")
    (virtdeck.home / "new.tape").write_text('{"tape":9}\n')
    return virtdeck.home


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_its_cure(
    home: Path, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    arguments, status, message = BAD[case]
    assert run(arguments) == status
    out, err = capfd.readouterr()
    assert message in err
    assert out == ""
    assert "\x1b" not in err
    assert "Traceback" not in err
    sentence, *cure = err.splitlines()
    assert sentence.startswith("virtdeck: ")
    assert len(cure) <= 1


def test_the_status_is_the_status_of_the_process(virtdeck: Virtdeck) -> None:
    assert virtdeck("-c", "nonsense", "hosts").status == 2
    assert virtdeck("-c", DOWN, "hosts").status == 3
    assert virtdeck("-c", "test:///default", "start", "test").status == 1


def test_one_host_down_costs_its_own_lines_only(virtdeck: Virtdeck, shared: PrivateDaemon) -> None:
    result = virtdeck("-c", f"alpha={shared.uri}", "-c", DOWN, "instances")
    assert result.status == 3
    assert len(table_of(result)) == 14
    assert "Cannot reach the host gone" in result.err
    hosts = virtdeck("-c", f"alpha={shared.uri}", "-c", DOWN, "hosts", "--json").rows
    assert {row["name"]: row["link"]["status"] for row in hosts} == {"alpha": "up", "gone": "down"}
    missing = virtdeck("-c", f"alpha={shared.uri}", "-c", DOWN, "start", "nope")
    assert missing.status == 3
    assert "gone cannot be reached" in missing.err
    assert virtdeck("-c", f"alpha={shared.uri}", "-c", DOWN, "reboot", "vm0001").status == 0


def test_a_reader_that_went_away_is_no_error(virtdeck: Virtdeck, shared: PrivateDaemon) -> None:
    process = virtdeck.begin("-c", shared.uri, "instances", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert err == ""


def test_doctor_checks_machine_terminal_and_hosts(
    virtdeck: Virtdeck, shared: PrivateDaemon
) -> None:
    result = virtdeck("-c", f"alpha={shared.uri}", "-c", DOWN, "doctor", "--json")
    assert result.status == 3
    rows = {(row["subject"], row["what"]): row for row in result.rows}
    assert rows["machine", "python"]["verdict"] == "ok"
    assert rows["machine", "libvirt"]["verdict"] == "ok"
    assert rows["alpha", "link"]["verdict"] == "ok"
    assert rows["alpha", "libvirt"]["found"]
    assert rows["gone", "link"]["verdict"] == "failed"
    assert rows["gone", "link"]["cure"]
    assert rows["terminal", "size"]["verdict"] == "unknown"
    for row in rows.values():
        assert row["verdict"] in ("ok", "warning", "failed", "unknown")
        assert row["found"]


# -- on a terminal ---------------------------------------------------------------------------


def on_terminal(virtdeck: Virtdeck, arguments: list[str], *typed: tuple[bytes, bytes]) -> bytes:
    """Run a command on a terminal, type keys at each prompt, return everything it showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "console", *arguments],
        stdin=follower, stdout=follower, stderr=follower,
        env={**virtdeck.environment, "TERM": "xterm"}, cwd=virtdeck.home,
    )  # fmt: skip
    os.close(follower)
    shown, end, waiting, from_here = b"", time.monotonic() + 60, list(typed), 0
    try:
        while time.monotonic() < end:
            if not select.select([leader], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(leader, 4096)
            except OSError:  # the terminal's other end is closed: the command is over
                break
            if waiting and waiting[0][0] in shown[from_here:]:
                os.write(leader, waiting.pop(0)[1])
                from_here = len(shown)
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return shown + b"status %d" % process.returncode


def test_on_a_terminal_it_asks_and_names_what_goes_away(
    virtdeck: Virtdeck, daemon: PrivateDaemon
) -> None:
    event_loop.ensure_running()
    domain = daemon.keeper.lookupByName("vm0001")
    domain.create()
    command = ["-c", f"alpha={daemon.uri}", "stop", "vm0001"]
    prompt = b"Type vm0001 to go on"
    shown = on_terminal(virtdeck, command, (prompt, b"y\n"))
    assert b"Cuts the power of vm0001 on alpha" in shown
    assert shown.endswith(b"status 1")
    assert domain.isActive()
    shown = on_terminal(virtdeck, command, (prompt, b"vm0001\n"))
    assert shown.endswith(b"status 0")
    assert not domain.isActive()


def test_a_password_is_typed_twice_without_being_shown(virtdeck: Virtdeck) -> None:
    command = ["-c", "test:///default", "set-password", "test"]
    first, second = b"Password: ", b"Repeat for confirmation: "
    typed = ((first, b"one\n"), (second, b"two\n"), (first, b"three\n"), (second, b"three\n"))
    shown = on_terminal(virtdeck, command, *typed, (b"Go on?", b"y\n"))
    assert b"do not match" in shown
    assert b"test has no guest agent channel" in shown
    assert shown.endswith(b"status 1")
    assert not any(word in shown for word in (b"one\r", b"two\r", b"three"))
    told = virtdeck(*command)
    assert told.status == 2
    assert "--password-file is missing." in told.err


def test_a_journal_that_leads_nowhere_is_no_journal_without_operations(virtdeck: Virtdeck) -> None:
    (virtdeck.home / "journal.db").symlink_to(virtdeck.home / "gone" / "journal.db")
    told = virtdeck("operations")
    assert told.status != 0
    assert "journal.db cannot be used" in told.err


def test_a_damaged_journal_is_one_line_on_the_error_stream(
    on_shared: Any, virtdeck: Virtdeck
) -> None:
    (virtdeck.home / "journal.db").write_bytes(b"no database at all" * 100)
    result = on_shared("start", "vm0001")
    damaged, refused = result.err.splitlines()
    assert damaged.startswith("virtdeck: The journal was damaged")
    assert "already running" in refused
    assert "The journal was damaged" not in on_shared("start", "vm0001").err
    assert "damaged" in next(virtdeck.home.rglob("virtdeck.log")).read_text()


@pytest.mark.parametrize(
    ("where", "status", "says"),
    [
        ("hosts >/dev/full", 1, "No space left"),
        ("hosts >&-", 0, ""),
        ("hosts 2>&-", 0, ""),
        ("start nothing 2>/dev/full", 1, ""),
        ("stop test 2>/dev/full", 1, ""),  # nobody says yes
        ("stop test --yes 2>/dev/full", 0, ""),
    ],
)
def test_an_output_that_cannot_be_written_is_no_defect(
    virtdeck: Virtdeck, where: str, status: int, says: str
) -> None:
    command = f"exec {sys.executable} -m console -c test:///default {where}"
    done = subprocess.run(
        ["sh", "-c", command],
        env=virtdeck.environment,
        cwd=virtdeck.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert says in done.stderr
    assert "defect" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr


# -- what libraries have to say -------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        DOWN,  # libvirt's client logs a warning of a machine that does not know its own name
        "test:///nofile.xml",  # libxml2 has a line of its own about the file
    ],
)
def test_only_our_sentences_reach_the_error_stream(virtdeck: Virtdeck, uri: str) -> None:
    words = ["-c", "test:///default", "-c", uri, "hosts"]
    done = subprocess.run(
        nameless([sys.executable, "-m", "console", *words]),
        env=virtdeck.environment,
        cwd=virtdeck.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if line.startswith(("virtdeck: ", "  "))]
    assert ours
    assert done.stderr.splitlines() == ours
    said = next(virtdeck.home.rglob("virtdeck.log")).read_text()
    assert "nofile.xml" in said or "getaddrinfo failed" in said


def test_nothing_but_the_console_is_on_its_screen(virtdeck: Virtdeck) -> None:
    words = ["-c", "test:///default", "-c", DOWN, "-c", "test:///nofile.xml"]
    console = nameless([sys.executable, "-m", "console", *words])
    with Terminal(command=console, environment=virtdeck.environment) as terminal:
        assert terminal.wait(lambda lines: {"gone down", "nofile down"} <= links(lines[0]), 60)
        log = next(virtdeck.home.rglob("virtdeck.log"))
        # whoever writes to it reads what libvirt says a moment later
        assert terminal.wait(lambda _: "getaddrinfo" in log.read_text(), 60), log.read_text()
        shown = "\n".join(terminal.screen.display)
    assert "I/O warning" not in shown
    assert "libvirt: " not in shown
    assert "getaddrinfo" not in shown


def links(line: str) -> set[str]:
    """What the console's first line says of each host: its name and its link."""
    words = line.split()
    return {" ".join(pair) for pair in pairwise(words)}


def nameless(words: list[str]) -> list[str]:
    """A command on a machine whose own name nothing resolves."""
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'hostname no-such-host && exec "$@"'
    return ["unshare", "--uts", *own, "sh", "-c", script, "sh", *words]

"""The command line as a process on the real lab: two daemons, real guests."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.journal.replay import Replay
from core.lab import Lab, Wanted
from core.model import InstanceState
from tests.driver.command import Result, Virtdeck, finish

Command = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
def hosts(uris: dict[str, str]) -> list[str]:
    return [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]


@pytest.fixture
def virtdeck(home: Virtdeck, hosts: list[str]) -> Command:
    def run(*arguments: object) -> Result:
        return home(*hosts, *arguments)

    return run


def test_the_six_guests_of_both_hosts_are_listed(virtdeck: Command) -> None:
    result = virtdeck("instances", "--json", "--details")
    assert (result.status, result.err) == (0, "")
    rows = {row["name"]: row for row in result.rows}
    assert {name: rows[name]["host"] for name in ("web", "db", "cache", "mail", "archive")} == {
        "web": "alpha", "db": "alpha", "cache": "alpha", "mail": "beta", "archive": "beta",
    }  # fmt: skip
    assert rows["cache"]["state"] == "paused"
    assert rows["archive"]["state"] == "shutoff"
    assert rows["archive"]["id"] is None
    assert rows["batch"]["persistent"] is False
    less = 96 * 2**20 - rows["web"]["memory"]
    assert less in (0, 8192), "emulated guests get a little less"
    assert rows["web"]["disks"][0]["backing"]
    text = virtdeck("instances", "--filter", "host:alpha state:paused").out.splitlines()
    assert [line.split()[:3] for line in text[1:]] == [["alpha", "cache", "paused"]]


def test_rates_of_a_busy_guest_are_seen_within_seconds(virtdeck: Command) -> None:
    header, *rows = (line.split() for line in virtdeck("instances", "--rates").out.splitlines())
    cpu = header.index("CPU")
    (web,) = [row for row in rows if row[1] == "web"]
    assert web[cpu].endswith("%")


def test_hosts_pools_volumes_and_networks_are_the_labs(virtdeck: Command) -> None:
    facts = {row["name"]: row["facts"] for row in virtdeck("hosts", "--json").rows}
    assert facts["alpha"]["hypervisor"] == facts["beta"]["hypervisor"] == "QEMU"
    pools = {(row["host"], row["name"]) for row in virtdeck("pools", "--json").rows}
    assert {("alpha", "default"), ("beta", "default"), ("alpha", "shared")} <= pools
    volumes = {row["name"]: row for row in virtdeck("volumes", "--json").rows}
    assert volumes["web.qcow2"]["backing"].endswith("web-base.qcow2")
    used = {row["name"] for row in virtdeck("volumes", "-f", "used:yes", "--json").rows}
    assert "web.qcow2" in used
    assert "spare.raw" not in used
    assert virtdeck("networks").status == 0


def test_show_reads_a_guest_and_a_host(virtdeck: Command) -> None:
    (row,) = virtdeck("show", "web", "--json").rows
    assert row["state"] == "running"
    assert "<name>web</name>" in row["detail"]["xml"]
    assert "QEMU" in virtdeck("show", "host:alpha").out


def test_a_guest_is_started_paused_and_asked_to_go(
    virtdeck: Command,
    virsh: Callable[..., str],
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    name = guest("beta", "obedient", wanted=Wanted.SHUT_OFF)
    assert virtdeck("start", name).status == 0
    assert virsh("beta", "domstate", name) == "running"
    assert virtdeck("pause", f"beta/{name}").status == 0
    assert virsh("beta", "domstate", name) == "paused"
    assert virtdeck("resume", f"beta:{name}").status == 0
    booted("beta", name)
    result = virtdeck("shutdown", name, "--yes", "--json")
    assert result.status == 0
    assert result.rows[-1]["outcome"] == f"{name} is shut off"
    assert virsh("beta", "domstate", name) == "shut off"
    verbs = [row["verb"] for row in virtdeck("operations", "--json").rows]
    assert verbs == ["start", "pause", "resume", "shutdown"]


def test_a_guest_that_does_not_obey_is_a_failure_and_then_stop_cuts_its_power(
    virtdeck: Command,
    virsh: Callable[..., str],
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    name = guest("alpha", "stubborn", "vd.noshutdown")
    booted("alpha", name)
    result = virtdeck("shutdown", name, "--timeout", 2, "--no-then-stop")
    assert result.status == 1
    assert f"{name} did not power off in 2 s" in result.out
    assert "stop" in result.err
    assert virsh("alpha", "domstate", name) == "running"
    result = virtdeck("shutdown", name, "--timeout", 2, "--yes")
    assert result.status == 0
    assert virsh("alpha", "domstate", name) == "shut off"


def test_ctrl_c_while_a_guest_is_asked_says_what_goes_on(
    home: Virtdeck,
    hosts: list[str],
    guest: Callable[..., str],
    booted: Callable[..., None],
    virsh: Callable[..., str],
) -> None:
    name = guest("alpha", "deaf", "vd.noshutdown")
    booted("alpha", name)
    process = home.begin(*hosts, "shutdown", name, "--timeout", 300, "--yes")
    assert process.stdout is not None
    assert "asking the guest" in process.stdout.readline()
    result = finish(process, interrupt=True)
    assert result.status == 130
    assert f"No longer waiting for shutdown of {name}" in result.err
    assert virsh("alpha", "domstate", name) == "running"
    (row,) = home(*hosts, "operations", "--json").rows
    assert "finds out what became of it" in result.err
    assert row["status"] not in ("done", "failed")


def test_an_outcome_nobody_saw_is_unknown(
    home: Virtdeck,
    hosts: list[str],
    lab: Lab,
    guest: Callable[..., str],
    eventually: Callable[..., Any],
) -> None:
    """The daemon hangs once the guest was asked: "it did not obey" would be a guess."""
    name, daemon = guest("beta", "mute", "vd.noshutdown"), lab.host("beta").pid
    assert daemon is not None
    process = home.begin(*hosts, "shutdown", name, "--timeout", 5, "--yes")
    assert process.stdout is not None
    try:
        assert any("waiting for the guest" in line for line in process.stdout)
        os.kill(daemon, signal.SIGSTOP)
        result = finish(process)
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert result.status == 4
    assert "its outcome was not seen" in result.out + result.err
    eventually(lambda: home(*hosts, "hosts").status == 0, "both hosts answer again", 40)


def test_a_transient_guest_is_named_as_what_goes_away(virtdeck: Command) -> None:
    result = virtdeck("stop", "batch")
    assert result.status == 1
    assert "batch is transient: once off, it cannot be started again" in result.err
    assert {row["name"] for row in virtdeck("instances", "--json").rows} >= {"batch"}


def test_a_hung_daemon_costs_its_own_lines_only(
    virtdeck: Command, lab: Lab, eventually: Callable[..., Any]
) -> None:
    pid = lab.host("beta").pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        result = virtdeck("instances")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result.status == 3
    assert "Cannot reach the host beta" in result.err
    assert {line.split()[0] for line in result.out.splitlines()[1:]} == {"alpha"}
    eventually(lambda: virtdeck("hosts").status == 0, "both hosts answer again")


def test_a_tape_of_the_lab_shows_what_happened(
    home: Virtdeck, hosts: list[str], guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = guest("alpha", "filmed")
    file = home.home / "lab.tape.gz"
    process = home.begin(*hosts, "record", file)
    assert process.stderr is not None
    line = process.stderr.readline()
    while line and not line.startswith("Recording"):
        line = process.stderr.readline()
    virsh("alpha", "suspend", name)
    follow = home(*hosts, "instances", "-f", f"name:{name}", "--json")
    assert follow.rows[0]["state"] == "paused"
    assert finish(process, interrupt=True).status == 0
    replay = Replay.at(file, 0.0)
    replay.player.seek(replay.player.duration)
    states = {item.name: item for item in replay.state.instances.values()}
    assert states[name].state is InstanceState.PAUSED
    assert {"web", "mail", "batch"} <= states.keys()
    assert all(host.link.status == "up" for host in replay.state.hosts.values())
    assert any(event.name == name for event in replay.state.events)
    replay.close()


def test_doctor_finds_both_hosts(virtdeck: Command) -> None:
    rows = [json.loads(line) for line in virtdeck("doctor", "--json").out.splitlines()]
    links = {row["subject"]: row["verdict"] for row in rows if row["what"] == "link"}
    assert links == {"alpha": "ok", "beta": "ok"}

"""The lab itself: brought up twice, broken and mended, two side by side, down without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import LabError
from core.lab import Lab, LabHost, Wanted
from core.lab.furnish import agent_answers
from core.lab.places import make_private
from core.lab.processes import belonging
from tests.lab.conftest import remove_left_overs
from tests.lab.scratch_disk import SMALL
from tests.patience import PATIENCE
from tests.places import lab_name

SIX = {
    "alpha": {"web": "running", "db": "running", "cache": "paused"},
    "beta": {"mail": "running", "archive": "shut off", "batch": "running"},
}


@pytest.fixture
def bare() -> Iterator[Callable[[str], Lab]]:
    """Labs of a test's own, without guests, taken down at its end."""
    labs: list[Lab] = []

    def make(suffix: str) -> Lab:
        lab = Lab(lab_name(suffix))
        labs.append(lab)
        lab.up(guests=False)
        return lab

    yield make
    for lab in labs:
        lab.down()


def processes_of(lab: Lab) -> set[int]:
    return {process.pid for process in belonging(lab.root, lab.account.uid)}


def test_two_hosts_with_six_guests(lab: Lab) -> None:
    assert {host.name: host.instances() for host in lab.hosts} == SIX
    assert lab.host("beta").virsh("list", "--all", "--transient", "--name").strip() == "batch"


def test_pools_and_a_backing_chain(lab: Lab, virsh: Callable[..., str]) -> None:
    for host in lab.hosts:
        pools = virsh(host.name, "pool-list", "--name").split()
        assert pools == ["default", "shared"]
        virsh(host.name, "pool-refresh", "shared")  # other tests leave files there
    overlay = virsh("alpha", "vol-dumpxml", "clone.qcow2", "--pool", "default")
    assert "<backingStore>" in overlay
    both = {virsh(host.name, "vol-list", "shared") for host in lab.hosts}
    assert len(both) == 1
    assert "web-base.qcow2" in both.pop()


def test_up_again_changes_nothing(lab: Lab) -> None:
    before = processes_of(lab)
    said: list[str] = []
    lab.up(say=said.append)
    assert processes_of(lab) == before
    assert said == ["alpha was up already", "beta was up already"]


def test_agents_answer_and_the_console_is_logged(
    lab: Lab, booted: Callable[..., None], eventually: Callable[..., Any]
) -> None:
    booted("alpha", "web", "db")
    booted("beta", "mail", "batch")
    for name in ("web", "db", "mail", "batch"):
        log = lab.root / "logs" / f"{name}.log"
        shell = f"{name}:/#"
        eventually(lambda log=log, shell=shell: shell in log.read_text(errors="replace"), shell)


def test_a_killed_daemon_is_restarted_and_finds_its_guests(lab: Lab, alpha: LabHost) -> None:
    old, web = alpha.pid, alpha.qemu_pid("web")
    assert old is not None
    process = psutil.Process(old)
    process.kill()
    psutil.wait_procs([process], timeout=10 * PATIENCE)
    assert not lab.status().running
    lab.up()
    assert alpha.pid not in (old, None)
    assert alpha.qemu_pid("web") == web
    assert alpha.instances() == SIX["alpha"]


def test_a_guest_that_died_is_started_again(lab: Lab, alpha: LabHost) -> None:
    alpha.virsh("destroy", "cache")
    lab.up()
    assert alpha.instances() == SIX["alpha"]


def test_a_transient_guest_that_is_gone_is_made_again(lab: Lab, beta: LabHost) -> None:
    beta.virsh("destroy", "batch")
    assert "batch" not in beta.instances()
    lab.up()
    assert beta.instances() == SIX["beta"]


def test_what_an_operator_moved_is_not_made_twice(lab: Lab, alpha: LabHost, beta: LabHost) -> None:
    """Paused, for a kernel that runs does not always survive a move in emulation; and made anew
    afterwards, for QEMU before 10 dies of a second move of one that stayed paused.
    """
    alpha.virsh("suspend", "web")
    move(alpha, beta, "web", "--live")
    try:
        lab.up()
        assert "web" not in alpha.instances()
        assert beta.instances()["web"] == "paused"
    finally:
        beta.virsh("destroy", "web")
        beta.virsh("undefine", "web")
        lab.up()


def move(source: LabHost, target: LabHost, name: str, *flags: str) -> None:
    """Migrate; the unsafe flag because libvirt before 11 does not know a shared directory."""
    source.virsh(
        *("migrate", "--p2p", "--persistent", "--undefinesource", "--unsafe", *flags),
        *("--migrateuri", "tcp://127.0.0.1", "--listen-address", "127.0.0.1"),
        *(name, target.uri),
        deadline=60 * PATIENCE,
    )


def test_post_copy_finishes_what_pre_copy_cannot(
    lab: Lab, alpha: LabHost, beta: LabHost, booted: Callable[..., None],
    eventually: Callable[..., Any],
) -> None:  # fmt: skip
    ability = lab.post_copy()
    if not ability.works:
        assert ability.cure
        with pytest.raises(LabError, match=r"(?i)postcopy is not supported"):
            move(alpha, beta, "db", "--live", "--postcopy", "--postcopy-after-precopy")
        return
    booted("alpha", "db")
    outcome: list[BaseException | None] = []

    def migrate() -> None:
        try:
            move(alpha, beta, "db", "--live", "--postcopy", "--bandwidth", "15")
            outcome.append(None)
        except LabError as problem:
            outcome.append(problem)

    thread = threading.Thread(target=migrate)
    thread.start()
    try:
        eventually(lambda: iteration(alpha) >= 2 or outcome, "the second iteration", 60)
        assert not outcome
        alpha.virsh("migrate-postcopy", "db")
    finally:
        thread.join(60 * PATIENCE)
    assert outcome == [None]
    assert beta.instances()["db"] == "running"
    assert "db" not in alpha.instances()
    eventually(lambda: agent_answers(beta, "db"), "the agent answers on beta", 30)
    # Not moved back: a guest that writes this fast and runs without KVM is not sure to survive
    # being suspended for the last pass (seen: a kernel panic), and other tests need it whole.
    beta.virsh("destroy", "db")
    beta.virsh("undefine", "db")
    lab.up(say=print)
    assert alpha.instances()["db"] == "running"


def iteration(host: LabHost) -> int:
    """The pre-copy iteration db's migration is in; 0 while libvirt does not say."""
    try:
        figures = host.virsh("domjobinfo", "db")
    except LabError:
        return 0
    lines = (line.partition(":") for line in figures.splitlines())
    return int({key: value for key, _, value in lines}.get("Iteration", "0"))


def test_a_guest_that_ignores_the_power_button(
    alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None], lab: Lab,
    eventually: Callable[..., Any],
) -> None:  # fmt: skip
    stubborn, obedient = guest("alpha", "stubborn", "vd.noshutdown"), guest("alpha", "obedient")
    booted("alpha", stubborn, obedient)
    for name in (stubborn, obedient):
        alpha.virsh("shutdown", name, "--mode", "acpi")
    eventually(lambda: alpha.instances()[obedient] == "shut off", "the obedient guest is off")
    assert alpha.instances()[stubborn] == "running"


def test_a_guest_that_panics_is_kept_crashed(
    alpha: LabHost, guest: Callable[..., str], eventually: Callable[..., Any]
) -> None:
    name = guest("alpha", "fragile", "vd.panic=0")
    eventually(lambda: alpha.instances()[name] == "crashed", "the panic is seen", 60)


def test_a_shut_off_guest_of_a_test(alpha: LabHost, guest: Callable[..., str]) -> None:
    name = guest("alpha", "idle", wanted=Wanted.SHUT_OFF)
    assert alpha.instances()[name] == "shut off"


def test_a_directory_that_another_command_just_made_is_no_stranger_s(
    lab: Lab, tmp_path: Path
) -> None:
    place = tmp_path / "made"
    place.mkdir(mode=0o700)  # and not given away yet
    make_private(place, lab.account)
    assert place.stat().st_uid == lab.account.uid


def test_two_labs_side_by_side_and_down_without_a_trace(bare: Callable[[str], Lab]) -> None:
    one, two = bare("a"), bare("b")
    assert {host.pid for host in one.hosts}.isdisjoint({host.pid for host in two.hosts})
    uuids = {
        line
        for lab in (one, two)
        for host in lab.hosts
        for line in host.virsh("capabilities").splitlines()
        if "<uuid>" in line
    }
    assert len(uuids) == 4
    gone = processes_of(one)
    assert len(gone) == 2
    one.down()
    assert not any(psutil.pid_exists(pid) for pid in gone)
    assert not one.root.exists()
    assert two.status().running
    one.down()


def test_down_ends_guests_whose_daemon_and_pid_files_are_gone(bare: Callable[[str], Lab]) -> None:
    lab = bare("c")
    host = lab.hosts[0]
    lab.up()
    guests = [host.qemu_pid(name) for name in ("web", "db", "cache")]
    host.stop_daemon()
    for file in (host.directory / "run/libvirt/qemu/run").glob("*.pid"):
        file.unlink()
    os.kill(guests[0], signal.SIGSTOP)
    lab.down()
    assert not any(psutil.pid_exists(pid) for pid in guests)
    assert not lab.root.exists()


def test_a_hung_daemon_is_replaced(bare: Callable[[str], Lab]) -> None:
    lab = bare("d")
    hung = lab.hosts[1].pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    lab.up(guests=False)
    assert lab.hosts[1].pid != hung
    assert lab.status().running


def test_a_pid_file_that_names_a_stranger_is_not_believed(bare: Callable[[str], Lab]) -> None:
    lab = bare("e")
    host = lab.hosts[0]
    host.stop_daemon()
    (host.directory / "daemon.pid").write_text(str(os.getpid()))
    assert host.pid is None
    lab.down()
    assert not host.directory.exists()


def test_a_lab_whose_directory_was_removed_is_replaced(bare: Callable[[str], Lab]) -> None:
    lab = bare("f")
    lost = processes_of(lab)
    shutil.rmtree(lab.root)
    lab.up(guests=False)
    assert lab.status().running
    assert processes_of(lab).isdisjoint(lost)
    shutil.rmtree(lab.root)
    lab.down()
    assert not processes_of(lab)


def test_no_process_of_the_lab_hears_the_terminal(lab: Lab) -> None:
    sessions = {os.getsid(pid) for pid in processes_of(lab)}
    assert os.getsid(0) not in sessions


def test_a_file_system_that_a_killed_run_left_mounted_goes_with_its_lab(lab: Lab) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Lab(f"t{ended.pid:06x}")
    make_private(left.root, left.account)
    place = left.root / "alpha" / SMALL
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", SMALL, str(place)], check=True)
    (place / "file").touch()
    remove_left_overs(lab)
    assert not left.root.exists()
    assert str(place) not in Path("/proc/self/mounts").read_text()

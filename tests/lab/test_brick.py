"""The process that runs os-brick: the real one, with the real os-brick, here and behind ssh."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from core.errors import NotSentError
from core.volumes.brick import child
from core.volumes.brick.place import BrickHost, brick_host
from core.volumes.brick.process import BrickError, BrickLostError, BrickProcess
from core.volumes.connection_info import read_connection_info
from core.volumes.protocols import family_of
from tests.lab.private_sshd import PrivateSshd
from tests.patience import PATIENCE
from tests.unit.core.volumes.infos import DATA, document

HERE = BrickHost(python=sys.executable, root=False)
LONG = 60.0 * PATIENCE


def started(host: BrickHost = HERE, **more: object) -> BrickProcess:
    return BrickProcess(host, starting=LONG, **more)  # type: ignore[arg-type]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put a program in the way of what the process starts."""

    def place(name: str, lines: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        return path

    return place


def test_a_volume_is_connected_and_let_go_by_the_real_os_brick(tmp_path: Path) -> None:
    info = read_connection_info(document("local", device_path=str(tmp_path)))
    with started() as brick:
        answer = brick.ask("connect", LONG, protocol="local", data=dict(info.data))
        assert family_of(info).place(info, answer.value).source == str(tmp_path)
        device = answer.value
        gone = brick.ask("disconnect", LONG, protocol="local", data=dict(info.data), device=device)
        assert gone.value is None
        gpfs = brick.ask("connect", LONG, protocol="gpfs", data=DATA["gpfs"]).value
        assert gpfs["path"] == DATA["gpfs"]["device_path"]


def test_a_volume_is_held_by_one_process_after_the_other() -> None:
    key = f"test-{uuid4()}"
    folder = Path(child._locks(), "volumes")
    try:
        with started() as brick, started() as other:
            assert brick.ask("hold", LONG, key=key, note="web.v1").value == []
            with ThreadPoolExecutor(1) as pool:
                later = pool.submit(other.ask, "hold", LONG, key=key, forget="db.v1")
                with pytest.raises(FutureTimeoutError):
                    later.result(1.0)
                brick.close()
                assert later.result(LONG).value == ["web.v1"]
            other.ask("forget", LONG, whom="web.v1")
            assert not list(folder.glob(f"{key}.for.*"))
    finally:
        (folder / f"{key}.lock").unlink()


def test_an_error_has_its_name_a_cure_and_no_secret() -> None:
    with started(secrets=("CHAP-WORD",)) as brick:
        with pytest.raises(BrickError) as raised:
            brick.ask("connect", LONG, protocol="chap-word", data={})
        assert raised.value.name == "InvalidConnectorProtocol"
        assert "withheld" in raised.value.message
        assert "CHAP-WORD" not in str(raised.value)
        assert raised.value.hint
        with pytest.raises(BrickError, match=r"failed \(ValueError\): .*no device_path"):
            brick.ask("connect", LONG, protocol="local", data={})
        assert brick.ask("connect", LONG, protocol="local", data=DATA["local"]).value  # it goes on


@pytest.mark.parametrize("protocol", ["aoe", "drbd", "hgst", "disco", "sheepdog"])
def test_os_brick_itself_has_no_connector_of_what_is_told_to_be_gone(protocol: str) -> None:
    with started() as brick, pytest.raises(BrickError, match="InvalidConnectorProtocol"):
        brick.ask("connect", LONG, protocol=protocol.upper(), data={})


HANGS = "touch {0}/began; exec sleep 600"


def iscsi(brick: BrickProcess, deadline: float) -> None:
    brick.ask("connect", deadline, protocol="iscsi", data=DATA["iscsi"], attempts=1)


def test_one_that_is_killed_while_it_connects_leaves_the_outcome_open(
    program: Callable[[str, str], Path], tmp_path: Path, eventually: Callable[..., bool]
) -> None:
    program("iscsiadm", HANGS.format(tmp_path))

    def kill() -> None:
        while not (tmp_path / "began").exists():
            pass
        os.kill(brick.pid, signal.SIGKILL)

    with started() as brick:
        threading.Thread(target=kill, daemon=True).start()
        with pytest.raises(BrickLostError, match="ended in the middle of connect") as raised:
            iscsi(brick, LONG)
    assert raised.value.hint == "Whether it took effect is seen on the host."
    eventually(lambda: not left(tmp_path), "its command is ended")


def test_one_that_hangs_is_given_up_and_leaves_no_command_behind(
    program: Callable[[str, str], Path], tmp_path: Path, eventually: Callable[..., bool]
) -> None:
    program("iscsiadm", HANGS.format(tmp_path))
    with started() as brick, pytest.raises(BrickLostError, match="not answer to connect in time"):
        iscsi(brick, 1.0)
    eventually(lambda: not left(tmp_path), "its command is ended")


def left(directory: Path) -> list[psutil.Process]:
    """What still runs of what the process has started."""
    found = []
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}
        if str(directory) in environment.get("PATH", "") and process.pid != os.getpid():
            with suppress(psutil.NoSuchProcess):  # it ended while we looked
                found += [] if process.status() == psutil.STATUS_ZOMBIE else [process]
    return found


def test_an_error_brings_what_os_brick_warned_of(program: Callable[[str, str], Path]) -> None:
    program("iscsiadm", "echo 'iscsiadm: chap-word is wrong' >&2; exit 24")
    with started(secrets=("chap-word",)) as brick, pytest.raises(BrickError) as raised:
        iscsi(brick, LONG)
    assert raised.value.warnings
    assert "chap-word" not in repr(raised.value.warnings) + str(raised.value)


def test_a_python_without_os_brick_is_told_with_what_installs_it(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(BrickError, match=r"\(ModuleNotFoundError\)") as raised:
        started(BrickHost(python=str(bare), root=False))
    assert "virtdeck[brick]" in raised.value.hint


def test_a_sudo_that_refuses_is_told_and_nothing_was_done(
    program: Callable[[str, str], Path],
) -> None:
    program("id", "echo 1000")
    program("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(NotSentError, match="sudo on this machine does not let os-brick"):
        started(BrickHost(python=sys.executable))


def test_a_sudo_that_lets_it_starts_it(program: Callable[[str, str], Path]) -> None:
    program("id", "echo 1000")
    program("sudo", '[ "$1" = -n ] && shift && exec "$@"')
    with started(BrickHost(python=sys.executable)) as brick:
        assert brick.ask("connect", LONG, protocol="local", data=DATA["local"]).value


def test_it_runs_on_the_host_itself_where_that_is_behind_ssh() -> None:
    with PrivateSshd() as sshd:
        there = brick_host(sshd.uri("/nowhere"), sys.executable)
        as_it_is = BrickHost(there.ssh, there.name, there.python, root=False)
        with started(as_it_is) as brick:
            assert sshd.logins == 1
            assert brick.ask("connect", LONG, protocol="local", data=DATA["local"]).value == {
                "type": "local",
                "path": "/dev/vg/volume-1",
                "missing": True,
            }
        sshd.refuse_keys()
        with pytest.raises(NotSentError, match=r"ssh to 127.0.0.1 is refused"):
            started(as_it_is)

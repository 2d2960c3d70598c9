"""When ssh is told to share its connection, and the program that tells it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.hypervisor.connection.ssh_config import Way
from core.hypervisor.connection.ssh_sharing import (
    SshSharing,
    can_share,
    is_behind,
    options_for,
    place_program,
    socket_of,
)
from core.hypervisor.connection.uri import parse_uri

OPEN = {"controlpath": "/virtdeck-left-open", "controlmaster": "true", "serveraliveinterval": "0"}
URI = "qemu+ssh://root@alpha/system?no_tty=1"


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a socket's is at most 107 bytes."""
    base = Path(tempfile.mkdtemp(prefix="vdu-", dir="/tmp"))
    yield base / "virtdeck" / "ssh"
    shutil.rmtree(base)


@pytest.mark.parametrize(
    ("uri", "can"),
    [
        ("qemu+ssh://root@alpha/system", True),
        ("qemu+ssh://root@alpha:2222/system?keyfile=/k&no_verify=1", True),
        ("qemu+ssh://root@alpha/system?command=/opt/ssh", False),
        ("qemu+ssh://root@alpha/system?Command=/opt/ssh", False),
        ("qemu+libssh://root@alpha/system", False),
        ("qemu+libssh2://root@alpha/system", False),
        ("qemu+ext:///system?command=/opt/ssh", False),
        ("qemu+tls://alpha/system", False),
        ("qemu:///system", False),
    ],
)
def test_only_an_ssh_that_libvirt_chose_can_be_told(uri: str, can: bool) -> None:
    assert can_share(parse_uri(uri)) is can


@pytest.mark.parametrize(
    ("changed", "shares"),
    [
        ({}, True),
        ({"controlmaster": "auto"}, True),  # wanted, but nobody said where
        ({"controlmaster": "false"}, False),
        ({"controlmaster": "ask"}, False),
        ({"controlmaster": "autoask"}, False),
        ({"controlpath": "/home/ann/.ssh/%C"}, False),
        ({"controlpath": ""}, False),
    ],
)
def test_whatever_ssh_is_configured_for_stays(changed: Mapping[str, str], shares: bool) -> None:
    assert bool(options_for(OPEN | changed)) is shares


@pytest.mark.parametrize(
    ("settings", "behind"),
    [
        ({}, False),
        ({"proxyjump": "none", "proxycommand": "none"}, False),
        ({"proxyjump": "me@jump"}, True),
        ({"proxycommand": "nc %h %p"}, True),
    ],
)
def test_what_connects_for_ssh(settings: Mapping[str, str], behind: bool) -> None:
    assert is_behind(settings) is behind


def test_an_ssh_that_says_nothing_is_told_nothing() -> None:
    assert options_for({}) == ()


def test_how_the_network_s_death_is_noticed_is_ours_to_say_only_where_nobody_else_did() -> None:
    assert "ServerAliveInterval=15" in options_for(OPEN)
    configured = options_for(OPEN | {"serveraliveinterval": "60"})
    assert not any("ServerAlive" in option for option in configured)


def test_the_program_has_ssh_be_master_or_session_of_a_socket_of_this_process(
    directory: Path,
) -> None:
    program = place_program(directory, URI, options_for(OPEN))
    assert program is not None
    said = subprocess.run(
        [program, "-F", "none", "-G", "-p", "2222", "--", "alpha"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert f"controlpath {socket_of(program)}" in said
    assert "controlmaster auto" in said
    assert "controlpersist 30" in said
    assert {"hostname alpha", "port 2222"} <= set(said)


def test_the_program_is_private_written_once_and_another_for_another_uri(directory: Path) -> None:
    program = place_program(directory, URI, options_for(OPEN))
    assert program is not None
    assert {path.stat().st_mode & 0o777 for path in (program, directory, directory.parent)} == {
        0o700
    }
    written = program.stat().st_ino
    assert place_program(directory, URI, options_for(OPEN)) == program
    assert program.stat().st_ino == written
    other = place_program(directory, f"{URI}&keyfile=/k", options_for(OPEN))
    assert other not in (None, program)
    program.unlink()  # such as of a session that ended: its directory went with it
    assert place_program(directory, URI, options_for(OPEN)) == program
    assert os.access(program, os.X_OK)
    assert sorted(directory.iterdir()) == sorted([program, other])


def test_nothing_is_run_that_somebody_else_could_change(directory: Path) -> None:
    directory.mkdir(parents=True)
    for open_to_others in (directory, directory.parent, directory.parent.parent):
        open_to_others.chmod(0o777)
        assert place_program(directory, URI, options_for(OPEN)) is None
        open_to_others.chmod(0o700)
    assert place_program(directory, URI, options_for(OPEN)) is not None


def test_a_path_too_long_or_too_odd_for_a_socket_is_not_used(directory: Path) -> None:
    room = 90 - len(str(socket_of(directory / "123456789abc")))
    assert place_program(directory / ("x" * room), URI, options_for(OPEN)) is None
    fits = place_program(directory / ("x" * (room - 1)), URI, options_for(OPEN))
    assert fits is not None
    assert len(str(socket_of(fits))) == 90
    for odd in ("a b", "a%h", "a$x", 'a"b'):
        assert place_program(directory / odd, URI, options_for(OPEN)) is None
    (directory.parent / "file").write_text("")
    assert place_program(directory.parent / "file" / "x", URI, options_for(OPEN)) is None


async def test_one_logs_in_the_others_of_the_host_wait_for_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory.parent.parent))
    asked: list[Way] = []

    async def settings_of(way: Way, configuration: Path) -> dict[str, str]:
        asked.append(way)
        assert configuration.name == "ssh_left_open.conf"
        return OPEN

    sharing = SshSharing(parse_uri(URI), settings_of=settings_of)
    assert sharing.uri == parse_uri(URI).uri
    logged_in = await sharing.turn()
    assert sharing.uri.startswith(f"{URI}&command={directory}/")
    second, third = (asyncio.create_task(sharing.turn()) for _ in range(2))
    await asyncio.sleep(0.01)
    assert not second.done()
    logged_in()  # without a master: the next one logs in, too
    again = await second
    assert not third.done()
    socket_of(Path(sharing.uri.partition("command=")[2])).touch()
    again()
    for release in (await third, await sharing.turn()):  # now nobody has to
        release()
    assert sharing.standing
    assert len(asked) == 1


async def test_where_ssh_is_configured_nobody_waits_and_the_uri_stays() -> None:
    async def settings_of(way: Way, configuration: Path) -> dict[str, str]:
        return OPEN | {"controlmaster": "false"}

    sharing = SshSharing(parse_uri(URI), settings_of=settings_of)
    for _ in range(3):
        await sharing.turn()
    assert sharing.uri == parse_uri(URI).uri
    assert not sharing.standing
    await sharing.retire()
    assert not SshSharing(parse_uri(URI), wanted=False).possible

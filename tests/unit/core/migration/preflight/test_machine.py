"""Two daemons of one machine, told by what they and the kernel say."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe.daemon import listener_of
from core.hypervisor.observe.local_files import Files
from core.migration.preflight.machine import Machine, one_kernel, one_machine

NIC, OTHER = "net_eth0_52_54_00_00_00_01", "net_eth0_52_54_00_00_00_02"
BRIDGE = "net_br0_6a_01_02_03_04_05"
BOX = Machine("box", smbios="a1", links=(BRIDGE, NIC))
BARE = Machine("box")
LOCAL = replace(BARE, local=True)
INSIDE = replace(LOCAL, network="net:[1]")


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        (BOX, BOX, True),
        (BOX, replace(BOX, hostname="BOX"), True),
        (BOX, replace(BOX, hostname="far"), False),
        (BOX, replace(BOX, smbios="b2"), False),
        (BOX, replace(BOX, links=(OTHER,)), False),
        (BOX, replace(BOX, links=(NIC,)), None),
        (BOX, replace(BOX, smbios=""), True),
        (BOX, replace(BOX, links=()), True),
        (BOX, replace(BOX, links=(), smbios=""), None),
        (BOX, replace(BOX, hostname=""), None),
        (replace(BOX, smbios=""), replace(BOX, smbios="", hostname=""), None),
        (BARE, BARE, None),
        (BARE, LOCAL, None),
        (LOCAL, LOCAL, True),
        (LOCAL, replace(LOCAL, hostname="far"), False),
        (INSIDE, INSIDE, True),
        (INSIDE, replace(INSIDE, hostname="other-uts"), True),
        (INSIDE, replace(INSIDE, network="net:[2]"), False),
        (INSIDE, replace(LOCAL, network=""), True),
        (Machine(), Machine(), None),
    ],
)
def test_whether_two_daemons_share_a_machine(
    here: Machine, there: Machine, same: bool | None
) -> None:
    assert one_machine(here, there) is same
    assert one_machine(there, here) is same


def test_one_kernel_is_what_the_sockets_say() -> None:
    assert one_kernel(LOCAL, INSIDE)
    assert not one_kernel(BOX, LOCAL)


def test_a_socket_that_a_forwarder_listens_at_is_no_daemon_of_this_machine(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """This very process listens: no daemon of libvirt's, as little as `ssh -L` is one."""
    path = tmp_path_factory.mktemp("s") / "s"
    address = parse_uri(f"qemu+unix:///system?socket={path}")
    assert not listener_of(address).daemon, "nobody listens"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert not listener_of(address).daemon


@pytest.mark.parametrize(
    ("uri", "daemon"),
    [
        ("qemu:///system", True),
        ("test:///default", True),
        ("qemu+ssh://localhost/system", False),
        ("qemu+tcp://127.0.0.1:16510/system", False),
        ("qemu+unix:///system?socket=/nowhere/sock", False),
    ],
)
def test_what_an_address_alone_tells(uri: str, daemon: bool) -> None:
    assert listener_of(parse_uri(uri)).daemon is daemon


def test_files_are_seen_as_the_daemon_sees_them(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.write_text("x")
    ours, theirs = Files().look_at(str(file)), Files("/proc/self/root").look_at(str(file))
    assert ours == theirs
    assert ours.exists
    assert ours.file_system

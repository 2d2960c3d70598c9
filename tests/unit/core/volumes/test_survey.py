"""What a host has to connect volumes with, and how `doctor` judges it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.doctor import Grade
from core.doctor_volumes import judged, volume_checks
from core.errors import NotSentError
from core.model import Host, Link, LinkStatus
from core.volumes.brick.place import BrickHost
from core.volumes.brick.survey import HostTools, read_tools, survey

TOLD = """asked
has iscsiadm
has cryptsetup
has initiatorname
runs multipathd
runs multipathd
driver /usr/lib/x86_64-linux-gnu/qemu/block-rbd.so
driver /usr/lib64/qemu-kvm/block-ssh.so
client /dev/scini
client mount.quobyte
root
brick 7.1.1
starts
"""
ALL = HostTools(
    programs=frozenset(("iscsiadm", "multipath", "multipathd", "nvme", "mount.nfs", "cryptsetup")),
    initiator=True,
    running=frozenset(("multipathd",)),
    drivers=frozenset(("curl", "iscsi", "nfs", "rbd", "ssh")),
    root=True,
    brick="7.1.1",
    starts=True,
)


def test_what_a_host_tells_is_read_line_by_line() -> None:
    assert read_tools(TOLD.splitlines()) == HostTools(
        programs=frozenset(("iscsiadm", "cryptsetup")),
        initiator=True,
        running=frozenset(("multipathd",)),
        drivers=frozenset(("rbd", "ssh")),
        clients=frozenset(("scaleio", "quobyte")),
        root=True,
        brick="7.1.1",
        starts=True,
    )
    assert read_tools(["asked"]) == HostTools()


def test_the_closed_storage_that_a_host_is_a_client_of_is_told() -> None:
    (none,) = [one for one in judged("far", ALL, "python3") if one.what == "closed storage"]
    assert (none.verdict, none.found) == (
        Grade.OK, "no client of quobyte, vzstorage, scaleio, storpool, lightos",
    )  # fmt: skip
    tools = replace(ALL, clients=frozenset(("lightos", "quobyte")))
    (some,) = [one for one in judged("far", tools, "python3") if one.what == "closed storage"]
    assert some.found == "quobyte, lightos, no client of vzstorage, scaleio, storpool"


def test_this_machine_tells() -> None:
    found = survey(BrickHost(python=sys.executable))
    assert found.brick
    assert found.starts
    nothing = survey(BrickHost(python="/no/such/python"))
    assert nothing == replace(found, brick="", starts=False, root=nothing.root)


def test_a_host_that_does_not_tell_is_an_error_with_a_cure(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'far: Permission denied (publickey).' >&2; exit 255\n")
    ssh.chmod(0o755)
    with pytest.raises(NotSentError, match="ssh to far is refused") as raised:
        survey(BrickHost((str(ssh), "far"), "far"))
    assert (
        f"by a key, without asking for a password or passphrase: see what `{ssh}"
        in raised.value.hint
    )
    with pytest.raises(NotSentError, match="cannot be asked: No such file"):
        survey(BrickHost((str(tmp_path / "none"), "far"), "far"))


def test_an_os_brick_that_is_too_old_is_seen(tmp_path: Path) -> None:
    python = tmp_path / "python"
    (tmp_path / "oslo_service").mkdir()
    (tmp_path / "oslo_service" / "__init__.py").touch()
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    found = survey(BrickHost(python=str(python)))
    assert found.brick
    assert not found.starts


def test_all_that_is_there_is_well() -> None:
    checks = list(judged("far", ALL, "python3", multipath=True))
    assert {check.verdict for check in checks} == {Grade.OK}
    assert [check.what for check in checks] == [
        *("os-brick", "iscsi", "multipath", "nvmeof", "nfs", "encryption", "closed storage"),
        "disks by URL",
    ]
    assert checks[0].found == "7.1.1"


@pytest.mark.parametrize(
    ("tools", "what", "found", "cure"),
    [
        (replace(ALL, brick=""), "os-brick", "python3 has no os-brick", "virtdeck[brick]"),
        (replace(ALL, starts=False), "os-brick", "7.1.1 of python3 does not start: oslo.service is",
         "name its Python under [volumes]"),
        (replace(ALL, root=False), "os-brick", "may not start it as root", "in sudoers"),
        (replace(ALL, initiator=False), "iscsi", "it has no name in", "InitiatorName=iqn"),
        (replace(ALL, running=frozenset()), "multipath", "does not run", "start multipathd"),
        (replace(ALL, drivers=frozenset(("rbd",))), "disks by URL", "https, iscsi, nfs, ssh",
         "qemu-block-extra"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_with_the_cure(
    tools: HostTools, what: str, found: str, cure: str
) -> None:
    (bad,) = (one for one in judged("far", tools, "python3", multipath=True)
              if one.verdict is not Grade.OK)  # fmt: skip
    assert (bad.what, bad.verdict) == (what, Grade.WARNING)
    assert found in bad.found
    assert cure in bad.cure


def test_each_protocol_lacks_its_own_tools() -> None:
    bad = {one.what: one for one in judged("far", HostTools(), "python3")}
    del bad["closed storage"]  # most hosts are clients of none
    assert all(one.verdict is Grade.WARNING and one.cure for one in bad.values())
    assert bad["multipath"].found == "no multipath and no multipathd"
    assert "open-iscsi" in bad["iscsi"].cure
    assert "nfs-common" in bad["nfs"].cure


def test_only_hosts_of_qemu_that_are_up_are_asked() -> None:
    up = Link(LinkStatus.UP)
    assert not list(volume_checks(Host("far", "qemu+ssh://far/system")))
    assert not list(volume_checks(Host("far", "test:///default", up)))
    (unknown,) = volume_checks(Host("far", "qemu+tls://far/system", up))
    assert unknown.verdict is Grade.UNKNOWN
    assert unknown.cure == "Open the host by qemu+ssh."


def test_the_shell_that_asks_is_plain(tmp_path: Path) -> None:
    from core.volumes.brick.survey import script

    file = tmp_path / "asked"
    file.write_text(script("python3"))
    subprocess.run(["sh", "-n", file], check=True)

"""What the lab decides from what it sees: names, accounts, packages, modules, post-copy."""

from __future__ import annotations

import lzma
import os
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from core.errors import LabError, UsageError
from core.lab.account import Account, current_account, has_ptrace, require_known
from core.lab.furnish import find_guests
from core.lab.guests import DEFAULT_VOLUMES, GUESTS, SHARED_VOLUMES, Guest
from core.lab.host import migration_ports, states_of
from core.lab.kernel_modules import in_loading_order, needs
from core.lab.packages import kernel_of, libraries_of
from core.lab.places import (
    DEEPEST_SOCKET,
    SOCKET_PATH_MAX,
    lab_root,
    make_private,
    mount_points,
    require_unmounted,
)
from core.lab.post_copy import judge_post_copy
from core.lab.prerequisites import TABLE, choose_package, read_requirements, select_missing
from core.lab.processes import is_daemon, is_guest, proven
from core.lab.status import state_word
from core.lab.templates import emulator_script, instance_xml, pool_xml
from core.model import InstanceState

ACCOUNT = Account(os.getuid(), os.getgid(), "me")


@pytest.mark.parametrize("name", ["", "-a", "Demo", "a b", "../x", "a/b", "x" * 60, "é"])
def test_a_name_that_cannot_be_a_directory_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        lab_root(name, ACCOUNT)
    assert refused.value.hint


def test_the_longest_name_still_fits_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTDECK_LAB_DIR", "/tmp/vd-1000000")
    name = next(
        "x" * size for size in range(40, 0, -1) if accepts("x" * size)
    )  # fmt: skip
    assert len(f"/tmp/vd-1000000/{name}/{DEEPEST_SOCKET}") == SOCKET_PATH_MAX
    monkeypatch.setenv("VIRTDECK_LAB_DIR", "/" + "d" * 100)
    assert not accepts("x")


def accepts(name: str) -> bool:
    try:
        lab_root(name, ACCOUNT)
    except UsageError:
        return False
    return True


def test_two_users_labs_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTDECK_LAB_DIR", raising=False)
    other = Account(ACCOUNT.uid + 1, 1, "other")
    assert lab_root("demo", ACCOUNT) != lab_root("demo", other)


def test_a_directory_of_somebody_else_or_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(LabError):
        make_private(tmp_path / "link", ACCOUNT)
    (tmp_path / "theirs").mkdir()
    with pytest.raises(LabError):
        make_private(tmp_path / "theirs", Account(ACCOUNT.uid + 1, 1, "other"))
    make_private(tmp_path / "mine", ACCOUNT)
    make_private(tmp_path / "mine", ACCOUNT)
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700


def test_root_steps_down_and_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    account = current_account()
    assert account.name == "nobody"
    assert account.prefix()[:2] == ["setpriv", f"--reuid={account.uid}"]
    monkeypatch.setattr(os, "getuid", lambda: 1234567)
    assert current_account().prefix() == []
    assert Account(5, 5, "n", drops=True, ptrace=True).prefix()[-1] == "--ambient-caps=+sys_ptrace"
    assert "ambient" not in " ".join(Account(5, 5, "n", drops=True).prefix())


def test_sudo_names_whom_root_steps_down_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1")
    assert current_account().uid == 1
    monkeypatch.setenv("SUDO_UID", "0")
    assert current_account().name == "nobody"


@pytest.mark.parametrize(
    ("sysctl", "ambient", "drops", "works", "cure"),
    [
        ("1", [False, False], False, True, ""),
        ("0", [True, True], True, True, ""),
        ("0", [True, False], True, False, "SYS_PTRACE"),
        ("0", [], True, False, "SYS_PTRACE"),
        ("0", [False, False], False, False, "sysctl"),
        (None, [False, False], False, False, "kernel"),
    ],
)
def test_post_copy_is_judged_by_what_the_kernel_allows(
    sysctl: str | None, ambient: list[bool], drops: bool, works: bool, cure: str
) -> None:
    ability = judge_post_copy(sysctl, ambient, drops)
    assert ability.works is works
    assert cure in ability.cure
    assert bool(ability.cure) is not works


def test_one_bit_of_a_capability_set() -> None:
    assert has_ptrace({"CapAmb": 1 << 19}, "CapAmb")
    assert not has_ptrace({"CapAmb": ~(1 << 19)}, "CapAmb")
    assert not has_ptrace({}, "CapAmb")


DEBIAN = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n"
UBUNTU = "linux-image-virtual\n  Depends: linux-image-6.8.0-60-generic\n  Conflicts: x\n"


def test_the_kernel_package_is_read_from_apt() -> None:
    assert kernel_of(DEBIAN) == ("linux-image-6.1.0-56-cloud-amd64", "6.1.0-56-cloud-amd64")
    assert kernel_of(UBUNTU) == ("linux-image-6.8.0-60-generic", "6.8.0-60-generic")
    assert kernel_of("linux-image-virtual\n") is None


def test_only_libraries_of_the_agent_are_taken() -> None:
    closure = "qemu-guest-agent\n  Depends: libc6\nlibc6\nlibglib2.0-0t64\nperl\nlibperl5.36\n<x>\n"
    assert libraries_of(closure) == ["libc6", "libglib2.0-0t64"]


def module(*needed: str, soft: str = "") -> bytes:
    info = b"license=GPL\0depends=" + ",".join(needed).encode() + b"\0"
    return b"\x7fELF\0" + info + (f"softdep=pre: {soft}".encode() + b"\0" if soft else b"")


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    files = {
        "virtio_blk.ko": module("virtio"),
        "virtio.ko": module(),
        "virtio-net.ko.xz": lzma.compress(module("net-failover", "virtio")),
        "net_failover.ko": module(),
        "ext4.ko": module("jbd2", "absent", soft="crc32c"),
        "jbd2.ko": module("ext4"),
        "crc32c.ko": module(),
        "unrelated.ko": module(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    order = list(in_loading_order(tmp_path))
    assert order == ["virtio", "virtio_blk", "net_failover", "virtio_net", "jbd2", "crc32c", "ext4"]
    assert needs(module("a", "b-c", soft="d")) == ["a", "b_c", "d"]


def test_a_pid_proves_nothing() -> None:
    own = os.getpid()
    assert proven(own, Path("/tmp"), os.getuid(), is_daemon) is None
    assert proven(None, Path("/tmp"), os.getuid(), is_guest) is None
    assert is_guest("qemu-system-x86_64")
    assert not is_guest("qemu-img")


def test_what_is_missing_is_named_with_its_package_and_cure() -> None:
    rows = read_requirements(TABLE.read_text())
    assert {row.purpose for row in rows} == {
        "lab",
        "image",
        "image-ubuntu",
        "build",
        "bench",
        "test",
        "debian",
        "ceph",
    }
    missing = list(select_missing(rows, {"lab"}, lambda probe: probe != "virsh", has_all))
    assert [piece.package for piece in missing] == ["libvirt-clients"]
    assert missing[0].cure == "Run `sudo apt-get install libvirt-clients`."
    assert not list(select_missing(rows, {"lab"}, lambda _: True, has_all))


def has_all(_package: str) -> bool:
    return True


def test_of_two_packages_the_one_the_distribution_has_is_named() -> None:
    assert choose_package("new|old", lambda name: name == "old") == "old"
    assert choose_package("new|old", has_all) == "new"
    assert choose_package("new|old", lambda _: False) == "new"
    assert choose_package("only", lambda _: False) == "only"


def test_every_guest_is_well_formed_and_has_its_disk() -> None:
    root = Path("/lab")
    for host, guests in GUESTS.items():
        volumes = {f"default/{volume.name}" for volume in DEFAULT_VOLUMES[host]}
        volumes |= {f"shared/{volume.name}" for volume in SHARED_VOLUMES}
        for guest in guests:
            assert guest.disk in volumes
            tree = etree.fromstring(instance_xml(guest, root, root / guest.disk, "qemu"))
            assert tree.get("type") == "qemu"
            assert tree.findtext("name") == guest.name
            assert tree.find("devices/disk/driver").get("type") in ("qcow2", "raw")
            assert tree.find("features/tcg") is not None


def test_text_of_a_guest_is_escaped() -> None:
    odd = Guest("odd", "<&>", "a]]>b", switches=("vd.host=<x>",))
    tree = etree.fromstring(instance_xml(odd, Path("/a&b"), None, "kvm"))
    assert tree.findtext("title") == "<&>"
    assert tree.find("devices/disk") is None
    assert tree.find("features/tcg") is None
    assert etree.fromstring(pool_xml("p", Path("/a&b"))).findtext("target/path") == "/a&b"


def test_names_of_instances_may_hold_blanks_and_never_move_the_cursor() -> None:
    listing = (
        " 1    web            running\n"
        " -    a b  c         shut off\n"
        " -    \u202eevil\x1b[2J   in shutdown\n\n"
    )
    assert states_of(listing) == {
        "web": "running",
        "a b  c": "shut off",
        "\ufffdevil\ufffd[2J": "in shutdown",
    }


def test_a_user_without_a_name_is_told_before_anything_is_begun() -> None:
    require_known(current_account())
    with pytest.raises(LabError, match="user id 3999999999") as caught:
        require_known(Account(3999999999, 1, "3999999999"))
    assert "useradd" in caught.value.hint


def test_hosts_take_migrations_on_ports_of_their_own():
    ranges = [migration_ports(Path(f"/x/lab-{lab}/{host}")) for lab in range(9) for host in "ab"]
    assert all(ports[0] > 1024 and ports[-1] < 32768 for ports in ranges)
    assert len({ports[0] for ports in ranges}) >= 16
    assert migration_ports(Path("/x/y")) == migration_ports(Path("/x/y"))


@pytest.mark.parametrize(
    ("given", "run"),
    [
        (
            ["-m", "96", "-object", '{"id":"pc.ram","size":100663296,"x":1}', "-smp", "a b'c"],
            ["-m", "98296k", "-object", '{"id":"pc.ram","size":100655104,"x":1}', "-smp", "a b'c"],
        ),
        # with slots for more memory libvirt says it in another way: left alone
        (
            ["-m", "size=98304k,slots=2", "-object", '{"id":"pc.ram","size":100663296}'],
            ["-m", "size=98304k,slots=2", "-object", '{"id":"pc.ram","size":100663296}'],
        ),
        (["-machine", "none", "-qmp", "unix:/x,server=on"],) * 2,
        (["-m"], ["-m"]),
        ([], []),
    ],
)
def test_the_emulator_of_the_lab_takes_a_little_off_the_memory(
    tmp_path: Path, given: list[str], run: list[str]
) -> None:
    told = tmp_path / "qemu"
    told.write_text('#!/bin/sh\nfor word do printf "%s\\n" "$word"; done\n')
    told.chmod(0o700)
    script = tmp_path / "script"
    script.write_text(emulator_script(str(told), tmp_path / "states"))
    ran = subprocess.run(["sh", str(script), *given], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == run


@pytest.mark.parametrize("turned", [False, True])
def test_a_definition_a_migration_left_behind_is_not_the_guest_that_runs(turned: bool) -> None:
    alpha, beta = "alpha", "beta"
    listed = [(alpha, {"web": "running"}), (beta, {"web": "shut off", "archive": "shut off"})]
    found = find_guests(reversed(listed) if turned else listed)  # type: ignore[arg-type,type-var]
    assert found == {"web": (alpha, "running"), "archive": (beta, "shut off")}


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("shut off", "shutoff"),
        ("in shutdown", "shutting-down"),
        ("pmsuspended", "suspended"),
        ("running", "running"),
        ("crashed", "crashed"),
    ],
)
def test_the_status_has_one_word_for_a_state_and_it_is_the_consoles(told: str, word: str) -> None:
    assert state_word(told) == word == InstanceState(word).value


def test_a_lab_with_something_mounted_in_it_is_not_removed() -> None:
    root = Path("/tmp/vd-1000/one")
    require_unmounted(root, ["/", "/tmp", "/tmp/vd-1000/one-more/nfs"])
    with pytest.raises(LabError, match="mounted at /tmp/vd-1000/one/alpha/a b") as told:
        require_unmounted(root, ["/", "/tmp/vd-1000/one/alpha/a b"])
    assert "umount '/tmp/vd-1000/one/alpha/a b'" in told.value.hint
    assert "/proc" in mount_points()

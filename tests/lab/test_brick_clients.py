"""Shares of closed storage, Quobyte's and Virtuozzo's: the real process with the real os-brick.

Stand-ins are only the vendors' programs: `tests/lab/closed_clients.py` says where they are from.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from pathlib import Path

import libvirt
import pytest
from msgspec.json import encode
from msgspec.structs import replace

from core.volumes.brick.child import MOUNTS
from tests.lab.closed_clients import Host, Volume
from tests.unit.core.volumes.infos import document

PYTHON = shlex.quote(sys.executable)

QUOBYTE = """mount.quobyte)
    [ "$1" = quobyte1/volumes ] || { echo 'no such volume' >&2; exit 1; }
    mount -i -t tmpfs "$1" "$2" && exec touch "$2/volume-1" ;;"""
DIES = """mount.quobyte)
    exec {python} -c '
import ctypes, os, sys
device = os.open("/dev/fuse", os.O_RDWR)
how = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
names = [os.fsencode(one) for one in sys.argv[1:3]]
sys.exit(ctypes.CDLL(None, use_errno=True).mount(*names, b"fuse.quobyte", 0, how))
' "$1" "$2" ;;"""
"""The client has a file system in user space, and ends: what is mounted answers no more."""
PSTORAGE = """pstorage)
    read -r word
    [ "$word" = right-word ] || { echo "wrong: $word" >&2; exit 1; }
    touch /etc/pstorage/clusters/$2/auth_digest.key ;;
pstorage-mount)
    [ -e /etc/pstorage/clusters/$2/auth_digest.key ] || { echo 'not let in' >&2; exit 1; }
    mount -i -t tmpfs pstorage://$2 "$3" && exec touch "$3/volume-1" ;;"""


def test_quobyte(closed_host: Host, conn: libvirt.virConnect) -> None:
    closed_host.program(closed_host.at("/usr/sbin/mount.quobyte"), QUOBYTE)
    volume = Volume(conn, document("quobyte", options="-o user_xattr"))
    xml = volume.connect()
    folder = volume.entry.path.rpartition("/")[0]
    assert Path(folder).parent == Path(MOUNTS)
    assert volume.entry.path.endswith("/volume-1")
    assert f'<source file="{volume.entry.path}"/>' in xml
    assert 'io="native"' in xml
    asked = f"mount.quobyte quobyte1/volumes {folder} -o rw,user_xattr"
    assert closed_host.ran("mount.quobyte") == [asked]
    assert not volume.warnings
    volume.connect()  # another volume of the share: it is mounted
    assert closed_host.ran("mount.quobyte") == [asked]
    assert [one.split()[:2] for one in closed_host.mounts()] == [["quobyte1/volumes", folder]]
    volume.disconnect()
    assert not closed_host.mounts()
    assert not shares(closed_host)


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.access("/dev/fuse", os.R_OK | os.W_OK),
    reason="this user may not open /dev/fuse",
)
def test_a_share_whose_client_died_is_unmounted(
    closed_host: Host, conn: libvirt.virConnect
) -> None:
    closed_host.program(closed_host.at("/usr/sbin/mount.quobyte"), DIES.format(python=PYTHON))
    volume = Volume(conn, document("quobyte"))
    volume.connect()
    assert [one.split()[2] for one in closed_host.mounts()] == ["fuse.quobyte"]
    volume.disconnect()
    assert not closed_host.mounts()
    assert not shares(closed_host)


def test_a_share_of_which_no_device_is_known_is_unmounted(
    closed_host: Host, conn: libvirt.virConnect
) -> None:
    """Its console was lost while it was connected: the ledger has its connection_info alone."""
    closed_host.program(closed_host.at("/usr/sbin/mount.quobyte"), QUOBYTE)
    volume = Volume(conn, document("quobyte"))
    volume.connect()
    assert closed_host.mounts()
    volume.entry = replace(volume.entry, device={})
    volume.disconnect()
    assert not closed_host.mounts()
    assert not shares(closed_host)


def shares(closed_host: Host) -> list[str]:
    """Return the folders on which shares are, or were, mounted."""
    return [one.name for one in closed_host.at(MOUNTS).iterdir()]


def test_quobyte_that_refuses(closed_host: Host, conn: libvirt.virConnect) -> None:
    volume = Volume(conn, document("quobyte"))
    error = volume.refused()
    assert "unknown filesystem type 'quobyte'" in error.message
    assert error.hint == "Install the storage's client on the host: mount knows of none."
    closed_host.program(closed_host.at("/usr/sbin/mount.quobyte"), QUOBYTE)
    error = Volume(conn, document("quobyte", export="quobyte1/other")).refused()
    assert "It warned: Failed to mount quobyte1/other, reason: no such volume" in error.message
    assert "reaches the share's servers" in error.hint
    assert not closed_host.mounts()
    assert not shares(closed_host)


SHARE = "mds1,mds2:/cluster1:{}"


def test_virtuozzo(closed_host: Host, conn: libvirt.virConnect) -> None:
    closed_host.at("/etc/pstorage/clusters").mkdir(parents=True)
    closed_host.program(closed_host.programs / "pstorage", PSTORAGE)
    closed_host.program(closed_host.programs / "pstorage-mount", PSTORAGE)
    volume = Volume(conn, document("vzstorage", export=SHARE.format("right-word")))
    xml = volume.connect()
    folder = volume.entry.path.rpartition("/")[0]
    hashed = hashlib.md5(b"mds1,mds2:/cluster1", usedforsecurity=False).hexdigest()
    assert Path(folder).name == hashed, "the password is no part of it"
    assert closed_host.ran("pstorage", "pstorage-mount") == [
        "pstorage -c cluster1 auth-node -P",
        f"pstorage-mount -c cluster1 {folder}",
    ]
    assert closed_host.at("/etc/pstorage/clusters/cluster1/bs_list").read_text() == "mds1\nmds2\n"
    assert f'<source file="{folder}/volume-1"/>' in xml
    assert 'cache="writeback"' in xml
    assert "right-word" not in f"{volume.warnings}{encode(volume.entry)!r}"
    assert closed_host.mounts()[0].startswith("pstorage://cluster1 ")
    volume.disconnect()
    assert not closed_host.mounts()
    assert not shares(closed_host)


def test_virtuozzo_that_refuses(
    closed_host: Host, conn: libvirt.virConnect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    closed_host.at("/etc/pstorage/clusters").mkdir(parents=True)
    error = Volume(conn, document("vzstorage")).refused()
    assert "the host has no pstorage-mount" in error.message
    closed_host.program(closed_host.programs / "pstorage", PSTORAGE)
    closed_host.program(closed_host.programs / "pstorage-mount", PSTORAGE)
    error = Volume(conn, document("vzstorage", export=SHARE.format("other-word"))).refused()
    assert "auth-node" in error.message
    assert "wrong: withheld" in error.message
    assert "takes not the password" in error.hint
    assert "other-word" not in repr((error.message, error.warnings))
    error = Volume(conn, document("vzstorage", export="cluster2")).refused()
    assert "not let in" in error.message
    assert "reaches the share's servers" in error.hint
    assert not closed_host.mounts()
    assert not shares(closed_host)
    assert not [one for one in (tmp_path / "tmp").iterdir() if "os-brick" not in one.name]

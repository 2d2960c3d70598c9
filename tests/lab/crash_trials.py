"""How each verb is tried on real QEMU while its console is killed: what it needs, what shows it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from core.errors import LabError
from core.lab import LabHost
from core.verbs.registry import VERBS
from tests.lab.asking_guests import agent_words, in_guest
from tests.lab.scratch_disk import chain, write

Shows = Callable[[LabHost, str], bool | None]
"""Whether libvirt shows that the verb took effect on a subject, by its name; None: it does not."""
Words = tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What a verb needs before it, and what libvirt shows after it."""

    shows: Shows | None = None
    """None: nothing that libvirt shows tells that it was carried out, or that proves nothing."""
    before: tuple[Words, ...] = ()
    """virsh commands on the subject, which is as its group has it."""
    options: dict[str, Any] = field(default_factory=dict)
    """`{directory}`, `{name}` and `{point}` are filled in."""
    snapshot: str = ""
    """The subject, where it is a snapshot."""
    afresh: Callable[[LabHost, str], None] | None = None
    """What more is done to the subject before each console."""


@dataclass(frozen=True)
class Group:
    """Verbs that are tried on one subject, one after the other."""

    trials: dict[str, Trial]
    booted: bool = False
    """Its guest stays on, and its agent answers before each console."""
    disk: bool = False
    """It has a disk of its own."""
    screen: bool = False

    @property
    def kind(self) -> str:
        """What its subject is: an instance, where it is a snapshot's."""
        kind = VERBS[next(iter(self.trials))].subject
        return "instance" if kind == "snapshot" else kind


def _is(word: str) -> Shows:
    return lambda alpha, name: alpha.instances().get(name) == word


def _info(command: str, field_name: str, value: str) -> Shows:
    """Whether a line of one of virsh's information commands says so."""

    def shows(alpha: LabHost, name: str) -> bool:
        lines = {
            word.strip(): rest.strip()
            for word, _, rest in (
                line.partition(":") for line in alpha.virsh(command, name).splitlines()
            )
        }
        return lines[field_name] == value

    return shows


def _xml(path: str, *values: str, inactive: bool = True) -> Shows:
    """Whether an element or attribute of the definition, or of what runs, is one of these."""

    def shows(alpha: LabHost, name: str) -> bool:
        flags = ["--inactive"] if inactive else []
        tree = etree.fromstring(alpha.virsh("dumpxml", name, *flags))
        return str(tree.xpath(f"string({path})")) in values

    return shows


def _both(path: str, value: str) -> Shows:
    live, later = _xml(path, value, inactive=False), _xml(path, value)
    return lambda alpha, name: bool(live(alpha, name) and later(alpha, name))


def _not(shows: Shows) -> Shows:
    return lambda alpha, name: not shows(alpha, name)


def _gone(alpha: LabHost, name: str) -> bool:
    return name not in alpha.instances()


def _has_key(alpha: LabHost, name: str) -> bool:
    return KEY in alpha.virsh("get-user-sshkeys", name, "root")


def _has_snapshot(alpha: LabHost, name: str) -> bool:
    return "one" in alpha.virsh("snapshot-list", name, "--name").split()


def _has_it_and_is_thawed(alpha: LabHost, name: str) -> bool:
    status = alpha.virsh("qemu-agent-command", name, '{"execute":"guest-fsfreeze-status"}')
    assert "thawed" in status, "its guest is left frozen"
    return _has_snapshot(alpha, name)


def _ran(alpha: LabHost, name: str) -> None:
    lines = in_guest(alpha, name, "cat", "/run/ran").count("once")
    assert lines < 2, "it was run twice"


def _layered(alpha: LabHost, name: str) -> None:
    """Start it on its image, with a file over that."""
    for path in alpha.pool.glob(f"{name}.*"):
        if path.suffix != ".qcow2":
            path.unlink()
    alpha.virsh("pool-refresh", "default")
    alpha.virsh("start", name, "--paused")
    write(alpha, name, 1, "8M")
    over = f"vda,file={alpha.pool}/{name}.over"
    alpha.virsh("snapshot-create-as", name, "--disk-only", "--no-metadata", "--diskspec", over)
    alpha.virsh("pool-refresh", "default")


def _consists_of(*words: str) -> Shows:
    """Whether its disk is these files, the one in use first, and no other copy of it is left."""

    def shows(alpha: LabHost, name: str) -> bool:
        files = chain(alpha, name)
        left = alpha.pool / f"{name}.copy"
        assert left.name in files or not left.exists(), "half a copy is left behind"
        return files == [f"{name}.{word}" for word in words]

    return shows


def _swapped(alpha: LabHost, name: str) -> bool:
    """Whether its disk was moved, and what it left is deleted; or neither."""
    moved, left = alpha.pool / f"{name}.moved", alpha.pool / f"{name}.over"
    if chain(alpha, name) == [moved.name]:
        return not left.exists()
    assert left.exists(), "what it writes to is deleted"
    assert not moved.exists(), "half a copy is left behind"
    return False


def _without_backups(alpha: LabHost, name: str) -> None:
    """Start it on an image that can have checkpoints, and has none."""
    for path in alpha.pool.glob(f"{name}.vda.*"):
        path.unlink()
    amend = ["qemu-img", "amend", "-f", "qcow2", "-o", "compat=1.1", f"{alpha.pool}/{name}.qcow2"]
    subprocess.run(amend, check=True)
    alpha.virsh("start", name, "--paused")
    write(alpha, name, 1, "8M")
    for old in alpha.virsh("checkpoint-list", name, "--name").split():
        alpha.virsh("checkpoint-delete", name, old)


def _with_checkpoint(alpha: LabHost, name: str) -> None:
    _without_backups(alpha, name)
    alpha.virsh("checkpoint-create-as", name, "one")


def _has_checkpoint(alpha: LabHost, name: str) -> bool:
    return "one" in alpha.virsh("checkpoint-list", name, "--name").split()


def _is_whole_or_gone(alpha: LabHost, name: str) -> bool | None:
    """Whether a backup was made; its files and its checkpoint are there, or neither is."""
    found = alpha.virsh("checkpoint-list", name, "--name").split()
    files = [alpha.pool / f"{name}.vda.{one}.qcow2" for one in found]
    assert all(file.exists() for file in files), "a checkpoint has no backup"
    left = [path for path in alpha.pool.glob(f"{name}.vda.*") if path not in files]
    for path in left:
        assert not left, f"{path} is left behind"
    for one in found:
        told = alpha.virsh("checkpoint-dumpxml", name, one, "--no-domain")
        assert "not finished" not in told, "its checkpoint is not marked"
    return bool(found)


def _is_read_or_gone(alpha: LabHost, name: str) -> bool:
    """Whether a backup was read: its checkpoint says where, and its file is there, or neither."""
    found = alpha.virsh("checkpoint-list", name, "--name").split()
    assert "No current" in alpha.virsh("domjobinfo", name) or "None" in alpha.virsh(
        "domjobinfo", name
    ), "it is served still"
    for one in found:
        told = alpha.virsh("checkpoint-dumpxml", name, one, "--no-domain")
        assert "not finished" not in told, "its checkpoint is not marked"
        path = Path(told.partition("vda=")[2].partition("<")[0].strip())
        assert path.exists(), "a checkpoint has no backup"
        assert not list(path.parent.glob("*.half"))
    return bool(found)


def _without_volume(alpha: LabHost, name: str) -> None:
    with suppress(LabError):  # there is none
        alpha.virsh("vol-delete", "made.raw", "--pool", name)


MAC = "52:54:00:77:00:01"


def _has(what: str) -> Shows:
    """Whether what runs and what is defined have a device; one of both alone is half done."""

    def shows(alpha: LabHost, name: str) -> bool:
        live, later = alpha.virsh("dumpxml", name), alpha.virsh("dumpxml", "--inactive", name)
        assert (what in live) == (what in later), "only one of both has it"
        return what in live

    return shows


def _unplugged(alpha: LabHost, name: str) -> None:
    """Take away what was attached, and have a file that may be."""
    for word in ("--live", "--config"):
        with suppress(LabError):  # it has none
            alpha.virsh("detach-interface", name, "user", "--mac", MAC, word)
        with suppress(LabError):
            alpha.virsh("detach-disk", name, "vdb", word)
    extra = alpha.pool / f"{name}.extra"
    extra.touch()
    os.truncate(extra, 1 << 20)
    if os.geteuid() == 0:
        shutil.chown(extra, *alpha.pool.stat()[4:6])


def _with_interface(alpha: LabHost, name: str) -> None:
    _unplugged(alpha, name)
    device = alpha.directory / f"{name}.interface"
    xml = f"<interface type='user'><mac address='{MAC}'/><model type='virtio'/></interface>"
    device.write_text(xml)
    alpha.virsh("attach-device", name, str(device), "--live", "--config")


def _with_disk(alpha: LabHost, name: str) -> None:
    _unplugged(alpha, name)
    extra = str(alpha.pool / f"{name}.extra")
    alpha.virsh("attach-disk", name, extra, "vdb", "--live", "--config")


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3fPPQl1bBzYvd0kR7dQ2n8v5WqQm0J6s1o9mJv3Q0T op@deck"
ON = ("start", "--paused")
OLD_TITLE = ("desc", "--config", "--title", "--new-desc", "old")
OLD_TEXT = ("desc", "--config", "--new-desc", "old")
_saved = _info("dominfo", "Managed save", "yes")

GROUPS = {
    "power": Group(
        {
            "start": Trial(_is("running")),
            "pause": Trial(_is("paused"), (("start",),)),
            "resume": Trial(_is("running"), (ON,)),
            "stop": Trial(_is("shut off"), (("start",),)),
            "hard-reboot": Trial(_is("running"), (ON,)),
            "reset": Trial(before=(("start",),)),
            "nmi": Trial(before=(("start",),)),
            "send-key": Trial(before=(("start",),)),
            "screenshot": Trial(None, (ON,), {"to": "{directory}/screen-{point}"}),
        },
        screen=True,
    ),
    "saved": Group(
        {
            "save": Trial(_saved, (ON,)),
            "restore": Trial(_not(_saved), (ON, ("managedsave",))),
            "save-remove": Trial(_not(_saved), (ON, ("managedsave",))),
            "core-dump": Trial(None, (ON,), {"to": "{lab}/{name}-{point}.core"}),
        }
    ),
    "definition": Group(
        {
            "set-vcpus": Trial(
                _xml("/domain/vcpu/@current", "", "2", inactive=False),
                (ON,),
                {"count": 2, "when": "now"},
            ),
            "set-memory": Trial(
                _xml("/domain/currentMemory", str(80 << 10)),
                (("setmem", "90M", "--config"), ON),
                {"size": 80, "when": "next-start"},
            ),
            "title": Trial(_both("/domain/title", "new"), (OLD_TITLE, ON), {"text": "new"}),
            "description": Trial(
                _both("/domain/description", "new"), (OLD_TEXT, ON), {"text": "new"}
            ),
            "set-metadata": Trial(
                _both("/domain/metadata/*[local-name()='crash']", "told"),
                (ON,),
                {"uri": "urn:crash", "xml": "<crash>told</crash>"},
            ),
            "autostart": Trial(
                _info("dominfo", "Autostart", "enable"), (("autostart", "--disable"),)
            ),
            "rename": Trial(_gone, (), {"to": "{name}-renamed"}),
            "undefine": Trial(_gone),
        }
    ),
    "agent": Group(
        {
            "set-time": Trial(),
            "set-password": Trial(None, (), {"password": "s3same", "user": "root"}),
            "add-ssh-key": Trial(
                _has_key, (("set-user-sshkeys", "root", "--reset"),), {"key": KEY}
            ),
            "remove-ssh-key": Trial(
                _not(_has_key), (("set-user-sshkeys", "root", "--file", "{key}"),), {"key": KEY}
            ),
            "trim": Trial(),
            "exec": Trial(
                _ran,
                (("qemu-agent-command", agent_words("rm", "-f", "/run/ran")),),
                {"command": "echo once >> /run/ran", "shell": True},
            ),
        },
        booted=True,
    ),
    "block": Group(
        {
            "block-copy": Trial(
                _consists_of("copy"),
                (),
                {"disk": "vda", "to": "default/{name}.copy", "then": "pivot"},
                afresh=_layered,
            ),
            "volume-swap": Trial(
                _swapped,
                (),
                {"disk": "vda", "to": "default/{name}.moved", "old": "delete"},
                afresh=_layered,
            ),
            # nothing tells whether the copy was whole as it ended
            "image": Trial(None, (), {"to": "default/{name}.image"}, afresh=_layered),
            "block-pull": Trial(_consists_of("over"), (), {"disk": "vda"}, afresh=_layered),
            "block-commit": Trial(_consists_of("qcow2"), (), {"disk": "vda"}, afresh=_layered),
        },
        disk=True,
    ),
    "backups": Group(
        {
            "checkpoint-create": Trial(
                _has_checkpoint, (), {"name": "one"}, afresh=_without_backups
            ),
            "checkpoint-delete": Trial(
                _not(_has_checkpoint), (), {"name": "one"}, afresh=_with_checkpoint
            ),
            "backup-pull": Trial(
                _is_read_or_gone,
                (),
                {"to": "{directory}", "name": "of-{point}"},
                afresh=_without_backups,
            ),
            # one that was seen to be whole stays, and no other
            "backup": Trial(
                _is_whole_or_gone,
                (),
                {"to": "default", "name": "of-{point}"},
                afresh=_without_backups,
            ),
        },
        disk=True,
    ),
    "devices": Group(
        {
            "volume-attach": Trial(
                _has("vdb"),
                (),
                {"volume": "{lab}/alpha/default/{name}.extra", "format": "raw", "target": "vdb"},
                afresh=_unplugged,
            ),
            "volume-detach": Trial(_not(_has("vdb")), (), {"disk": "vdb"}, afresh=_with_disk),
            "interface-attach": Trial(
                _has(MAC), (), {"network": "user", "mac": MAC}, afresh=_unplugged
            ),
            "interface-detach": Trial(
                _not(_has(MAC)), (), {"interface": MAC}, afresh=_with_interface
            ),
        },
        booted=True,
        disk=True,
    ),
    "frozen": Group(
        {
            "snapshot-create": Trial(
                _has_it_and_is_thawed, (), {"name": "one", "where": "external", "quiesce": True}
            )
        },
        booted=True,
        disk=True,
    ),
    "snapshots": Group(
        {
            "snapshot-revert": Trial(
                None,  # it may have been the current one before
                (ON, ("snapshot-create-as", "one"), ("snapshot-create-as", "two")),
                snapshot="one",
            ),
            "snapshot-delete": Trial(
                _not(_has_snapshot),
                (ON, ("snapshot-create-as", "one", "--disk-only")),
                snapshot="one",
            ),
        },
        disk=True,
    ),
    "pool": Group(
        {
            "pool-start": Trial(_info("pool-info", "State", "running")),
            "pool-stop": Trial(_info("pool-info", "State", "inactive"), (("pool-start",),)),
            "pool-refresh": Trial(None, (("pool-start",),)),
            # what has its name may be another console's: it is asked about
            "volume-create": Trial(
                None,
                (("pool-start",),),
                {"name": "made.raw", "size": "1M", "format": "raw"},
                afresh=_without_volume,
            ),
            "pool-autostart": Trial(
                _info("pool-info", "Autostart", "yes"), (("pool-autostart", "--disable"),)
            ),
        }
    ),
    "network": Group(
        {
            "network-start": Trial(_info("net-info", "Active", "yes")),
            "network-stop": Trial(_info("net-info", "Active", "no"), (("net-start",),)),
            "network-autostart": Trial(
                _info("net-info", "Autostart", "yes"), (("net-autostart", "--disable"),)
            ),
        }
    ),
}
"""By what the name of the subject is made of: a long one makes the path of its sockets too long.
Workflows are killed in tests/lab/test_migration_faults.py."""

WAITED_FOR = {
    "shutdown": "how long a guest takes depends on how busy the machine is",
    "reboot": "so it does, and each console waits two minutes for an event that nobody heard",
}
"""What is asked of a guest: its console is killed on the test driver only. test_waiting.py has real
guests."""

LIKE_ANOTHER = {
    *("edit", "rescue", "unrescue", "set-boot-order", "set-cpu-mode", "set-graphics"),
    *("set-cpu-limits", "set-memory-limits", "set-disk-limits", "set-network-limits", "set-link"),
    *("add-agent-channel", "set-watchdog", "add-rng", "add-tpm", "resize", "change-media"),
    "volume-extend",
    *("block-job-speed", "block-job-pivot", "block-job-abort", "thaw", "guest-vcpus"),
    *("device-attach", "device-detach", "device-share"),
}
"""One call each, that of another verb or one that is sent again: most are on the test driver."""
ELSEWHERE = {
    *("create", "create-from-image", "create-from-xml", "remove-seed"),  # test_create_crashes.py
    "freeze",  # test_freezing.py
    "clone",  # test_clone.py, killed at each point
    "evacuate",  # test_evacuate.py, without being killed
    "volume-delete",  # test_images.py, without being killed
    # test_volumes.py, which kills the console of an upload
    *("volume-upload", "volume-download", "volume-wipe", "volume-resize", "volume-clone"),
    # the test driver has networks as the real one has: tests/driver/test_crash_points.py
    *("network-create", "network-create-from-xml", "network-edit", "network-delete"),
    *("pool-create", "pool-create-from-xml", "pool-edit", "pool-undefine"),  # likewise
    "volume-disconnect",  # test_network_disks.py, without being killed
    "volume-connect",  # test_moved_volumes.py, without being killed
    # tests/san/test_migration.py, without being killed: nothing has PCI devices to give away here
    *("device-release", "device-reattach"),
    *("pool-build", "pool-delete"),  # test_pools.py, without being killed
    *(
        f"network-{does}-{what}"
        for does in ("add", "remove")
        for what in ("dhcp-host", "dns-host", "port-group")
    ),
    *("device-create", "device-delete"),  # no machine of the tests has such devices
    *("nwfilter-define", "nwfilter-delete"),  # test_interface_kinds.py, without being killed
    # two hosts: test_cold_crashes.py
    *("cold-migrate", "confirm-cold-migration", "revert-cold-migration"),
}

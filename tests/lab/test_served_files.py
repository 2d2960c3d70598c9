"""Images of web, NBD, SSH and NFS servers in a real guest: by https, by NBD's TLS, by ssh, by NFS.

The host has a network of its own, in which the servers are. Root only.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError, OperationFailedError
from core.fleet import Fleet
from core.lab import Guest
from core.lab.image import ensure_image
from core.lab.templates import EMULATOR, HELD_STATES, emulator_script, instance_xml
from core.model import ObjectKey
from tests.lab.asking_guests import ask_agent, in_guest
from tests.lab.migrating import found, opened
from tests.lab.networked import NetworkedHosts
from tests.lab.removing import remove_instance
from tests.lab.scratch_disk import holds, write
from tests.lab.small_servers import SmallServers, with_query
from tests.lab.test_devices import done
from tests.lab.test_network_disks import WAITS
from tests.patience import PATIENCE

NAME = "served"
RAW = {"format": "raw"}
READ = {**RAW, "access": "read-only"}
_PING = '{"execute": "guest-ping"}'


@pytest.fixture
def servers(networked: NetworkedHosts, tmp_path: Path) -> Iterator[SmallServers]:
    with SmallServers(networked.host("alpha"), tmp_path) as made:
        for name in ("web.raw", "nbd.raw", "ssh.raw", "nfs.raw"):
            (made.files / name).write_bytes(b"far-away".ljust(8 << 20, b"."))
        yield made


@pytest.fixture
def booted_guest(networked: NetworkedHosts, servers: SmallServers) -> Iterator[Callable[..., str]]:
    """A guest with an agent; called with a line it runs that in the guest's shell."""
    host, root = networked.host("alpha"), networked.root
    for folder in ("image", "logs"):
        (root / folder).mkdir(exist_ok=True)
    image = ensure_image(print)
    for source in (image.kernel, image.initramfs):
        shutil.copy(source, root / "image")
    (root / EMULATOR).write_text(emulator_script("/usr/bin/qemu-system-x86_64", root / HELD_STATES))
    (root / EMULATOR).chmod(0o755)
    described = servers.home / "guest.xml"
    new = Guest(NAME, "Served", "Made by a test.")
    described.write_text(instance_xml(new, root, None, networked.accelerator))
    host.virsh("define", str(described))
    try:
        host.virsh("start", NAME)
        yield lambda line: in_guest(host, NAME, "/bin/sh", "-c", line)
    finally:
        remove_instance(networked.hosts, NAME)


@pytest.fixture
async def fleet(networked: NetworkedHosts, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(networked.uris, tmp_path / "journal.sqlite3") as made:
        yield made


async def fails(fleet: Fleet, vm: ObjectKey, url: str, why: str, **options: Any) -> None:
    """Have an image be attached that cannot be, and see that one sentence tells why."""
    with pytest.raises(OperationFailedError) as told:
        await done(fleet, "volume-attach", vm, volume=url, **options)
    assert why in str(told.value)
    assert "QEMU command" not in str(told.value)
    assert told.value.hint


async def test_images_of_four_servers_are_attached_used_and_given_back(
    networked: NetworkedHosts, servers: SmallServers, booted_guest: Callable[..., str], fleet: Fleet
) -> None:
    host, vm = networked.host("alpha"), await found(fleet, NAME)

    async def inside(line: str) -> str:
        return await asyncio.to_thread(booted_guest, line)

    until = time.monotonic() + 120 * PATIENCE
    while time.monotonic() < until:
        with suppress(LabError):
            await asyncio.to_thread(ask_agent, host, NAME, _PING)
            break
        await asyncio.sleep(0.2)

    # https: read, once its CA is trusted
    web = with_query(f"{await asyncio.to_thread(servers.web)}/web.raw")
    await fails(fleet, vm, web, "The host does not trust the certificate of the web", **READ)
    shutil.copy(servers.authority, servers.trusted)
    other = web.replace("localhost", "127.0.0.1")
    await fails(fleet, vm, other, "The certificate of the web server is of another", **READ)
    await done(fleet, "volume-attach", vm, volume=web, **READ)
    assert await inside(f"{WAITS}; cat /sys/block/vda/ro; head -c 8 /dev/vda") == "1\nfar-away"
    await done(fleet, "volume-detach", vm, disk="vda")

    # NBD by TLS
    nbds = await asyncio.to_thread(servers.nbd, "nbd.raw")
    await fails(fleet, vm, nbds, "Its host has no CA by which it knows servers of TLS")
    authority = host.directory / "etc/nbd/ca-cert.pem"
    shutil.copy(servers.authority, authority)
    other = nbds.replace("localhost", "127.0.0.1")
    await fails(fleet, vm, other, "The certificate of the NBD server is not of the name")
    await fails(fleet, vm, nbds.replace("nbds", "nbd"), "The NBD server gives nothing out without")
    await fails(fleet, vm, f"{nbds}x", "The NBD server has no such export")
    await done(fleet, "volume-attach", vm, volume=nbds)
    assert "tls='yes'" in host.virsh("dumpxml", NAME)
    await inside(f"{WAITS}; echo by-tls > /dev/vda; sync")
    assert (servers.files / "nbd.raw").read_bytes().startswith(b"by-tls")
    await done(fleet, "volume-detach", vm, disk="vda")

    # SSH, as the account that QEMU runs as
    ssh = await asyncio.to_thread(servers.ssh)
    await fails(fleet, vm, f"{ssh}/ssh.raw", "The SSH server is not known to the account", **RAW)
    servers.know_ssh()
    await fails(fleet, vm, f"{ssh}/ssh.raw", "The SSH server does not let the account", **RAW)
    servers.give_key()
    await fails(fleet, vm, f"{ssh}/none.raw", "The SSH server has no /", **RAW)
    await done(fleet, "volume-attach", vm, volume=f"{ssh}/ssh.raw", **RAW)
    await inside(f"{WAITS}; echo by-ssh > /dev/vda; sync")
    assert (servers.files / "ssh.raw").read_bytes().startswith(b"by-ssh")
    await done(fleet, "volume-detach", vm, disk="vda")

    # NFS, version 3
    nfs = f"nfs://127.0.0.1{servers.files}"
    await fails(fleet, vm, f"{nfs}/nfs.raw", "Nobody answers at the NFS server", **RAW)
    nfs = await asyncio.to_thread(servers.nfs)
    await fails(fleet, vm, f"{nfs}/none.raw", "The NFS server has no such file", **RAW)
    await fails(fleet, vm, "nfs://127.0.0.1/srv/a", "does not let the host mount the folder", **RAW)
    await done(fleet, "volume-attach", vm, volume=f"{nfs}/nfs.raw", **RAW)
    await inside(f"{WAITS}; echo by-nfs > /dev/vda; sync")
    assert (servers.files / "nfs.raw").read_bytes().startswith(b"by-nfs")
    await done(fleet, "volume-extend", vm, disk="vda", size="16M")
    grown = f"until [ $(cat /sys/block/vda/size) = {16 * 2048} ]; do sleep 0.1; done"
    await inside(f"{grown}; echo at-its-end | dd of=/dev/vda bs=1M seek=15; sync")
    assert (servers.files / "nfs.raw").read_bytes()[15 << 20 :].startswith(b"at-its-end")
    await done(fleet, "volume-detach", vm, disk="vda")
    assert "network" not in host.virsh("dumpxml", NAME)

    # both are there at the next start
    for name, folder in (("ssh", ssh), ("nfs", nfs)):
        url = f"{folder}/{name}.raw"
        await done(
            fleet, "volume-attach", vm, volume=url, alias=f"ua-{name}", when="next-start", **RAW
        )
    await done(fleet, "hard-reboot", vm)
    for name in ("ssh", "nfs"):
        await asyncio.to_thread(write, host, NAME, 3, disk=f"ua-{name}")
        assert holds(servers.files / f"{name}.raw", 3, form="raw")

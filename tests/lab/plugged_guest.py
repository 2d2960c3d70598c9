"""A guest of a host of root's libvirt, with shared memory, an agent and nothing plugged in yet.

It is the lab's own guest with two modules more, which only the tests of shared directories need:
an initramfs may be followed by another.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import time
from typing import Any

from core.errors import LabError
from core.fleet import Fleet
from core.lab.archive import pack, regular
from core.lab.guests import Guest
from core.lab.image import Image, ensure_image
from core.lab.kernel_modules import MODULE_FILE, read_module
from core.lab.places import cache_directory
from core.lab.templates import EMULATOR, instance_xml
from core.model import ObjectKey, OperationStatus
from core.verbs.registry import VERBS
from tests.lab.asking_guests import in_guest
from tests.lab.networked import NetworkedHosts
from tests.patience import PATIENCE

MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
CARD = "<interface type='user'><model type='virtio'/></interface>"
MODULES = ("fuse", "virtiofs")
BOOT = 400.0
"""Seconds for its boot: ten of a processor's time, which on a busy machine
are many times that by the clock.
"""


def define(hosts: NetworkedHosts, name: str) -> None:
    """Define it on alpha; it is off."""
    image = ensure_image(print)
    place = hosts.root / "image"
    place.mkdir()
    (hosts.root / "logs").mkdir()
    shutil.copyfile(image.kernel, place / "kernel")
    (place / "initramfs").write_bytes(image.initramfs.read_bytes() + _modules(image, hosts))
    xml = instance_xml(Guest(name, "", "", memory=112), hosts.root, None, hosts.accelerator)
    for old, new in (
        (CARD, ""),
        (f"<emulator>{hosts.root / EMULATOR}</emulator>", ""),
        ("<os>", f"{MEMORY}<os>"),
    ):
        assert old in xml
        xml = xml.replace(old, new, 1)
    description = hosts.root / f"{name}.xml"
    description.write_text(xml)
    hosts.host("alpha").virsh("define", str(description))


def _modules(image: Image, hosts: NetworkedHosts) -> bytes:
    """An archive of the modules, from the packages that the image was made from.

    Debian 13's kernel has them built in, and so no files of them.
    """
    found = {}
    for package in image.kernel.with_name("manifest").read_text().split():
        if not package.startswith("linux-"):
            continue
        words = ["dpkg-deb", "--fsys-tarfile", cache_directory() / "packages" / package]
        files = subprocess.run(words, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            for member in archive:
                matched = MODULE_FILE.fullmatch(member.name.rpartition("/")[2])
                if matched is not None and matched[1] in MODULES:
                    archive.extract(member, hosts.root, filter="data")
                    content = read_module(hosts.root / member.name)
                    found[f"lib/more/{matched[1]}.ko"] = regular(content)
    return pack(found)


def booted(hosts: NetworkedHosts, name: str) -> None:
    """Wait until its agent answers, and load the modules."""
    until = time.monotonic() + BOOT * PATIENCE
    while True:
        try:
            for module in MODULES:
                said(hosts, name, f"insmod /lib/more/{module}.ko")
        except LabError:
            assert time.monotonic() < until, f"{name} does not boot"
            time.sleep(0.3)
        else:
            return


def said(hosts: NetworkedHosts, name: str, script: str) -> str:
    """What a script prints in the guest, its errors too. Blocks."""
    return in_guest(hosts.host("alpha"), name, "sh", "-c", f"{{ {script}; }} 2>&1").strip()


def at_length(condition: str) -> str:
    """A script that tries for some time: a guest finds what is plugged in a moment later."""
    return f"n=0; until {condition} || [ $n = 60 ]; do n=$((n + 1)); sleep 1; done"


CARD_UP = at_length("ip link set eth0 up 2> /dev/null")


async def done(fleet: Fleet, verb: str, key: ObjectKey, **options: Any) -> str:
    """Have a verb carried out; what it says."""
    record = await (await fleet.submit(VERBS[verb].request(subject=key, **options)))
    assert record.status is OperationStatus.DONE, record
    return record.outcome

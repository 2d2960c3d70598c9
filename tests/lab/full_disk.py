"""A disk without room, and a guest on it: a qcow2 image whose data go to /dev/full, without root.

libvirt 11 hands the data file of an image to QEMU itself, by default as a regular file, which
QEMU 10 refuses for a device: so the instance's XML names it as one. libvirt 9 does not know the
element, and drops it.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from core.lab import Guest, Lab, LabHost, Wanted
from core.lab.furnish import ensure_guest

_NAME = "full.qcow2"
_DEVICE = "<dataStore type='block'><format type='raw'/><source dev='/dev/full'/></dataStore>"


class FullDisk:
    """An image on a full disk of a host. Blocking."""

    def __init__(self, lab: Lab, host: LabHost) -> None:
        self._lab = lab
        self._host = host
        self.image = host.pool / _NAME
        self._data = host.pool / "full.data"
        options = ["-o", f"data_file={self._data}", str(self.image), "16M"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options], check=True)
        self._data.unlink()
        self._data.symlink_to("/dev/full")
        self._own(self.image)

    def start(self, name: str) -> None:
        """Define a guest that writes to the disk, and start it; the caller removes it."""
        guest = Guest(
            name,
            name.title(),
            "Made by a test.",
            switches=("vd.disk=256",),
            disk=f"default/{_NAME}",
            wanted=Wanted.SHUT_OFF,
        )
        ensure_guest(self._host, guest, self._lab.root, self._lab.accelerator)
        xml = self._host.virsh("dumpxml", "--inactive", name)
        source = re.search(rf"<source file='[^']*{_NAME}'/>", xml)
        assert source
        on_device = source[0].replace("/>", f">{_DEVICE}</source>")
        self._define(name, xml.replace(source[0], on_device))
        self._host.virsh("start", name)

    def make_room(self, name: str) -> None:
        """Give the image a real file for its data, and the guest, which is off, the same."""
        self._data.unlink()
        self._data.touch()
        self._own(self._data)
        xml = self._host.virsh("dumpxml", "--inactive", name)
        self._define(name, re.sub("<dataStore.*?</dataStore>", "", xml, flags=re.DOTALL))

    def remove(self) -> None:
        """Remove the image and its data."""
        self.image.unlink()
        self._data.unlink()

    def _define(self, name: str, xml: str) -> None:
        path = self._host.directory / f"{name}.xml"
        path.write_text(xml)
        self._host.virsh("define", str(path))

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._lab.account.uid, self._lab.account.gid)

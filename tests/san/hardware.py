"""A host with devices to give away, emulated: an IOMMU, cards, an NVMe disk with SR-IOV, USB.

It is the SAN's guest with another machine around it, and gives out nothing.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.patience import PATIENCE
from tests.san.host import SanHost, wired

FREE = "pci:0000:02:00.0"
"""A network card that the host does not use, alone in its IOMMU group."""
USED = "pci:0000:03:00.0"
"""Another, whose interface is up there."""
PAIR = ("pci:0000:05:01.0", "pci:0000:05:02.0")
"""Two cards behind a conventional bridge: one IOMMU group."""
NVME = "pci:0000:06:00.0"
"""An NVMe controller, of which there are two virtual functions."""
XHCI = "pci:0000:07:00.0"
"""The USB controller: two tablets of one model, and one of another."""
TWINS = "usb:0627:0001"
WACOM = "usb:056a:0000"
_PREPARE = Path(__file__).with_name("guest") / "hardware"


class HardwareHost(SanHost):
    """The host, from its start to the end of the `with`."""

    machine = ("-machine", "q35", "-device", "intel-iommu,caching-mode=on")
    kernel_words = "intel_iommu=on"

    @property
    def address(self) -> str:
        """It is on no wire to another host."""
        return ""

    def virsh(self, *words: str, deadline: float = 60.0) -> str:
        """Ask its libvirt; `deadline` in seconds of an idle machine. Returns what virsh printed."""
        command = ["virsh", "--quiet", "--connect", self.uri, *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=deadline * PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def _lay_out(self) -> None:
        """Lay out what a SAN's guest has, with these devices prepared in the place of targets."""
        super()._lay_out()
        with tarfile.open(self.directory / "brought", "a") as brought:
            brought.add(_PREPARE, "san/targets")

    def _cards(self) -> list[str]:
        ports = [
            f"pcie-root-port,id=port{it},chassis={it},addr={0x10 + it:#x}" for it in range(1, 7)
        ]
        behind = "iommu_platform=on,disable-legacy=on,romfile="
        devices = [
            *ports,
            f"virtio-net-pci,bus=port2,netdev=wire2,mac=02:00:00:00:00:02,{behind}",
            f"virtio-net-pci,bus=port3,netdev=wire3,mac=02:00:00:00:00:03,{behind}",
            "pcie-pci-bridge,id=conventional,bus=port4",
            "e1000,bus=conventional,addr=1,netdev=wire4,mac=02:00:00:00:00:04,romfile=",
            "e1000,bus=conventional,addr=2,netdev=wire5,mac=02:00:00:00:00:05,romfile=",
            "nvme-subsys,id=disks",
            "nvme,bus=port5,serial=disks,subsys=disks,sriov_max_vfs=2,max_ioqpairs=6,"
            "msix_qsize=7,sriov_vq_flexible=4,sriov_vi_flexible=2",
            "qemu-xhci,id=usb,bus=port6",
            "usb-tablet,bus=usb.0,port=1",
            "usb-tablet,bus=usb.0,port=2",
            "usb-wacom-tablet,bus=usb.0,port=3",
        ]
        wire = [f"hubport,id=wire{it},hubid=2" for it in range(2, 6)]
        words = [word for it in wire for word in ("-netdev", it)]
        return [*words, *(word for it in devices for word in ("-device", it))]


class MovingHost(HardwareHost):
    """The same on a wire to another of its kind: instances move between the two."""

    memory = 1024

    @property
    def address(self) -> str:
        """Where the other host reaches it."""
        return f"10.9.8.{self.number}"

    @property
    def _end(self) -> str:
        return f"listen=127.0.0.1:{self.wire}"

    def _cards(self) -> list[str]:
        return [*wired(f"socket,id=wire,{self._end}", self.number), *super()._cards()]


class OtherHardware(MovingHost):
    """The other end of that wire."""

    name = "other"
    number = 2
    initiator = "other"

    def __init__(self, one: MovingHost, say: Callable[[str], None]) -> None:
        super().__init__(one.image, say)
        self.wire = one.wire

    @property
    def _end(self) -> str:
        return f"connect=127.0.0.1:{self.wire}"


class PlainHost(HardwareHost):
    """The same without an IOMMU."""

    machine = ("-machine", "q35")
    kernel_words = ""

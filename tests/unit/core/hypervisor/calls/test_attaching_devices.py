"""What is told of a device that libvirt does not attach, where it says nothing itself."""

from __future__ import annotations

import libvirt
import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.device import attach
from core.model import ObjectKey
from core.verbs.device.calls import AttachCall

WEB = ObjectKey("instance", "alpha", "u-web")
# As libvirt 11.3 said it of a virtual function whose card had no more of them.
UNKNOWN = "An error occurred, but the cause is unknown"


def refusal(code: int, message: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError(message)
    error.err = (code, 0, message, 2, "", "", "", 0, 0)
    return error


class Daemon:
    """A connection to a daemon that attaches nothing, with one domain and some devices."""

    def __init__(self, *devices: str) -> None:
        self.devices = devices

    def lookupByUUIDString(self, uuid: str) -> Daemon:  # noqa: N802 - libvirt's name
        assert uuid == WEB.id
        return self

    def attachDeviceFlags(self, xml: str, flags: int) -> int:  # noqa: N802 - libvirt's name
        assert (xml, flags) == ("<hostdev/>", libvirt.VIR_DOMAIN_AFFECT_LIVE)
        raise refusal(libvirt.VIR_ERR_OK, UNKNOWN)

    def nodeDeviceLookupByName(self, name: str) -> str:  # noqa: N802 - libvirt's name
        if name in self.devices:
            return name
        raise refusal(libvirt.VIR_ERR_NO_NODE_DEVICE, f"no node device with matching name '{name}'")


def call(needs: str) -> AttachCall:
    return AttachCall(
        live=True, config=False, kind="device", name="pci:0000:06:00.2", xml="<hostdev/>",
        needs=needs,
    )  # fmt: skip


def test_of_a_pci_device_that_has_gone_its_host_is_asked() -> None:
    with pytest.raises(HypervisorError, match=r"The host has no PCI device 0000:06:00\.2") as gone:
        attach(Daemon(), WEB, call("pci 0000:06:00.2"))
    assert "virtdeck devices" in gone.value.hint


@pytest.mark.parametrize("needs", ["pci 0000:06:00.2", ""])
def test_of_one_that_is_there_libvirts_words_must_do(needs: str) -> None:
    with pytest.raises(libvirt.libvirtError, match=UNKNOWN):
        attach(Daemon("pci_0000_06_00_2"), WEB, call(needs))

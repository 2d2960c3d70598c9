"""What is asked for where a device of the host is attached or detached."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.applied import When
from core.verbs.device.requests import Attempts, Patience
from core.verbs.parameter import PATH_BYTES, parameter


class DeviceAttach(Request, frozen=True):
    """Attach a device of the host to an instance (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "device-attach"
    device: Annotated[
        str,
        parameter(
            "pci:0000:03:00.0, usb:1d6b:0002 (vendor and product), usb:1.2 (bus and device), "
            "mdev:UUID of a mediated device, or rng:/dev/urandom (random numbers). "
            "`virtdeck devices` lists those of a host.",
            longest=PATH_BYTES,
            source="host-devices",
            typed=True,
        ),
    ]
    when: When = "both"
    boot_order: Annotated[
        int,
        parameter(
            "The turn of a PCI or USB device as one boots; 0: none.",
            least=0,
            most=999,
            advanced=True,
        ),
    ] = 0


class DeviceDetach(Request, frozen=True):
    """Have the guest let go of a device (virDomainDetachDeviceFlags)."""

    verb: ClassVar[str] = "device-detach"
    device: Annotated[
        str,
        parameter(
            "The device, by what it was attached as: pci:0000:03:00.0, usb:1d6b:0002, mdev:UUID, "
            "rng:/dev/urandom, share:TAG. Of two USB devices of a model by bus and device: "
            "usb:1.2.",
            source="held-devices",
        ),
    ]
    when: When = "both"
    attempts: Attempts = 8
    patience: Patience = 20.0

"""What devices of hosts are called, on screens and in tables of the command line. Pure."""

from __future__ import annotations

from console import format as fmt
from core.model import NumaCell
from core.model.host_device import HostDevice
from core.model.text import clean
from core.state.device_tree import DeviceHolder


def what(device: HostDevice) -> str:
    """Return what it is for; of what says nothing of it its kind."""
    if device.physical_function:
        return f"VF {device.work}".strip()
    return device.work or device.kind.removesuffix("_device")


def functions(device: HostDevice) -> str:
    """Return how many virtual functions there are; of one what it is of."""
    if device.physical_function:
        return f"of {device.physical_function.removeprefix('pci:')}"
    if device.virtual_maximum:
        return f"{len(device.virtual_functions)} of {device.virtual_maximum}"
    return ""


def holder_in_words(holder: DeviceHolder) -> str:
    """Return its name, in brackets where it is off."""
    return clean(holder.name) if holder.active else f"({clean(holder.name)})"


def huge_pages(cell: NumaCell) -> str:
    """Return how many huge pages of which size a NUMA cell has."""
    return ", ".join(f"{page.total} x {fmt.size(page.size)}" for page in cell.huge_pages)

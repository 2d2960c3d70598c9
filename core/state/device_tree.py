"""The devices of a host as a tree: each below what it is connected to, and who holds it. Pure.

A virtual function stands below the device it is of, whatever bus libvirt says is its parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.model import Instance, ObjectKey, State
from core.model.host_device import HostDevice
from core.state.held_devices import holders, holders_of

_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class DeviceHolder:
    """An instance that has a device."""

    key: ObjectKey
    name: str
    active: bool
    """It runs with it; false: it is defined with it, and off."""


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device where it stands."""

    device: HostDevice
    position: int
    """Its line, from 0."""
    depth: int
    holders: tuple[DeviceHolder, ...] = ()


def tree_of_devices(
    devices: Iterable[HostDevice], held: Mapping[str, tuple[Instance, ...]]
) -> list[DeviceLine]:
    """Return each device once, below what it is connected to; what that is not known of first."""
    known = {one.name: one for one in sorted(devices, key=_order)}
    places = {one.place: one.name for one in known.values() if one.place}
    children: dict[str, list[str]] = {}
    for one in known.values():
        above = places.get(one.physical_function, one.parent)
        children.setdefault(above if above in known else "", []).append(one.name)
    lines: dict[str, DeviceLine] = {}
    for first in (*children.get("", ()), *known):  # what is its own parent stands by itself
        waiting = [] if first in lines else [(first, 0)]
        while waiting:
            name, depth = waiting.pop()
            who = holders_of(known[name], held)
            told = tuple(DeviceHolder(one.key, one.name, one.state.active) for one in who)
            lines[name] = DeviceLine(known[name], len(lines), depth, told)
            below = [each for each in children.get(name, ()) if each not in lines and each != name]
            waiting += [(each, depth + 1) for each in reversed(below)]
    return list(lines.values())


def devices_of_host(state: State, host: str) -> list[DeviceLine]:
    """Return the tree of a host; nothing where nobody has looked at it."""
    known = state.devices.get(host, ())
    return tree_of_devices(known, holders(state.instances, host)) if known else []


def undescribed(state: State, host: str) -> int:
    """Return of how many instances of a host it is not known what they hold."""
    return sum(one.host == host and not one.described for one in state.instances.values())


def _order(device: HostDevice) -> tuple[tuple[bool, int, str], ...]:
    """PCI before USB before the rest, by their addresses as numbers."""
    words = _NUMBERS.split(device.name)
    kind = {"pci": 0, "usb_device": 1}.get(device.kind, 2)
    if device.kind == "pci":  # its numbers are hexadecimal, all of one width
        return ((False, kind, ""), (False, 0, device.name))
    found = tuple((word.isdecimal(), int(word[:18]) if word.isdecimal() else 0, word)
                  for word in words)  # fmt: skip
    return ((False, kind, ""), *found)

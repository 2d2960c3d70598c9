"""Compares what the guest sees of an instance in two XMLs: the guest ABI.

libvirt does so itself when it is given XML for a destination, and refuses the migration at the
first difference (virDomainDefCheckABIStability). This finds all of them beforehand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy

from core.model.text import clean
from core.xml.rewrite.back_end import guest_side
from core.xml.rewrite.elements import put
from core.xml.tree import Element, attribute, attributes, children, number, parse, scaled

_DOMAIN = (
    "name", "uuid", "genid", "memory", "maxMemory", "vcpu", "vcpus", "os/type", "os/smbios",
    "features", "cpu", "clock", "sysinfo",
)  # fmt: skip
_BOUND = {"vcpu": ("cpuset", "placement"), "cell": ("memAccess", "discard")}
"""Attributes of these that say where on its host a guest runs."""
_UNSEEN = ("emulator", "graphics", "audio", "lease")
"""Devices that are not the guest's."""
_PLACED = ("alias", "address", "mtu")
"""What libvirt or the source gave a device: another one's are passed over, not refused."""
_KEYS = {"disk": ("target", "dev"), "interface": ("mac", "address")}
"""By which attribute devices are the same ones; others by their place among their kind."""
_DEFAULTS = {
    "disk": {
        "device": "disk", "model": "default", "driver queues": "0", "driver queue_size": "0",
        "target rotation_rate": "0",
    },
    "interface": {"link state": "up"},
}  # fmt: skip
_UNITS = {"memory": "KiB", "maxMemory": "KiB", "size": "KiB", "block": "KiB", "requested": "KiB"}
_MAC_OR_UUID = re.compile(r"[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2}){5,15}")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
Facts = dict[str, str]
"""By the names of elements and the attribute: `driver queues` is `2`."""


def abi_differences(source: str, destination: str) -> tuple[str, ...]:
    """Return a sentence for each thing that the guest would see changed; empty: nothing.

    Takes two `<domain>`, best both as libvirt wrote them: what only one of them leaves to
    libvirt's default counts as a difference. Raises XmlError.
    """
    before, after = parse(source, "domain"), parse(destination, "domain")
    found = list(_changes("The instance", _domain_facts(before), _domain_facts(after)))
    old, new = _devices(before), _devices(after)
    for key in dict.fromkeys((*old, *new)):
        if key not in new:
            found.append(f"The {_title(key)} is left out there.")
        elif key not in old:
            found.append(f"The {_title(key)} is there only.")
        else:
            facts = _device_facts(old[key]), _device_facts(new[key])
            found += _changes(f"The {_title(key)}", *_with_places(*facts))
    return tuple(found)


def stated_differences(what: str, old: Element, new: Element) -> tuple[str, ...]:
    """Return a sentence for each thing of the guest's that `new` says otherwise than `old`.

    What `new` says nothing of is no difference, nor are its address, alias and MTU.
    """
    before, after = _device_facts(old), _device_facts(new, defaults=False)
    said = {
        name: value
        for name, value in after.items()
        if value != before.get(name) and name.split(" ")[0] not in _PLACED
    }
    return tuple(_changes(what, {name: before[name] for name in said if name in before}, said))


def _changes(what: str, before: Facts, after: Facts) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            here, there = _told(old), _told(new)
            yield clean(f"{what} would change for the guest: {name} is {here} now, {there} there.")


def _told(value: str | None) -> str:
    return "left out" if value is None else value or "empty"


def _devices(domain: Element) -> dict[tuple[str, str], Element]:
    """Return the devices by kind and what they are told apart by."""
    found: dict[tuple[str, str], Element] = {}
    counts: Counter[str] = Counter()
    for device in children(domain.find("devices")):
        kind = str(device.tag)
        if kind in _UNSEEN:
            continue
        path, name = _KEYS.get(kind, ("", ""))
        key = (kind, attribute(device, name, path).lower() if path else "")
        if not key[1] or key in found:
            counts[kind] += 1
            key = (kind, f"number {counts[kind]}")
        found[key] = device
    return found


def _with_places(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """Return the facts without the address where the second has none: libvirt chooses it then."""
    if any(name.startswith("address ") for name in after):
        return before, after
    placed = {name: value for name, value in before.items() if not name.startswith("address ")}
    return placed, after


def _title(key: tuple[str, str]) -> str:
    return " ".join(key)


def _domain_facts(domain: Element) -> Facts:
    facts: Facts = {"type": domain.get("type", "")}
    for path in _DOMAIN:
        for index, element in enumerate(domain.findall(path)):
            bare = deepcopy(element)
            for name, bound in _BOUND.items():
                for each in bare.iter(name):
                    for one in bound:
                        put(each, one, "")
            _collect(bare, path.replace("/", " ") + (f" {index + 1}" if index else ""), facts)
    return facts


def _device_facts(device: Element, *, defaults: bool = True) -> Facts:
    facts: Facts = dict(_DEFAULTS.get(str(device.tag), {})) if defaults else {}
    _collect(guest_side(device), "", facts)
    for name in [name for name in facts if name.split(" ")[0] == "alias"]:
        del facts[name]
    return facts


def _collect(element: Element, where: str, facts: Facts) -> None:
    """Put everything that an element says into `facts`."""
    written = (element.text or "").strip()
    unit = element.get("unit") or _UNITS.get(str(element.tag))
    bytes_ = scaled(written, unit) if unit else None
    for name, value in attributes(element):
        if bytes_ is None or name != "unit":
            facts[f"{where} {name}".strip()] = _spelled(value)
    inner = children(element)
    if bytes_ is not None:
        facts[where] = f"{bytes_} bytes"
    elif written and not inner:
        facts[where] = _spelled(written)
    elif where and not inner and not element.attrib:
        facts[where] = "given"
    counts: Counter[str] = Counter()
    for each in inner:
        name = str(each.tag)
        label = f"{name} {each.get('name')}" if each.get("name") else name
        counts[label] += 1
        label = f"{label} {counts[label]}" if counts[label] > 1 else label
        _collect(each, f"{where} {label}".strip(), facts)


def _spelled(value: str) -> str:
    """Return a value in one spelling: `0x0A` and `10` are one address, as are MACs of any case."""
    text = value.strip()
    if _MAC_OR_UUID.fullmatch(text):
        return text.lower()
    if _HEXADECIMAL.fullmatch(text):
        return str(int(text, 16))
    plain = number(text)
    return text if plain is None else str(plain)

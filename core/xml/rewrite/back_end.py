"""Which parts of a device say where its back end is, and which the guest sees.

The guest ABI is what libvirt compares in virDomainDefCheckABIStability (src/conf/domain_conf.c)
and what QEMU makes a device of. Everything of a device that is not listed here belongs to it, so a
part that nobody thought of stays as it is.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from core.xml.rewrite.elements import put
from core.xml.tree import Element

_CHARACTER = ("@type", "@tty", "source", "protocol", "log", "target@state")
BACK_END: dict[str, tuple[str, ...]] = {
    "channel": _CHARACTER,
    "console": _CHARACTER,
    "controller": ("driver@iothread", "driver/iothreads"),
    "crypto": ("backend",),
    "disk": (
        "@type", "@snapshot", "@rawio", "@sgio",
        "driver@name", "driver@type", "driver@cache", "driver@io", "driver@discard",
        "driver@detect_zeroes", "driver@copy_on_read", "driver@error_policy",
        "driver@rerror_policy", "driver@iothread", "driver@discard_no_unmap",
        "driver/iothreads", "driver/metadata_cache", "driver/statistics",
        "auth", "source", "backingStore", "mirror", "encryption", "iotune", "throttlefilters",
        "target@tray",
    ),
    "filesystem": (
        "@accessmode", "@fmode", "@dmode", "driver@format", "driver@wrpolicy", "driver@name",
        "binary", "source", "idmap", "space_hard_limit", "space_soft_limit",
    ),
    "hostdev": ("@managed", "@rawio", "@sgio", "driver", "source"),
    "input": ("source",),
    "interface": (
        "@type", "@managed", "@trustGuestRxFilters", "driver@name", "driver@txmode",
        "source", "virtualport", "vlan", "target", "script", "downscript", "backend", "bandwidth",
        "filterref", "port", "portForward", "tune", "coalesce", "ip", "route",
    ),
    "memballoon": ("stats",),
    "memory": ("source/path", "source/nodemask", "source/pagesize", "target/current"),
    "parallel": _CHARACTER,
    "pstore": ("path",),
    "redirdev": ("source", "protocol", "log"),
    "rng": ("backend", "rate"),
    "serial": _CHARACTER,
    "shmem": ("server@path",),
    "smartcard": ("@mode", "@type", "source", "protocol", "certificate", "database", "log"),
    "sound": ("audio",),
    "tpm": (
        "backend@debug", "backend@persistent_state", "backend/device", "backend/source",
        "backend/encryption", "backend/log",
    ),
    "video": ("acceleration@rendernode", "driver@name"),
    "watchdog": ("@action",),
}  # fmt: skip
"""Per kind of device: `@ATTRIBUTE`, `PATH@ATTRIBUTE` or the `PATH` of a whole element."""


def with_back_end(old: Element, new: Element) -> Element:
    """Return a copy of the device `old` with the back end of `new`, all of it and nothing else."""
    return _exchanged(old, new)


def guest_side(device: Element) -> Element:
    """Return a copy of a device without its back end: what must be the same at both ends."""
    made = _exchanged(device, None)
    if device.tag == "interface" and device.get("type") == "hostdev":
        made.set("type", "hostdev")  # the guest has the host's own device then
    return made


def _exchanged(old: Element, new: Element | None) -> Element:
    made = deepcopy(old)
    holders = set()
    for place in BACK_END.get(str(old.tag), ()):
        path, at, name = place.partition("@")
        if at:
            _set(made, path, name, None if new is None else _value(new, path, name))
        else:
            _put(made, path, [] if new is None else new.findall(path))
        holders.add(path if at else path.rpartition("/")[0])
    for path in holders - {""}:
        _drop_nothings(made, path)
    return made


def _value(device: Element, path: str, name: str) -> str | None:
    holder = device.find(path) if path else device
    return None if holder is None else holder.get(name)


def _set(device: Element, path: str, name: str, value: str | None) -> None:
    """Set an attribute; without a value it goes."""
    for holder in _holders(device, path, make=value is not None):
        if value is not None:
            holder.set(name, value)
        else:
            put(holder, name, "")


def _put(device: Element, path: str, elements: list[Element]) -> None:
    """Have exactly copies of `elements` at `path`, where the first of them was until now."""
    above, _, name = path.rpartition("/")
    for parent in _holders(device, above, make=bool(elements)):
        old = parent.findall(name)
        index = parent.index(old[0]) if old else len(parent)
        for element in old:
            parent.remove(element)
        for offset, element in enumerate(elements):
            parent.insert(index + offset, deepcopy(element))


def _holders(device: Element, path: str, *, make: bool) -> list[Element]:
    holder = device.find(path) if path else device
    if holder is None and make:
        holder = etree.SubElement(device, path)
    return [] if holder is None else [holder]


def _drop_nothings(device: Element, path: str) -> None:
    """Remove an element that had nothing but what was taken out of it."""
    for element in device.findall(path):
        parent = element.getparent()
        if parent is not None and _is_nothing(element):
            parent.remove(element)


def _is_nothing(element: Element | None) -> bool:
    return element is None or not (len(element) or element.attrib or (element.text or "").strip())

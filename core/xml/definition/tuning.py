"""Targeted changes of a definition: one function each, from the document to the new one. Pure.

Each leaves all else as it is, and raises XmlError, with the cure, for what does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import XmlError
from core.model.text import real_name
from core.xml.definition.bootable import bootable
from core.xml.definition.text import child, written
from core.xml.tree import Element, attribute, children, parse

AGENT_CHANNEL = "org.qemu.guest_agent.0"
CLASSES = ("hd", "cdrom", "network", "fd")
"""What can be booted from by its class, whichever device that is."""
_DEVICES = "devices"


def with_boot_order(document: str, devices: Sequence[str], *, menu: bool | None = None) -> str:
    """Boot from these, in their order: disks, network and host devices, or classes.

    A class is one of `CLASSES`, and they are not mixed with devices.
    """
    root = _root(document)
    system = root.find("os")
    if system is None:
        raise XmlError("It has no <os> to boot by.", "Edit its XML.")
    classes = [each for each in devices if each in CLASSES]
    if classes and len(classes) != len(devices):
        raise XmlError("Devices and classes of them are mixed.", "Name either all the one way.")
    for element in [*system.findall("boot"), *root.iterfind(f"{_DEVICES}/*/boot")]:
        _remove(element)
    for each in classes:
        child(system, "boot", dev=each)
    if not classes:
        for place, each in enumerate(devices, 1):
            child(bootable(root, each), "boot", order=str(place))
    if menu is not None:
        found = system.find("bootmenu")
        found = child(system, "bootmenu") if found is None else found
        found.set("enable", "yes" if menu else "no")
    return written(root)


def _bootable(root: Element, name: str) -> Element:
    known = []
    for device in root.iterfind(f"{_DEVICES}/*"):
        own = attribute(device, "dev", "target") if device.tag == "disk" else ""
        own = attribute(device, "address", "mac") if device.tag == "interface" else own
        if own and own.lower() == name.lower():
            return device
        known += [own] if own else []
    has = f"It has {', '.join(known)}." if known else "It has no disk and no network device."
    raise XmlError(f"It has no device {name} to boot from.", has)


def with_cpu(document: str, mode: str, model: str = "") -> str:
    """Have another CPU: what was set of its features goes, its topology and NUMA cells stay."""
    if (mode == "custom") != bool(model):
        raise XmlError(
            "A model is what custom has, and only that.", "Give mode custom and a model."
        )
    root = _root(document)
    before = root.find("cpu")
    kept = (
        []
        if before is None
        else [one for one in children(before) if one.tag in ("topology", "numa", "maxphysaddr")]
    )
    if before is None:
        before = child(root, "cpu")
    for key in list(before.attrib):
        del before.attrib[key]
    for one in list(before):
        before.remove(one)
    before.text = None
    before.set("mode", mode)
    if mode == "custom":
        before.set("match", "exact")
        child(before, "model", fallback="forbid").text = model
    for one in kept:
        before.append(one)
    return written(root)


def with_graphics(document: str, kind: str, listen: str = "", password: str = "") -> str:
    """Have a display of one kind, or `none`; `password` is what stands in the document for it."""
    root = _root(document)
    devices = _devices(root)
    before = devices.findall("graphics")
    same = next((one for one in before if one.get("type") == kind), None)
    for one in before:
        if one is not same:
            _remove(one)
    if kind == "none":
        return written(root)
    if same is None:
        same = child(devices, "graphics", type=kind, port="-1", autoport="yes")
    if listen:
        _drop(same, "listen")
        for one in same.findall("listen"):
            _remove(one)
        child(same, "listen", type="address", address=listen)
    if password:
        same.set("passwd", password)
        _drop(same, "passwdValidTo")
    if devices.find("video") is None:
        child(child(devices, "video"), "model", type="virtio" if kind == "vnc" else "qxl")
    return written(root)


def with_agent_channel(document: str) -> str:
    """Have a channel for the guest's agent."""
    root = _root(document)
    for target in root.iterfind(f"{_DEVICES}/channel/target"):
        if target.get("name") == AGENT_CHANNEL:
            raise XmlError("It has a channel for the agent.", "Run qemu-guest-agent in the guest.")
    channel = child(_devices(root), "channel", type="unix")
    child(channel, "target", type="virtio", name=AGENT_CHANNEL)
    return written(root)


def with_watchdog(document: str, model: str, action: str) -> str:
    """Have a watchdog that does this when the guest no longer feeds it; `none` removes it."""
    root = _root(document)
    for one in root.findall(f"{_DEVICES}/watchdog"):
        if model != "none" and one.get("model") == model:
            one.set("action", action)
            return written(root)
        if one.get("model") != "itco":  # a q35 has that one built in
            _remove(one)
    if model != "none":
        child(_devices(root), "watchdog", model=model, action=action)
    return written(root)


def with_rng(document: str, source: str) -> str:
    """Have a random number generator fed from a file of the host."""
    root = _root(document)
    if root.find(f"{_DEVICES}/rng") is not None:
        raise XmlError("It has a random number generator.", "Edit its XML to have another.")
    rng = child(_devices(root), "rng", model="virtio")
    child(rng, "backend", model="random").text = source
    return written(root)


def with_tpm(document: str, model: str, host_device: str = "") -> str:
    """Have an emulated TPM 2.0, or that of the host at a path."""
    root = _root(document)
    if root.find(f"{_DEVICES}/tpm") is not None:
        raise XmlError("It has a TPM.", "Edit its XML to have another.")
    tpm = child(_devices(root), "tpm", model=model)
    if host_device:
        child(child(tpm, "backend", type="passthrough"), "device", path=real_name(host_device))
    else:
        child(tpm, "backend", type="emulator", version="2.0")
    return written(root)


def with_link(document: str, mac: str, *, up: bool) -> str:
    """Have the cable of a network device plugged in, or pulled."""
    root = _root(document)
    device = interface_of(root, mac)
    link = device.find("link")
    link = child(device, "link") if link is None else link
    link.set("state", "up" if up else "down")
    return written(root)


def interface_of(root: Element, mac: str) -> Element:
    """Return the one network device of a MAC address; raises XmlError."""
    devices = root.findall(f"{_DEVICES}/interface")
    known = [attribute(device, "address", "mac") for device in devices]
    found = [one for one, own in zip(devices, known, strict=True) if own.lower() == mac.lower()]
    if len(found) == 1:
        return found[0]
    if found:  # a failover pair: nothing tells which is meant
        raise XmlError(f"It has {len(found)} network devices {mac}.", "Change one in its XML.")
    has = f"It has {', '.join(known)}." if known else "It has none."
    raise XmlError(f"It has no network device {mac}.", has)


def _root(document: str) -> Element:
    return parse(document, "domain", verbatim=True)


def _devices(root: Element) -> Element:
    found = root.find(_DEVICES)
    return child(root, _DEVICES) if found is None else found


def _remove(element: Element) -> None:
    """Remove an element, with the blanks before what follows it."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.getnext() is None and before is not None:
        before.tail = element.tail
    elif element.getnext() is None and before is None:
        parent.text = None
    parent.remove(element)


def device_with_link(xml: str, mac: str, *, up: bool) -> str:
    """Return the XML of a network device with this state of its link. Raises XmlError."""
    from lxml import etree  # see core.xml.tree

    root = _root(with_link(xml, mac, up=up))
    return etree.tostring(interface_of(root, mac), encoding="unicode", with_tail=False)


def _drop(element: Element, name: str) -> None:
    if name in element.attrib:
        del element.attrib[name]

"""An instance from the XML of a libvirt domain, whatever hypervisor or age it is of."""

from __future__ import annotations

from core.model import AgentState, Device, Disk, Instance, Interface
from core.model.device_word import word_of_device
from core.xml.cold_mark import read_mark
from core.xml.device import read_device
from core.xml.disk import read_disk
from core.xml.interface import read_interface
from core.xml.made_mark import maker_of
from core.xml.tree import (
    Element,
    attribute,
    children,
    exact,
    number,
    paragraph,
    parse,
    size,
    text,
)

RESCUE = "urn:virtdeck:rescue:1"
"""The namespace of what a rescue keeps in the metadata."""
_AGENT_CHANNEL = "org.qemu.guest_agent.0"
_BIOS_MACHINES = ("x86_64", "i686")


def read_instance(xml: str, host: str = "") -> Instance:
    """Return the instance that a `<domain>` describes, as one of `host`.

    Its state, reason and flags (persistent, autostart, managed save) are not in the XML and keep
    their defaults. Raises XmlError.
    """
    domain = parse(xml, "domain")
    devices = domain.find("devices")
    disks = tuple(read_disk(disk) for disk in _all(devices, "disk"))
    interfaces = tuple(read_interface(interface) for interface in _all(devices, "interface"))
    vcpus_maximum = number(text(domain, "vcpu")) or 1
    memory_maximum = size(domain, "memory", unit="KiB") or 0
    return Instance(
        host=host,
        uuid=text(domain, "uuid").lower(),
        name=exact(domain, "name"),
        id=number(attribute(domain, "id")),
        title=text(domain, "title"),
        description=paragraph(domain, "description"),
        type=attribute(domain, "type"),
        architecture=attribute(domain, "arch", "os/type"),
        machine=attribute(domain, "machine", "os/type"),
        firmware=_read_firmware(domain),
        cpu_mode=_read_cpu_mode(domain),
        vcpus=min(number(attribute(domain, "current", "vcpu")) or vcpus_maximum, vcpus_maximum),
        vcpus_maximum=vcpus_maximum,
        memory=size(domain, "currentMemory", unit="KiB") or memory_maximum,
        memory_maximum=memory_maximum,
        boot=_read_boot(domain, disks, interfaces),
        kernel_root=_read_root(domain),
        disks=disks,
        interfaces=interfaces,
        devices=_others(devices),
        agent=_read_agent(devices),
        rescue=domain.find(f"metadata/{{{RESCUE}}}rescue") is not None,
        cold=read_mark(domain),
        maker=maker_of(domain),
    )


def _all(devices: Element | None, name: str) -> list[Element]:
    return [] if devices is None else devices.findall(name)


def _others(devices: Element | None) -> tuple[Device, ...]:
    """Return the devices that are neither disk nor interface."""
    found = (one for one in children(devices) if one.tag not in ("disk", "interface"))
    return tuple(read_device(one) for one in found)


def _read_firmware(domain: Element) -> str:
    """Return efi, bios or the loader's file; empty where there is none to choose (s390x, LXC)."""
    chosen = attribute(domain, "firmware", "os")
    if chosen:
        return chosen
    loader = exact(domain, "os/loader")
    if loader:
        return loader
    guest = domain.find("os/type")
    machine = attribute(guest, "arch")
    full = text(guest) in ("hvm", "") and attribute(domain, "type") != "lxc"
    return "bios" if guest is not None and full and machine in _BIOS_MACHINES else ""


def _read_cpu_mode(domain: Element) -> str:
    """Return the mode, with the model when it is custom: a running host-model reads custom."""
    cpu = domain.find("cpu")
    if cpu is None:
        return ""
    mode = attribute(cpu, "mode")
    model = text(cpu, "model")
    if model and mode in ("", "custom"):
        return f"custom {model}"
    return mode


def _read_boot(
    domain: Element, disks: tuple[Disk, ...], interfaces: tuple[Interface, ...]
) -> tuple[str, ...]:
    """Return what it boots from, first first: a kernel, a boot loader, devices or classes."""
    for path in ("bootloader", "os/kernel", "os/init"):
        given = exact(domain, path)
        if given:
            return (given,)
    ordered = [(disk.boot_order, disk.target) for disk in disks]
    ordered += [(interface.boot_order, interface.mac) for interface in interfaces]
    for device in domain.iterfind("devices/*"):
        if device.tag not in ("disk", "interface"):
            order = number(attribute(device, "order", "boot"))
            name = word_of_device(read_device(device)) if device.tag == "hostdev" else ""
            name = name or attribute(device, "name", "alias") or str(device.tag)
            ordered.append((order, name))
    chosen = sorted((order, name) for order, name in ordered if order is not None)
    if chosen:
        return tuple(name for _, name in chosen)
    return tuple(filter(None, (attribute(boot, "dev") for boot in domain.iterfind("os/boot"))))


def _read_root(domain: Element) -> str:
    """Return the last `root=` of the command line of a kernel, as Linux takes it."""
    if not exact(domain, "os/kernel"):
        return ""
    words = text(domain, "os/cmdline").split()
    named = [word.removeprefix("root=") for word in words if word.startswith("root=")]
    return named[-1] if named else ""


def _read_agent(devices: Element | None) -> AgentState:
    """Return what the agent's channel says; an inactive instance's says nothing."""
    for target in [] if devices is None else devices.iterfind("channel/target"):
        if attribute(target, "name") == _AGENT_CHANNEL:
            state = attribute(target, "state")
            known = (AgentState.CONNECTED, AgentState.DISCONNECTED)
            return AgentState(state) if state in known else AgentState.UNKNOWN
    return AgentState.NONE

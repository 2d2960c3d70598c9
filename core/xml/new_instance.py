"""The XML of an instance that is to be made, by what its host offers to guests. Pure."""

from __future__ import annotations

from core.model import GuestPlatform
from core.model.new_instance import NewInstance, target_of
from core.model.text import real_name
from core.xml.tree import Element

ROOT_PORTS = 14
"""Free PCIe slots for what is plugged in later; with 15 and more QEMU met a bug (virt-install)."""
STATISTICS = 5
"""Seconds after which a guest's balloon tells anew how its memory is used."""
AGENT = "org.qemu.guest_agent.0"


def instance_xml(new: NewInstance, platform: GuestPlatform) -> str:
    """Return the `<domain>`, without passwords and without what libvirt itself chooses best."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("domain", type=platform.type)
    _text(root, "name", real_name(new.name))
    _text(root, "uuid", new.uuid)
    _text(root, "memory", str(new.memory), unit="MiB")
    _text(root, "vcpu", str(new.vcpus))
    _add_boot(root, new, platform)
    features = _add(root, "features")
    _add(features, "acpi")
    if platform.x86:
        _add(features, "apic")
    if platform.type == "kvm" and "host-passthrough" in platform.cpu_modes:
        # QEMU's default, where it has the property: its CPUs of ARM have none, and refuse it
        only_x86 = {"migratable": "on"} if platform.x86 else {}
        _add(root, "cpu", mode="host-passthrough", check="none", **only_x86)
    _add_clock(root, platform)
    devices = _add(root, "devices")
    if platform.emulator:
        _text(devices, "emulator", real_name(platform.emulator))
    _add_disks(devices, new)
    _add_controllers(devices, new, platform)
    _add_interface(devices, new)
    _add_consoles(devices, new, platform)
    if new.tpm:
        _add(_add(devices, "tpm", model="tpm-crb"), "backend", type="emulator", version="2.0")
    _add(_add(devices, "memballoon", model="virtio"), "stats", period=str(STATISTICS))
    rng = _add(devices, "rng", model="virtio")
    _text(rng, "backend", "/dev/urandom", model="random")
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _add_boot(root: Element, new: NewInstance, platform: GuestPlatform) -> None:
    boot = _add(root, "os")
    if new.firmware == "uefi":
        boot.set("firmware", "efi")
    kind = _text(boot, "type", "hvm", arch=platform.architecture)
    if platform.machine:
        kind.set("machine", platform.machine)
    for name, value in (("kernel", new.kernel), ("initrd", new.initrd), ("cmdline", new.cmdline)):
        if value:
            _text(boot, name, value)


def _add_clock(root: Element, platform: GuestPlatform) -> None:
    clock = _add(root, "clock", offset="utc")
    if platform.x86:
        _add(clock, "timer", name="rtc", tickpolicy="catchup")
        _add(clock, "timer", name="pit", tickpolicy="delay")
        _add(clock, "timer", name="hpet", present="no")


def _add_disks(devices: Element, new: NewInstance) -> None:
    """Disks on virtio, media on virtio-scsi: Debian's cloud kernel sees nothing on SATA."""
    for place, disk in enumerate(new.disks):
        found = _add(devices, "disk", type=disk.type, device=disk.device)
        driver = _add(found, "driver", name="qemu", type=disk.format)
        if disk.device == "disk":
            driver.set("discard", "unmap")
        if disk.type == "block":
            driver.set("cache", "none")
            driver.set("io", "native")
        source = _add(found, "source")
        source.set("dev" if disk.type == "block" else "file", real_name(disk.source))
        if disk.optional:
            source.set("startupPolicy", "optional")
        bus = "virtio" if disk.device == "disk" else "scsi"
        _add(found, "target", dev=target_of(new.disks, place), bus=bus)
        if disk.device == "cdrom":
            _add(found, "readonly")
        if (order := _order(new, disk.device, place)) is not None:
            _add(found, "boot", order=str(order))


def _order(new: NewInstance, kind: str, place: int) -> int | None:
    """Return the place in which a disk is booted from; a seed is not booted from."""
    if new.kernel or (kind != "network" and new.disks[place].optional):
        return None
    ranks = [
        (kind_ != new.first, ["disk", "cdrom", "network"].index(kind_), number)
        for kind_, number in _bootable(new)
    ]
    wanted = (kind != new.first, ["disk", "cdrom", "network"].index(kind), place)
    return sorted(ranks).index(wanted) + 1


def _bootable(new: NewInstance) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = [
        (disk.device, place) for place, disk in enumerate(new.disks) if not disk.optional
    ]
    return [*found, ("network", 0)] if new.network != "none" else found


def _add_controllers(devices: Element, new: NewInstance, platform: GuestPlatform) -> None:
    if platform.pcie:
        _add(devices, "controller", type="pci", model="pcie-root")
        for _ in range(ROOT_PORTS):
            _add(devices, "controller", type="pci", model="pcie-root-port")
    _add(devices, "controller", type="usb", model="qemu-xhci", ports="15")
    if any(disk.device == "cdrom" for disk in new.disks):
        _add(devices, "controller", type="scsi", model="virtio-scsi")


def _add_interface(devices: Element, new: NewInstance) -> None:
    if new.network == "none":
        return
    kind, _, name = new.network.partition(":")
    if new.network == "user":
        interface = _add(devices, "interface", type="user")
    elif kind == "bridge" and name:
        interface = _add(devices, "interface", type="bridge")
        _add(interface, "source", bridge=name)
    else:
        interface = _add(devices, "interface", type="network")
        _add(interface, "source", network=real_name(new.network))
    _add(interface, "model", type="virtio")
    if new.first == "network" and (order := _order(new, "network", 0)) is not None:
        _add(interface, "boot", order=str(order))


def _add_consoles(devices: Element, new: NewInstance, platform: GuestPlatform) -> None:
    """A serial console, the agent's channel, and a screen with a pointer that follows the mouse."""
    _add(_add(devices, "serial", type="pty"), "target", port="0")
    _add(_add(devices, "console", type="pty"), "target", type="serial", port="0")
    channel = _add(devices, "channel", type="unix")
    _add(channel, "target", type="virtio", name=AGENT)
    if new.graphics == "none":
        _add(_add(devices, "video"), "model", type="none")
        return
    _add(devices, "input", type="tablet", bus="usb")
    if not platform.x86:
        _add(devices, "input", type="keyboard", bus="usb")
    graphics = _add(devices, "graphics", type=new.graphics, port="-1", autoport="yes")
    _add(graphics, "listen", type="address", address="127.0.0.1")
    model = next((one for one in ("virtio", "vga") if one in platform.video), "")
    if model:
        _add(_add(devices, "video"), "model", type=model)


def _add(parent: Element, name: str, /, **attributes: str) -> Element:
    from lxml import etree

    return etree.SubElement(parent, name, attributes)


def _text(parent: Element, name: str, value: str, /, **attributes: str) -> Element:
    found = _add(parent, name, **attributes)
    found.text = value
    return found

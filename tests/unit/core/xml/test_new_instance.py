"""The XML of new instances, by what their host offers; and that of new volumes."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from core.model import GuestPlatform
from core.model.new_instance import NewDisk, NewInstance, target_of
from core.xml.instance import read_instance
from core.xml.new_instance import ROOT_PORTS, instance_xml
from core.xml.new_volume import volume_xml

KVM = GuestPlatform(
    *("kvm", "x86_64", "q35", "/usr/bin/qemu-system-x86_64", ("bios", "efi")),
    cpu_modes=("host-passthrough", "maximum", "host-model"),
    video=("vga", "virtio"),
)
TCG = replace(KVM, type="qemu", cpu_modes=("maximum", "host-model"))
ARM = replace(KVM, architecture="aarch64", machine="")
DISK = NewDisk("/images/web.qcow2")
ISO = NewDisk("/isos/debian.iso", format="raw", device="cdrom")
SEED = replace(ISO, source="/images/web-seed-1.iso", optional=True)
WEB = NewInstance("web", "0a7bd1a4-8a0e-4ad4-9d3f-3a7b2c6f9a10", 2048, 2, disks=(DISK,))


def xml(platform: GuestPlatform = KVM, **changes: Any) -> Any:
    return etree.fromstring(instance_xml(replace(WEB, **changes), platform))


def orders(root: Any) -> dict[str, str]:
    """Which device is booted in which place."""
    return {
        (parent.find("target") if parent.tag == "disk" else parent.find("model")).get(
            "dev", "network"
        ): boot.get("order")
        for boot in root.iterfind("devices//boot")
        if (parent := boot.getparent()) is not None
    }


def test_it_has_what_virt_install_would_give_it():
    root = xml()
    assert root.get("type") == "kvm"
    assert root.find("os/type").get("machine") == "q35"
    assert root.find("cpu").get("mode") == "host-passthrough"
    disk = root.find("devices/disk")
    assert disk.find("driver").attrib == {"name": "qemu", "type": "qcow2", "discard": "unmap"}
    assert disk.find("target").get("bus") == "virtio"
    ports = root.findall("devices/controller[@model='pcie-root-port']")
    assert len(ports) == ROOT_PORTS
    (serial,) = root.findall("devices/serial")
    assert serial.find("target").get("port") == "0"
    assert root.find("devices/channel/target").get("name") == "org.qemu.guest_agent.0"
    assert root.find("devices/graphics").get("type") == "vnc"
    assert root.find("devices/video/model").get("type") == "virtio"
    assert root.find("devices/input").get("type") == "tablet"
    assert root.find("devices/rng/backend").text == "/dev/urandom"
    assert root.find("devices/memballoon/stats") is not None


def test_it_is_read_back_as_what_was_asked_for():
    found = read_instance(instance_xml(replace(WEB, network="lan", firmware="uefi"), KVM), "alpha")
    assert (found.name, found.memory_maximum or found.memory) == ("web", 2048 << 20)
    assert found.vcpus == 2
    assert found.firmware == "efi"
    assert [disk.target for disk in found.disks] == ["vda"]
    assert found.interfaces[0].source == "lan"


def test_what_only_hardware_gives_is_left_out_where_it_is_emulated():
    root = xml(TCG)
    assert root.get("type") == "qemu"
    assert root.find("cpu") is None


def test_what_is_no_pc_has_no_parts_of_one():
    root = xml(ARM)
    assert root.find("features/apic") is None
    assert root.find("os/type").get("machine") is None
    assert not root.findall("clock/timer")
    assert not root.findall("devices/controller[@model='pcie-root-port']")
    assert {one.get("type") for one in root.findall("devices/input")} == {"tablet", "keyboard"}


@pytest.mark.parametrize(
    ("first", "network", "wanted"),
    [
        ("disk", "none", {"vda": "1", "sda": "2"}),
        ("cdrom", "none", {"sda": "1", "vda": "2"}),
        ("network", "lan", {"network": "1", "vda": "2", "sda": "3"}),
        ("disk", "lan", {"vda": "1", "sda": "2"}),
    ],
)
def test_it_boots_from_what_is_wanted_first(first: str, network: str, wanted: dict[str, str]):
    assert orders(xml(disks=(DISK, ISO), first=first, network=network)) == wanted


def test_a_kernel_is_booted_past_all_else():
    root = xml(kernel="/k", initrd="/i", cmdline="console=ttyS0")
    assert orders(root) == {}
    assert [root.findtext(f"os/{name}") for name in ("kernel", "initrd", "cmdline")] == [
        *("/k", "/i", "console=ttyS0"),
    ]


def test_a_seed_lies_on_scsi_and_may_be_gone_and_is_not_booted_from():
    root = xml(disks=(DISK, SEED))
    _, seed = root.findall("devices/disk")
    assert seed.get("device") == "cdrom"
    assert seed.find("target").attrib == {"dev": "sda", "bus": "scsi"}
    assert seed.find("source").get("startupPolicy") == "optional"
    assert root.find("devices/controller[@model='virtio-scsi']") is not None
    assert orders(root) == {"vda": "1"}


@pytest.mark.parametrize(
    ("network", "kind", "source"),
    [
        ("lan", "network", {"network": "lan"}),
        ("bridge:br0", "bridge", {"bridge": "br0"}),
        ("user", "user", None),
    ],
)
def test_it_is_connected_as_it_was_said(network: str, kind: str, source: dict[str, str] | None):
    interface = xml(network=network).find("devices/interface")
    assert interface.get("type") == kind
    assert interface.find("model").get("type") == "virtio"
    found = interface.find("source")
    assert (None if found is None else dict(found.attrib)) == source


def test_without_a_network_or_a_screen_it_has_none():
    root = xml(graphics="none")
    assert root.find("devices/interface") is None
    assert root.find("devices/graphics") is None
    assert root.find("devices/video/model").get("type") == "none"


def test_a_device_of_the_hosts_is_written_past_the_cache():
    disk = NewDisk("/dev/vg/web", "block", "raw")
    found = xml(disks=(disk,)).find("devices/disk")
    assert found.find("source").get("dev") == "/dev/vg/web"
    assert (found.find("driver").get("cache"), found.find("driver").get("io")) == ("none", "native")


def test_names_that_xml_could_take_for_its_own_are_written_out():
    root = xml(name="a<b&'c\"", disks=(NewDisk("/images/a<b&.qcow2"),))
    assert root.findtext("name") == "a<b&'c\""
    assert root.find("devices/disk/source").get("file") == "/images/a<b&.qcow2"


def test_targets_are_counted_by_their_kind():
    assert [target_of((DISK, ISO, DISK), place) for place in range(3)] == ["vda", "sda", "vdb"]


def test_a_volume_takes_no_space_yet_and_can_have_checkpoints():
    root = etree.fromstring(volume_xml("web.qcow2", 1 << 30, "qcow2"))
    assert root.findtext("capacity") == str(1 << 30)
    assert root.findtext("allocation") == "0"
    assert root.find("target/format").get("type") == "qcow2"
    assert root.findtext("target/compat") == "1.1"
    over = etree.fromstring(volume_xml("web.qcow2", 1, "qcow2", ("/images/base", "raw")))
    assert over.findtext("backingStore/path") == "/images/base"
    assert over.find("backingStore/format").get("type") == "raw"
    assert etree.fromstring(volume_xml("web.img", 1, "raw")).find("target/compat") is None

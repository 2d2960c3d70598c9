"""Devices of the host: as libvirt lists them, who holds them, and how they are attached."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.hypervisor.calls.device_faults import told_of
from core.model import Device, Disk, DiskSource, Host, Instance, Interface, State
from core.model.device_word import word_of_device
from core.model.host import Link, LinkStatus
from core.model.host_device import HostDevice, MdevType
from core.state.held_devices import as_held, holders, holders_of
from core.state.instance_devices import devices_of_instance
from core.verbs.checks import check
from core.verbs.device.calls import AttachCall
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.preview import planned
from core.xml.device import read_device
from core.xml.new_device import device_in
from core.xml.node_device import read_binding, read_filter, read_node_device
from core.xml.tree import parse
from tests.unit.core.verbs.device.test_attaching import other, sent
from tests.unit.power_builders import WEB, S, web

UUID = "c60c1a2a-6b2d-4d3b-9a5f-0f3a4d1e9b10"
CARD = """<device><name>pci_0000_03_00_0</name><parent>pci_0000_00_1c_4</parent>
<driver><name>ixgbe</name></driver><capability type='pci'><class>0x020000</class>
<domain>0</domain><bus>3</bus><slot>0</slot><function>0</function>
<product id='0x1528'>X540</product><vendor id='0x8086'>Intel</vendor>
<capability type='virt_functions' maxCount='63'>
<address domain='0x0000' bus='0x03' slot='0x10' function='0x1'/></capability>
<capability type='mdev_types'><type id='t-1'><name>T</name><deviceAPI>vfio-pci</deviceAPI>
<availableInstances>4</availableInstances></type></capability>
<iommuGroup number='12'><address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
<address domain='0x0000' bus='0x03' slot='0x00' function='0x1'/></iommuGroup>
<numa node='1'/></capability></device>"""
USB = """<device><name>usb_1_2</name><parent>usb_usb1</parent><driver><name>usb</name></driver>
<capability type='usb_device'><bus>1</bus><device>2</device>
<product id='0x0002'>hub</product><vendor id='0x1d6b'>Linux</vendor></capability></device>"""
MDEV = f"""<device><name>mdev_1</name><parent>pci_0000_00_02_0</parent><capability type='mdev'>
<type id='t-1'/><uuid>{UUID}</uuid><iommuGroup number='7'/></capability></device>"""
FUNCTION = """<device><name>pci_0000_03_10_1</name><capability type='pci'><domain>0</domain>
<bus>3</bus><slot>16</slot><function>1</function><capability type='phys_function'>
<address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></capability></capability>
</device>"""


def test_devices_of_a_host_are_read_by_what_gives_them_to_an_instance() -> None:
    """In the form of libvirt 9.0's documentation (formatnode.html)."""
    assert read_node_device(CARD) == HostDevice(
        name="pci_0000_03_00_0",
        parent="pci_0000_00_1c_4",
        kind="pci",
        place="pci:0000:03:00.0",
        ids="8086:1528",
        label="Intel X540",
        work="network",
        driver="ixgbe",
        iommu_group=12,
        iommu_others=("pci:0000:03:00.1",),
        virtual_functions=("pci:0000:03:10.1",),
        virtual_maximum=63,
        mdev_types=(MdevType("t-1", "T", "vfio-pci", 4),),
        numa=1,
    )
    usb = read_node_device(USB)
    assert (usb.kind, usb.place, usb.model) == ("usb_device", "usb:1.2", "usb:1d6b:0002")
    mdev = read_node_device(MDEV)
    assert (mdev.place, mdev.label, mdev.iommu_group) == (f"mdev:{UUID}", "t-1", 7)
    function = read_node_device(FUNCTION)
    assert (function.place, function.physical_function) == ("pci:0000:03:10.1", "pci:0000:03:00.0")


@pytest.mark.parametrize(
    ("code", "work"),
    [("0x010802", "nvme"), ("0x0c0330", "usb"), ("0x060400", "bridge"), ("0x018000", "storage"),
     ("0xffff00", ""), ("", ""), ("nonsense", "")],
)  # fmt: skip
def test_what_a_device_is_for_is_told_by_its_class(code: str, work: str) -> None:
    assert read_node_device(CARD.replace("0x020000", code)).work == work


def test_filters_and_what_they_are_bound_to_are_read() -> None:
    found = read_filter(
        "<filter name='f' chain='ipv4'><uuid>U</uuid><rule/><rule/><filterref filter='g'/></filter>"
    )
    assert (found.name, found.uuid, found.chain, found.rules) == ("f", "u", "ipv4", 2)
    assert found.references == ("g",)
    bound = read_binding(
        "<filterbinding><owner><name>web</name></owner><portdev name='vnet3'/>"
        "<mac address='52:54:00:AA:00:01'/><filterref filter='f'/></filterbinding>"
    )
    assert (bound.device, bound.filter, bound.owner) == ("vnet3", "f", "web")


GOLDEN: list[tuple[str, str, str]] = [
    (
        "pci:03:00.0",
        "pci:0000:03:00.0",
        '<hostdev mode="subsystem" type="pci" managed="yes"><source>'
        '<address domain="0x0000" bus="0x03" slot="0x00" function="0x0"/></source></hostdev>',
    ),
    (
        "usb:1D6B:0002",
        "usb:1d6b:0002",
        '<hostdev mode="subsystem" type="usb" managed="yes"><source>'
        '<vendor id="0x1d6b"/><product id="0x0002"/></source></hostdev>',
    ),
    (
        "usb:1.2",
        "usb:1.2",
        '<hostdev mode="subsystem" type="usb" managed="yes"><source>'
        '<address bus="1" device="2"/></source></hostdev>',
    ),
    (  # as lsusb writes it: with a zero before it libvirt reads an octal number, another device
        "usb:001.010",
        "usb:1.10",
        '<hostdev mode="subsystem" type="usb" managed="yes"><source>'
        '<address bus="1" device="10"/></source></hostdev>',
    ),
    (
        f"mdev:{UUID}",
        f"mdev:{UUID}",
        '<hostdev mode="subsystem" type="mdev" model="vfio-pci"><source>'
        f'<address uuid="{UUID}"/></source></hostdev>',
    ),
    (
        "rng:/dev/urandom",
        "rng:/dev/urandom",
        '<rng model="virtio"><backend model="random">/dev/urandom</backend></rng>',
    ),
]


@pytest.mark.parametrize(("asked", "word", "xml"), GOLDEN)
def test_a_device_is_attached_and_found_again_by_its_word(asked: str, word: str, xml: str) -> None:
    call = sent(DeviceAttach(WEB, asked), web())
    assert call.name == word
    flat = "".join(line.strip() for line in call.xml.splitlines())
    assert flat == xml
    assert word_of_device(read_device(parse(call.xml, "hostdev", "rng"))) == word
    whole = f"<domain><devices><disk/>{flat}</devices></domain>"
    assert device_in(whole, "device", word) == (flat, "")


def against(device: str, *instances: Instance) -> list[str]:
    link = Link(LinkStatus.UP, 0.0)
    state = State(
        hosts={"alpha": Host("alpha", "qemu:///system", link)},
        instances={one.key: one for one in instances},
    )
    return [str(reason) for reason in check(state, DeviceAttach(WEB, device))]


def test_the_turn_of_a_device_as_its_guest_boots_is_given_with_it() -> None:
    call = sent(DeviceAttach(WEB, "pci:03:00.0", boot_order=2), web())
    assert '<boot order="2"/>' in call.xml
    assert read_device(parse(call.xml, "hostdev")).boot_order == 2


@pytest.mark.parametrize(
    ("more", "asked", "told"),
    [
        ({}, ("rng:/dev/urandom", 1), "QEMU boots from PCI and USB devices of the host, not from"),
        ({}, (f"mdev:{UUID}", 1), "QEMU boots from PCI and USB devices of the host, not from mdev"),
        ({"boot": ("hd",)}, ("pci:03:00.0", 1), "web boots by classes of devices (hd): number its"),
        ({"boot": ("vda",), "disks": (Disk("vda", boot_order=1),)}, ("pci:03:00.0", 2), ""),
        (
            {"devices": (Device("hostdev", "usb 0x0781:0x5581", boot_order=1),)},
            ("pci:03:00.0", 1),
            "usb:0781:5581 is number 1 already: take 2, or leave it out.",
        ),
    ],
)
def test_a_turn_is_nobody_elses(more: Any, asked: tuple[str, int], told: str) -> None:
    word, order = asked
    row = web(**more)
    state = State(
        hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
        instances={row.key: row},
    )
    found = [str(one) for one in check(state, DeviceAttach(row.key, word, boot_order=order))]
    assert len(found) == bool(told)
    assert all(one.startswith(told) for one in found)


CHANNEL = """<device><name>css_0_0_0023</name><parent>css_0</parent>
<driver><name>vfio_ccw</name></driver><capability type='css'><cssid>0x0</cssid><ssid>0x0</ssid>
<devno>0x0023</devno><channel_dev_addr><cssid>0xfe</cssid><ssid>0x0</ssid><devno>0x1a00</devno>
</channel_dev_addr><capability type='mdev_types'><type id='vfio_ccw-io'><name>I/O</name>
<deviceAPI>vfio-ccw</deviceAPI><availableInstances>0</availableInstances></type></capability>
</capability></device>"""
MATRIX = """<device><name>ap_matrix</name><parent>computer</parent>
<capability type='ap_matrix'><capability type='mdev_types'><type id='vfio_ap-passthrough'>
<name>VFIO AP Passthrough Device</name><deviceAPI>vfio-ap</deviceAPI>
<availableInstances>65536</availableInstances></type></capability></capability></device>"""


def made_of(parent: str, kind: str, uuid: str = UUID) -> HostDevice:
    xml = MDEV.replace("pci_0000_00_02_0", parent).replace("t-1", kind).replace(UUID, uuid)
    return read_node_device(xml.replace("mdev_1", f"mdev_{uuid[:8]}"))


@pytest.mark.parametrize(
    ("parent", "kind", "model"),
    [
        ("css_0_0_0023", "vfio_ccw-io", "vfio-ccw"),
        ("ap_matrix", "vfio_ap-passthrough", "vfio-ap"),
        ("gone", "vfio_ap-passthrough", "vfio-ap"),
        ("pci_0000_03_00_0", "t-1", "vfio-pci"),
        ("gone", "nvidia-222", "vfio-pci"),
    ],
)
def test_a_mediated_device_has_the_model_of_what_it_was_made_of(
    parent: str, kind: str, model: str
) -> None:
    """In the form of libvirt's documentation (formatnode.html)."""
    known = tuple(map(read_node_device, (CHANNEL, MATRIX, CARD)))
    assert [one.label for one in known[:2]] == ["fe.0.1a00", "crypto adapters"]
    row = web()
    state = State(instances={row.key: row}, devices={"alpha": (*known, made_of(parent, kind))})
    (step,) = planned(state, DeviceAttach(row.key, f"mdev:{UUID}"))
    assert isinstance(step.call, AttachCall)
    assert f'type="mdev" model="{model}"' in step.call.xml


def test_on_s390_a_mediated_device_is_known_or_refused_and_of_crypto_there_is_one() -> None:
    one, two = UUID, UUID.replace("c60c1a2a", "d60c1a2a")
    row = web(architecture="s390x", devices=(Device("hostdev", f"mdev {two}"),))
    matrix = read_node_device(MATRIX)
    adapters = [made_of("ap_matrix", "vfio_ap-passthrough", uuid) for uuid in (one, two)]

    def told(*devices: HostDevice) -> list[str]:
        link = Link(LinkStatus.UP, 0.0)
        host = Host("alpha", "qemu:///system", link)
        state = State(hosts={"alpha": host}, instances={row.key: row}, devices={"alpha": devices})
        return [str(why) for why in check(state, DeviceAttach(row.key, f"mdev:{one}"))]

    (unknown,) = told(matrix)
    assert "is a channel device or a crypto adapter is not known: see those of its host" in unknown
    (second,) = told(matrix, *adapters)
    assert second.startswith(f"web has mdev:{two}, and libvirt gives one vfio-ap to each")
    assert told(matrix, adapters[0]) == []


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("Multiple USB devices for 781:5581, use <address> to specify one", "usb:BUS.DEVICE"),
        ("PCI device 0000:3b:02.1 is in use by driver QEMU, domain db", "detach it there first"),
    ],
)
def test_what_libvirt_says_of_a_device_of_the_host_has_its_cure(said: str, cure: str) -> None:
    error = told_of(None, said)  # type: ignore[arg-type]  # it asks the host nothing
    assert error is not None
    assert (error.message, cure in error.hint) == (f"{said}.", True)
    bridge = told_of(None, "Non-endpoint PCI devices cannot be assigned")  # type: ignore[arg-type]
    assert bridge is not None
    assert bridge.message == "That is a PCI bridge, which its host keeps."


HELD = Device("hostdev", "pci 0000:03:00.0")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("", "Nothing names no device of a host: give pci:0000:03:00.0, usb:"),
        ("disk", "disk names no device of a host"),
        ("pci:eth0", "eth0 is no pci device: give pci:0000:03:00.0"),
        ("mdev:1", "1 is no mdev device: give mdev:UUID"),
        ("tpm:x", "QEMU plugs a TPM into no guest that runs: have it from the next start on"),
        ("virtiofs:/srv", "A directory is shared by a tag: share it: device share"),
        ("scsi:0", "attach it as one: volume attach"),
        ("pci:03:00.0", "db has pci:0000:03:00.0: one at a time can have it"),
        ("pci:03:10.1", "db has pci:0000:03:10.1: one at a time can have it"),
        ("rng:/dev/urandom", "web has rng:/dev/urandom already"),
    ],
)
def test_what_cannot_be_attached_is_refused_by_its_name(device: str, words: str) -> None:
    mine = web(devices=(Device("rng", "virtio random /dev/urandom"),))
    sriov = Interface("52:54:00:00:00:01", "hostdev", "pci 0000:03:10.1")
    theirs = other(devices=(HELD,), interfaces=(sriov,))
    told = against(device, mine, theirs)
    assert any(words in one for one in told), told


def test_who_holds_a_device_is_told_by_its_place_or_its_model() -> None:
    def named(device: HostDevice, **more: Any) -> list[str]:
        row = web(devices=(HELD, Device("hostdev", "usb 0x1d6b:0x0002")), **more)
        return [one.name for one in holders_of(device, holders({row.key: row}, "alpha"))]

    assert named(read_node_device(CARD)) == ["web"]
    disk = Disk("vda", source=DiskSource("nvme", "0000:03:10.1/1"))
    assert named(read_node_device(FUNCTION), disks=(disk,)) == ["web"]
    card = Interface("52:54:00:AA:00:01", "hostdev", "pci 0000:03:10.1")
    row = web(interfaces=(card,), disks=(disk,), devices=(HELD,))
    function = as_held(row, read_node_device(FUNCTION))
    assert function == ("pci:0000:03:10.1", "interface", "52:54:00:aa:00:01")
    whole = as_held(row, read_node_device(CARD))
    assert whole == ("pci:0000:03:00.0", "device", "pci:0000:03:00.0")
    assert as_held(web(), read_node_device(CARD)) is None
    assert named(read_node_device(USB)) == ["web"]
    assert named(read_node_device(MDEV)) == []


def test_a_usb_device_is_held_by_its_place_where_that_is_known() -> None:
    """libvirt tells of what runs where each is plugged in, though it was given by its model."""
    stick = (
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0951'/><product id='0x1666'/>"
        "<address bus='1' device='4'/></source></hostdev>"
    )
    given = Device("hostdev", "usb 0x0951:0x1666")
    mine = read_device(parse(stick, "hostdev"))
    running, off = web(devices=(mine,)), web(S.SHUTOFF, devices=(given,))

    def node(number: int) -> HostDevice:
        place = f"usb:1.{number}"
        return HostDevice(f"usb_{number}", kind="usb_device", place=place, model="usb:0951:1666")

    def held(instance: Instance, number: int) -> tuple[list[str], Any]:
        who = holders_of(node(number), holders({instance.key: instance}, "alpha"))
        return [one.name for one in who], as_held(instance, node(number))

    model = "usb:0951:1666"
    assert held(running, 4) == (["web"], ("usb:1.4", "device", model))
    assert held(running, 7) == ([], None)
    assert held(off, 4) == held(off, 7) == (["web"], (model, "device", model))
    two = web(devices=(mine, replace(mine, source="usb:1.7")))
    assert held(two, 7) == (["web"], ("usb:1.7", "device", "usb:1.7"))
    assert [one.word for one in devices_of_instance(two)] == ["usb:1.4", "usb:1.7"]

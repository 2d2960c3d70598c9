"""What the guest sees: compared in two XMLs, and kept by every rewrite of a device."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from core.errors import RefusedError, XmlError
from core.model.rewrites import InterfaceRewrite, Rewrites, VolumeRewrite
from core.xml.rewrite import abi_differences, rewrite
from core.xml.rewrite.back_end import BACK_END, guest_side, with_back_end
from tests.places import DATA_DIRECTORY

DATA = DATA_DIRECTORY / "xml"
DOMAINS = [
    path for path in sorted(DATA.glob("*.xml")) if etree.parse(path).getroot().tag == "domain"
]
DISK = (
    "<disk type='block' device='disk' model='virtio-non-transitional' snapshot='no'>"
    "<driver name='qemu' type='raw' cache='none' queues='2' queue_size='64' iommu='on' ats='on' "
    "packed='on' page_per_vq='on' event_idx='off'/><source dev='/dev/a'/>"
    "<backingStore/><target dev='vda' bus='virtio' rotation_rate='7200' removable='on'/>"
    "<iotune><total_iops_sec>9</total_iops_sec></iotune><readonly/><serial>S1</serial>"
    "<wwn>5000c50015ea71ad</wwn><vendor>v</vendor><product>p</product>"
    "<blockio logical_block_size='4096'/><geometry cyls='1' heads='2' secs='3'/>"
    "<boot order='1'/><acpi index='3'/><alias name='ua-1'/>"
    "<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></disk>"
)
MAC = "52:54:00:aa:bb:01"
INTERFACE = (
    f"<interface type='bridge'><mac address='{MAC}'/><source bridge='br0'/>"
    "<target dev='tap1'/><model type='virtio'/><driver name='vhost' queues='4' rx_queue_size='512' "
    "packed='on'><guest tso4='off'/></driver><link state='down'/><mtu size='1400'/>"
    "<teaming type='persistent'/><filterref filter='clean-traffic'/><rom bar='off'/>"
    "<address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></interface>"
)


def domain(devices="", head=""):
    return f"<domain type='kvm'><name>a</name>{head}<devices>{devices}</devices></domain>"


def device(xml):
    return etree.fromstring(xml).find("devices/*")


def new_disk(xml):
    return rewrite(domain(DISK), Rewrites(volumes=(VolumeRewrite("S1", xml),)))


def new_interface(xml):
    return rewrite(domain(INTERFACE), Rewrites(interfaces=(InterfaceRewrite(MAC, xml=xml),)))


def test_a_new_disk_has_the_back_end_of_the_new_one_and_the_rest_of_the_old():
    found = device(
        new_disk("<disk type='file'><driver name='qemu' type='qcow2'/><source file='/b'/></disk>")
    )
    assert found.get("type") == "file"
    assert found.find("source").attrib == {"file": "/b"}
    assert found.find("driver").get("type") == "qcow2"
    for gone in ("@snapshot", "driver/@cache", "iotune", "backingStore"):
        assert not found.xpath(gone), gone
    for kept in ("@model", "@device", "driver/@queues", "driver/@queue_size", "driver/@iommu",
                 "driver/@ats", "driver/@packed", "driver/@page_per_vq", "driver/@event_idx",
                 "target/@rotation_rate", "target/@removable", "readonly", "serial", "wwn",
                 "vendor", "product", "blockio", "geometry", "boot", "acpi",
                 "address"):  # fmt: skip
        assert found.xpath(kept), kept
    assert abi_differences(domain(DISK), domain(etree.tostring(found, encoding="unicode"))) == ()


def test_a_new_interface_has_the_back_end_of_the_new_one_and_the_rest_of_the_old():
    xml = "<interface type='user'><backend type='passt'/></interface>"
    found = device(new_interface(xml))
    assert found.get("type") == "user"
    for gone in ("source", "target", "filterref", "driver/@name"):
        assert not found.xpath(gone), gone
    for kept in ("backend", "model", "driver/@queues", "driver/@rx_queue_size", "driver/@packed",
                 "driver/guest", "link", "mtu", "teaming", "rom", "address"):  # fmt: skip
        assert found.xpath(kept), kept
    assert abi_differences(domain(INTERFACE), new_interface(xml)) == ()


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<disk><driver queues='4'/></disk>", "driver queues is 2 now, 4 there"),
        ("<disk device='lun'/>", "device is disk now, lun there"),
        ("<disk><target dev='vda' bus='scsi'/></disk>", "target bus is virtio now, scsi there"),
        ("<disk><shareable/></disk>", "shareable is left out now, given there"),
        ("<disk model='virtio'/>", "model is virtio-non-transitional now, virtio there"),
    ],
)
def test_a_new_disk_that_would_be_another_for_the_guest_is_refused(xml, words):
    with pytest.raises(RefusedError, match=words):
        new_disk(xml)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<interface><model type='e1000'/></interface>", "model type is virtio now, e1000 there"),
        ("<interface><driver queues='1'/></interface>", "driver queues is 4 now, 1 there"),
        ("<interface><link state='up'/></interface>", "link state is down now, up there"),
        ("<interface type='hostdev'/>", "type is left out now, hostdev there"),
    ],
)
def test_a_new_interface_that_would_be_another_for_the_guest_is_refused(xml, words):
    with pytest.raises(RefusedError, match=words):
        new_interface(xml)


@pytest.mark.parametrize(
    "xml",
    [
        DISK,
        "<disk><address type='pci' bus='0x09'/><alias name='x'/></disk>",
        "<disk device='disk'><blockio logical_block_size='0x1000'/></disk>",
    ],
    ids=["the same", "another place", "another spelling"],
)
def test_what_is_the_same_or_only_placed_is_no_difference(xml):
    assert abi_differences(domain(DISK), new_disk(xml)) == ()


@pytest.mark.parametrize("path", DOMAINS, ids=lambda path: path.stem)
def test_nothing_differs_from_itself(path):
    assert abi_differences(path.read_text(), path.read_text()) == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("<vcpu cpuset='0-3'>2</vcpu>", "<vcpu placement='static'>2</vcpu>", None),
        ("<vcpu>2</vcpu>", "<vcpu>4</vcpu>", "vcpu is 2 now, 4 there"),
        ("<memory unit='MiB'>1</memory>", "<memory>1024</memory>", None),
        ("<memory>2048</memory>", "<memory>1024</memory>", "memory is 2097152 bytes now, 1048576"),
        ("<cputune><shares>1</shares></cputune>", "", None),
        (
            "<cpu><feature policy='require' name='vmx'/></cpu>",
            "<cpu><feature policy='disable' name='vmx'/></cpu>",
            "cpu feature vmx policy is require now, disable there",
        ),
        (
            "<os><type machine='pc-q35-7.2'>hvm</type></os>",
            "<os><type machine='q35'>hvm</type><loader>/x</loader></os>",
            "os type machine is pc-q35-7.2 now, q35 there",
        ),
        ("<title>a</title>", "<title>b</title>", None),
        (
            "<cpu><numa><cell id='0' memory='1' memAccess='shared'/></numa></cpu>",
            "<cpu><numa><cell id='0' memory='1'/></numa></cpu>",
            None,
        ),
    ],
)
def test_differences_of_the_instance(before, after, words):
    found = abi_differences(domain(head=before), domain(head=after))
    assert len(found) == (0 if words is None else 1)
    assert words is None or words in found[0]
    assert words is None or found[0].startswith("The instance would change for the guest: ")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (DISK, "", "The disk vda is left out there."),
        ("", INTERFACE, f"The interface {MAC} is there only."),
        (
            "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
            "<rng model='virtio'><backend model='builtin'/></rng>",
            None,
        ),
        (
            "<serial type='pty'><source path='/dev/pts/3'/><target port='0'/></serial>",
            "<serial type='tcp'><source mode='bind' host='h'/><target port='1'/></serial>",
            "The serial number 1 would change for the guest: target port is 0 now, 1 there.",
        ),
        ("<graphics type='vnc'/>", "<graphics type='spice'/>", None),
        (
            "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
            "<tpm model='tpm-crb'><backend type='emulator' version='1.2'/></tpm>",
            "backend version is 2.0 now, 1.2 there",
        ),
        (
            "<hostdev><source><address bus='0x1'/></source><address bus='0x6'/></hostdev>",
            "<hostdev><source><address bus='0x2'/></source><address bus='0x6'/></hostdev>",
            None,
        ),
    ],
)
def test_differences_of_devices(before, after, words):
    found = abi_differences(domain(before), domain(after))
    assert len(found) == (0 if words is None else 1)
    assert words is None or words in found[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/dev/a", "/dev/b"),
        ("<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>", ""),
        ("bus='0x04'", "bus='4'"),
        (" cache='none'", " cache='none' discard='unmap'"),
    ],
)
def test_what_the_guest_does_not_see_may_change(old, new):
    assert old in DISK
    assert abi_differences(domain(DISK), domain(DISK.replace(old, new))) == ()


def test_none_and_the_default_are_the_same():
    plain = "<disk><target dev='vda'/></disk>"
    same = "<disk device='disk' model='default'><driver queues='0'/><target dev='vda'/></disk>"
    assert abi_differences(domain(plain), domain(same)) == ()


def test_only_domains_are_compared():
    with pytest.raises(XmlError):
        abi_differences("<pool/>", "<domain/>")


NAMES = st.sampled_from(
    sorted({"driver", "source", "target", "x", "model", "type", "name", "address"})
)
VALUES = st.sampled_from(["", "1", "0x1", "a"])
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def devices(draw, kind):
    element = etree.Element(kind, draw(ATTRIBUTES))
    for name in draw(st.lists(NAMES, max_size=4)):
        etree.SubElement(element, name, draw(ATTRIBUTES))
    return element


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(BACK_END)))
def test_a_changed_back_end_never_changes_what_the_guest_sees(data, kind):
    old, new = data.draw(devices(kind)), data.draw(devices(kind))
    if kind == "interface":  # which is the guest's own device where it is the host's
        old.set("type", "network")
        new.set("type", "bridge")
    made = with_back_end(old, new)
    before, after = (etree.tostring(guest_side(each), encoding="unicode") for each in (old, made))
    assert abi_differences(domain(before), domain(after)) == ()

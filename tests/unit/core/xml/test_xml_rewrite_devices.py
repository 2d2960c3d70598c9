"""Rewriting interfaces and devices of the host, and rewrites as operators write them."""

from __future__ import annotations

from xml.etree.ElementTree import canonicalize

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.toml import decode_toml
from core.errors import RefusedError, UsageError
from core.model import ObjectKey
from core.model.rewrites import (
    GraphicsListen,
    InterfaceRewrite,
    MemoryBacking,
    Monitor,
    Move,
    NumaPinning,
    Pin,
    Rewrites,
    SerialListen,
    VolumeRewrite,
)
from core.verbs.migration.requests import Migrate
from core.xml.cpusets import read_set, write_set
from core.xml.rewrite import rewrite
from core.xml.rewrite.check import problems
from tests.places import ROOT_DIRECTORY as ROOT

MAC, OTHER = "52:54:00:aa:bb:01", "52:54:00:aa:bb:02"
ONE, TWO = "c2177883-f1bb-47f0-914d-32a22e3a8804", "c2177883-f1bb-47f0-914d-32a22e3a8805"


def domain(devices):
    return f"<domain><devices>{devices}<new x='1'/></devices></domain>"


def rewritten(before, after, **fields):
    found = rewrite(domain(before), Rewrites(**fields))
    assert canonicalize(found, strip_text=True) == canonicalize(domain(after), strip_text=True)


def refused(devices, *words, **fields):
    with pytest.raises(RefusedError) as caught:
        rewrite(domain(devices), Rewrites(**fields))
    for word in words:
        assert word in caught.value.message


# 8: interfaces


def interface(inner, kind="network", mac="52:54:00:AA:BB:01", mtu=""):
    return (
        f"<interface type='{kind}'><mac address='{mac}'/>{inner}<model type='virtio'/>{mtu}"
        "<address type='pci' bus='0x01'/></interface>"
    )


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        (
            interface("<source network='a' portid='1' bridge='virbr0' portgroup='web'/>"),
            InterfaceRewrite(MAC, network="b"),
            interface("<source network='b' portgroup='web'/>"),
        ),
        (
            interface("<source network='a' bridge='virbr0'/><virtualport type='openvswitch'/>"),
            InterfaceRewrite(MAC, bridge="br1"),
            interface("<source bridge='br1'/>", "bridge"),
        ),
        (
            interface("<source bridge='br0'/><virtualport type='openvswitch'/>", "bridge"),
            InterfaceRewrite(MAC, bridge="br1"),
            interface("<source bridge='br1'/><virtualport type='openvswitch'/>", "bridge"),
        ),
        (
            interface("<source dev='eth0' mode='vepa'/>", "direct"),
            InterfaceRewrite(MAC, dev="eno1"),
            interface("<source dev='eno1' mode='vepa'/>", "direct"),
        ),
        (
            interface("<source type='unix' path='/s' mode='server'/>", "vhostuser"),
            InterfaceRewrite(MAC, dev="eno1"),
            interface("<source dev='eno1'/>", "direct"),
        ),
        (
            interface("<source network='a'/>"),
            InterfaceRewrite(MAC),
            interface("<source network='a'/>"),
        ),
    ],
    ids=["network", "network to bridge", "bridge", "macvtap", "vhost-user to macvtap", "stays"],
)
def test_an_interface_is_plugged_into_something_else(before, entry, after):
    rewritten(before, after, interfaces=(entry,))


NEW = "<interface type='bridge'><source bridge='br-int'/><mtu size='9000'/></interface>"


def test_a_whole_interface_keeps_the_guests_side_and_brings_no_mtu():
    rewritten(
        interface("<source network='a'/>"),
        interface("<source bridge='br-int'/>", "bridge"),
        interfaces=(InterfaceRewrite(MAC, xml=NEW),),
    )


def test_an_mtu_the_source_has_is_carried():
    found = rewrite(
        domain(interface("", mtu="<mtu size='1400'/>")),
        Rewrites(interfaces=(InterfaceRewrite(MAC, xml=NEW),)),
    )
    assert "1400" in found
    assert "9000" not in found


@pytest.mark.parametrize(
    ("devices", "entries", "words"),
    [
        ("<interface type='user'/>", (InterfaceRewrite(MAC),), "without a MAC"),
        (
            interface("") + interface("", mac=OTHER),
            (InterfaceRewrite(MAC, network="b"),),
            f"{OTHER} has no entry",
        ),
        ("", (InterfaceRewrite(MAC, network="b"),), f"no interface {MAC}"),
        (interface(""), (InterfaceRewrite(MAC, xml="<disk/>"),), "not a <interface>"),
        (
            interface(""),
            (InterfaceRewrite(MAC, xml=f"<interface><mac address='{OTHER}'/></interface>"),),
            f"mac address is {MAC} now, {OTHER} there",
        ),
    ],
)
def test_interfaces_that_do_not_fit(devices, entries, words):
    refused(devices, words, interfaces=entries)


# 11 to 13: mediated, PCI, persistent memory


def mdevs(*uuids):
    return "".join(
        f"<hostdev mode='subsystem' type='mdev'><source><address uuid='{uuid}'/></source></hostdev>"
        for uuid in uuids
    )


def test_mediated_devices_may_change_places():
    rewritten(
        mdevs(ONE.upper(), TWO), mdevs(TWO, ONE), mdev=(Move(ONE, TWO), Move(TWO.upper(), ONE))
    )


def test_every_mediated_device_needs_its_entry():
    refused(mdevs(ONE, TWO), f"{TWO} has no entry", mdev=(Move(ONE, TWO),))
    refused(mdevs(ONE), f"no mediated device {TWO}", mdev=(Move(ONE, ONE), Move(TWO, TWO)))


def pci(bus, slot, function="0x0", domain="0x0000"):
    return (
        f"<source><address domain='{domain}' bus='{bus}' slot='{slot}' function='{function}'/>"
        "</source>"
    )


def hostdev(source):
    return f"<hostdev type='pci'>{source}<address type='pci' bus='0x06' slot='0x02'/></hostdev>"


def test_pci_devices_and_not_where_the_guest_sees_them():
    rewritten(
        hostdev(pci("0x06", "0x02"))
        + hostdev(pci("0x81", "0x10", "0x2"))
        + f"<interface type='hostdev'>{pci('0x82', '0x00')}</interface>",
        hostdev(pci("0x81", "0x10", "0x2"))
        + hostdev(pci("0x06", "0x02"))
        + f"<interface type='hostdev'>{pci('0x0a', '0x1f', '0x7', '0x0001')}</interface>",
        pci=(
            Move("0000:06:02.0", "0000:81:10.2"),
            Move("81:10.2", "06:02.0"),
            Move("0000:82:00.0", "0001:0a:1f.7"),
        ),
    )


def test_a_pci_device_that_is_not_there():
    refused(hostdev(pci("0x06", "0x02")), "06:03.0", pci=(Move("06:03.0", "06:04.0"),))


def nvdimm(path, model="nvdimm"):
    return f"<memory model='{model}'><source><path>{path}</path></source><target/></memory>"


@pytest.mark.parametrize("model", ["nvdimm", "virtio-pmem"])
def test_persistent_memory(model):
    rewritten(
        nvdimm("/dev/dax0.0", model),
        nvdimm("/dev/dax1.0", model),
        pmem=(Move("/dev/dax0.0", "/dev/dax1.0"),),
    )
    refused(nvdimm("/dev/dax0.0"), "/dev/dax7", pmem=(Move("/dev/dax7", "/dev/dax1.0"),))


# what makes no sense, whatever the XML


@pytest.mark.parametrize(
    "rewrites",
    [
        Rewrites(graphics=(GraphicsListen("vnc", "10.0.0.1/?x=/bin/sh"),)),
        Rewrites(graphics=(GraphicsListen("vnc\0", "10.0.0.1"),)),
        Rewrites(graphics=(GraphicsListen("vnc", "a"), GraphicsListen("vnc", "b"))),
        Rewrites(serial=SerialListen("h", (70000,))),
        Rewrites(serial=SerialListen("h\n")),
        Rewrites(rbd_monitors=(Monitor("mon", 0),)),
        Rewrites(volumes=(VolumeRewrite("", secret=ONE),)),
        Rewrites(volumes=(VolumeRewrite("SN"),)),
        Rewrites(volumes=(VolumeRewrite("SN", secret="no"),)),
        Rewrites(perf=("cmt", "../x")),
        Rewrites(memory_backing=MemoryBacking(source="disk")),
        Rewrites(interfaces=(InterfaceRewrite("52:54"),)),
        Rewrites(interfaces=(InterfaceRewrite(MAC, network="a", bridge="b"),)),
        Rewrites(interfaces=(InterfaceRewrite(MAC), InterfaceRewrite(MAC.upper()))),
        Rewrites(interfaces=(InterfaceRewrite(MAC, network="\x1b[31m"),)),
        Rewrites(cpuset="0-"),
        Rewrites(cpuset="0-99999"),
        Rewrites(numa=NumaPinning(vcpus=(Pin(-1, "0"),))),
        Rewrites(numa=NumaPinning(vcpus=(Pin(0, ""),))),
        Rewrites(numa=NumaPinning(emulator="all")),
        Rewrites(mdev=(Move("a", "b"),)),
        Rewrites(mdev=(Move(ONE, TWO), Move(ONE, ONE))),
        Rewrites(mdev=(Move(ONE, TWO), Move(TWO, TWO))),
        Rewrites(pci=(Move("06:02.8", "06:02.0"),)),
        Rewrites(pci=(Move("06:02.0", "07:00.0"), Move("0000:06:02.0", "07:00.1"))),
        Rewrites(pmem=(Move("/dev/dax0.0", "dax1"),)),
    ],
    ids=lambda rewrites: repr(rewrites)[:60],
)
def test_rewrites_that_make_no_sense(rewrites):
    with pytest.raises(UsageError) as caught:
        rewrite(domain(""), rewrites)
    assert caught.value.message.isprintable()


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_sets_of_cpus_come_back(numbers):
    assert read_set(write_set(numbers)) == numbers


@given(st.text(max_size=40))
def test_a_set_of_cpus_never_fails(text):
    assert all(0 <= number < 16_384 for number in read_set(text) or ())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        *(("0-3,^2", {0, 1, 3}), ("8", {8}), ("0-3, ^2,8", {0, 1, 3, 8})),
        *(("^1", None), ("3-1", None), ("", None), ("٣", None), ("x,1", None)),
    ],
)
def test_sets_of_cpus(text, numbers):
    assert read_set(text) == (None if numbers is None else frozenset(numbers))


# as a file

FILE = """
perf = ["cmt"]
cpuset = ""
drop_cpu_shares = true
[[graphics]]
type = "vnc"
address = "10.0.0.2"
[serial]
host = "10.0.0.2"
ports = [10000]
[[interfaces]]
mac = "52:54:00:aa:bb:01"
bridge = "br1"
[memory_backing]
source = "file"
[numa]
vcpus = [{id = 0, cpuset = "4"}]
[[mdev]]
source = "c2177883-f1bb-47f0-914d-32a22e3a8804"
destination = "c2177883-f1bb-47f0-914d-32a22e3a8805"
"""
READ = Rewrites(
    graphics=(GraphicsListen("vnc", "10.0.0.2"),),
    serial=SerialListen("10.0.0.2", (10000,)),
    perf=("cmt",),
    memory_backing=MemoryBacking("file"),
    drop_cpu_shares=True,
    interfaces=(InterfaceRewrite(MAC, bridge="br1"),),
    cpuset="",
    numa=NumaPinning(vcpus=(Pin(0, "4"),)),
    mdev=(Move(ONE, TWO),),
)


def test_a_file_of_rewrites():
    assert decode_toml(FILE, Rewrites, "The file") == READ


def test_the_file_in_the_documents_has_every_key_and_is_right():
    text = (ROOT / "docs" / "rewrites.md").read_text().split("```")[1].removeprefix("toml")
    documented = decode_toml(text, Rewrites, "The file")
    assert not problems(documented)
    for name in Rewrites.__struct_fields__:
        assert getattr(documented, name) != getattr(Rewrites(), name), name


def test_rewrites_survive_the_journal():
    request = Migrate(ObjectKey("instance", "alpha", "u"), to="beta", rewrites=READ)
    assert msgspec.json.decode(msgspec.json.encode(request), type=Migrate) == request

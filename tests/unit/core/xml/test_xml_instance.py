"""Instances from the XML of many hypervisors, machines and ages."""

from __future__ import annotations

import pytest

from core.model import AgentState, DiskSource
from core.xml import read_instance
from core.xml.tree import scaled
from tests.places import DATA_DIRECTORY

DATA = DATA_DIRECTORY / "xml"
GIB = 2**30


def read(name):
    return read_instance((DATA / f"{name}.xml").read_text(), "alpha")


@pytest.fixture(scope="module")
def modern():
    return read("modern")


def test_the_whole(modern):
    assert (modern.host, modern.name, modern.id) == ("alpha", "shop-0001", 12)
    assert modern.uuid == "6f3b0a52-9c1d-4e37-8a55-0123456789ab"
    assert modern.title == "Shop front – Zürich 東京"
    assert modern.description == "first line\nsecond line"
    assert (modern.type, modern.architecture, modern.machine) == ("kvm", "x86_64", "pc-q35-7.2")
    assert (modern.firmware, modern.cpu_mode) == ("efi", "custom Skylake-Client-IBRS")
    assert (modern.vcpus, modern.vcpus_maximum) == (2, 4)
    assert (modern.memory, modern.memory_maximum) == (4 * GIB, 8 * GIB)
    assert modern.boot == ("52:54:00:aa:bb:01", "vda")
    assert modern.agent is AgentState.CONNECTED
    assert modern.described


def test_a_disk_in_full(modern):
    vda = modern.disks[0]
    assert vda.source == DiskSource("file", "/var/lib/libvirt/images/shop.snap2", "qcow2")
    assert vda.backing == (
        DiskSource("file", "/var/lib/libvirt/images/shop.snap1", "qcow2"),
        DiskSource("network", "rbd:images/base", "raw", "rbd", ("mon1:6789",)),
    )
    assert (vda.cache, vda.io, vda.discard) == ("none", "native", "unmap")
    assert (vda.alias, vda.address) == ("virtio-disk0", "pci 0000:04:00.0")
    assert (vda.serial, vda.boot_order, vda.bus) == ("SN-1", 2, "virtio")


def test_every_type_of_source(modern):
    found = {disk.target: disk.source and (disk.source.type, disk.source.path)
             for disk in modern.disks}  # fmt: skip
    assert found == {
        "vda": ("file", "/var/lib/libvirt/images/shop.snap2"),
        "vdb": ("network", "rbd:volumes/volume-1"),
        "sda": ("network", "iscsi:iqn.2013-07.com.example:pool/1"),
        "vdc": ("network", "nbd:"),
        "vdd": ("block", "/dev/mapper/mpatha"),
        "vde": ("volume", "images/data.qcow2"),
        "vdf": ("nvme", "0000:01:00.0/1"),
        "vdg": ("vhostuser", "/run/vhost-blk.sock"),
        "fda": ("dir", "/srv/floppy"),
        "sdb": None,
    }


def test_what_else_disks_say(modern):
    disks = {disk.target: disk for disk in modern.disks}
    assert disks["vdb"].source.hosts == ("mon1:6789", "[fd00::2]:6789")
    assert disks["vdc"].source.hosts == ("/run/nbd.sock",)
    assert [name for name, disk in disks.items() if disk.shareable] == ["vdb"]
    assert [name for name, disk in disks.items() if disk.encrypted] == ["vdd"]
    assert [name for name, disk in disks.items() if disk.read_only] == ["fda", "sdb"]
    assert (disks["sda"].device, disks["sda"].address) == ("lun", "drive 0:0:0:1")
    assert disks["sdb"].device == "cdrom"


def test_interfaces(modern):
    assert [(one.type, one.source) for one in modern.interfaces] == [
        ("network", "default"),
        ("bridge", "br-int"),
        ("direct", "eth0"),
        ("user", ""),
        ("hostdev", "pci 0000:81:10.2"),
        ("vhostuser", "/run/vhost1.sock"),
        ("mcast", "230.0.0.1:5558"),
        ("vdpa", "/dev/vhost-vdpa-0"),
        ("ethernet", ""),
    ]
    first = modern.interfaces[0]
    assert (first.mac, first.target, first.model) == ("52:54:00:aa:bb:01", "vnet3", "virtio")
    assert (first.alias, first.address) == ("net0", "pci 0000:01:00.0")
    assert not first.link_up
    assert modern.interfaces[1].link_up


def test_other_devices(modern):
    found = [(one.kind, one.summary, one.address) for one in modern.devices]
    assert found == [
        ("emulator", "/usr/bin/qemu-system-x86_64", ""),
        ("controller", "pci 0 pcie-root", ""),
        ("controller", "scsi 0 virtio-scsi", "pci 0000:03:00.0"),
        ("serial", "pty isa-serial 0 /dev/pts/3", ""),
        (
            "channel",
            "unix org.qemu.guest_agent.0 virtio /run/agent.sock connected",
            "virtio-serial 0:0:1",
        ),
        ("input", "tablet usb", "usb 1:2.1"),
        ("tpm", "tpm-crb emulator 2.0", ""),
        ("graphics", "vnc 127.0.0.1:5901", ""),
        ("graphics", "spice /run/spice.sock", ""),
        ("video", "virtio 1", ""),
        ("hostdev", "pci 0000:06:02.0", ""),
        ("hostdev", "usb 0x1234:0xbeef", ""),
        ("hostdev", "mdev c2177883-f1bb-47f0-914d-32a22e3a8804", ""),
        ("hostdev", "misc /dev/input/event3", ""),
        ("filesystem", "mount /srv/share share virtiofs", ""),
        ("rng", "virtio random /dev/urandom", ""),
        ("memory", "dimm 0 524287 KiB", "dimm slot 0 base 0x100000000"),
        ("shmem", "shared ivshmem-plain 4 MiB", ""),
        ("watchdog", "i6300esb reset", ""),
        ("memballoon", "virtio", ""),
        ("somethingnew", "x", ""),
    ]
    assert "hunter2" not in repr(modern)


def test_mainframe():
    z = read("s390x")
    assert (z.architecture, z.firmware, z.cpu_mode, z.boot) == ("s390x", "", "host-model", ("hd",))
    assert z.disks[0].address == "ccw fe.0.0001"
    assert (z.id, z.agent, z.memory) == (None, AgentState.NONE, 2 * GIB)


def test_arm():
    arm = read("aarch64")
    assert (arm.firmware, arm.boot) == ("/usr/share/AAVMF/AAVMF_CODE.fd", ("/boot/vmlinuz",))
    assert arm.disks[0].address == "virtio-mmio"
    assert (arm.memory, arm.memory_maximum, arm.vcpus) == (GIB, GIB, 8)


def test_xen():
    xen = read("xen")
    assert (xen.type, xen.boot, xen.firmware, xen.id) == ("xen", ("/usr/bin/pygrub",), "", 3)
    assert (xen.memory, xen.memory_maximum) == (384 * 2**20, 512 * 2**20)
    assert xen.disks[0].source == DiskSource("file", "/xen/u.img")
    assert (xen.interfaces[0].source, xen.interfaces[0].target) == ("xenbr0", "vif3.0")


def test_container():
    lxc = read("lxc")
    assert (lxc.type, lxc.boot, lxc.firmware) == ("lxc", ("/sbin/init",), "")
    assert lxc.memory == 100 * 2**20
    assert ("filesystem", "mount /srv/root /") in [(d.kind, d.summary) for d in lxc.devices]


def test_missing_sections():
    bare = read("bare")
    assert (bare.name, bare.uuid, bare.memory, bare.vcpus) == ("bare", "", 0, 1)
    assert (bare.disks, bare.interfaces, bare.devices, bare.boot) == ((), (), (), ())
    assert (bare.firmware, bare.cpu_mode) == ("", "")


def test_hostile_text_and_nonsense_numbers():
    evil = read("hostile")
    assert evil.name == r"evil\u009b31m\u202egpj.exe\u2028x"
    assert evil.title == "tab line\ufffdreturn"
    assert (evil.id, evil.memory, evil.vcpus, evil.architecture) == (None, 0, 1, r"\u009d")
    assert evil.boot == ("hd",)
    assert [disk.source and disk.source.path for disk in evil.disks] == [None, None, None, "/a"]
    assert evil.disks[0].address == "pci 0000:00:00.0"
    assert evil.disks[3].backing == ()
    assert evil.agent is AgentState.UNKNOWN
    assert evil.devices[-1].address == r"quantum up\u009b"


def test_forty_disks():
    disks = "".join(
        f"<disk type='file'><source file='/d/{n}'/><target dev='vd{n}'/></disk>" for n in range(40)
    )
    many = read_instance(f"<domain><devices>{disks}</devices></domain>")
    assert [disk.source.path for disk in many.disks] == [f"/d/{n}" for n in range(40)]


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("b", 1), ("bytes", 1), ("KB", 1000), ("k", 1024), ("KiB", 1024), ("M", 2**20), ("MB", 10**6),
     ("MiB", 2**20), ("GB", 10**9), ("G", 2**30), ("TiB", 2**40), ("T", 2**40), ("PB", 10**15),
     ("E", 2**60), ("gib", 2**30), (" KiB ", 1024)],
)  # fmt: skip
def test_units(unit, factor):
    assert scaled("7", unit) == 7 * factor


@pytest.mark.parametrize(("value", "unit"), [("7", "kk"), ("7", ""), ("-7", "b"), ("1_0", "b"),
                                             ("", "b"), ("٣", "b"), ("9" * 19, "EiB")])  # fmt: skip
def test_sizes_that_are_none(value, unit):
    assert scaled(value, unit) is None


@pytest.mark.parametrize(
    ("device", "summary"),
    [
        (
            "<serial type='udp'><source mode='bind' host='127.0.0.1' service='1111'/>"
            "<source mode='connect' host='10.0.0.9' service='2222'/><target port='0'/></serial>",
            "udp 0 10.0.0.9:2222 127.0.0.1:1111",
        ),
        (
            "<serial type='tcp'><source mode='connect' host='far' service='1'/>"
            "<target type='isa-serial' port='1'/></serial>",
            "tcp isa-serial 1 far:1",
        ),
        (
            "<serial type='tcp'><source mode='bind' host='fd00::5' service='9'/></serial>",
            "tcp [fd00::5]:9",
        ),
        (
            "<channel type='unix'><source mode='bind' path='/s'/>"
            "<target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
            "unix guestfwd 10.0.2.1:4600 /s",
        ),
        (
            "<console type='spiceport'><source channel='org.example.c.0'/>"
            "<target type='serial' port='0'/></console>",
            "spiceport serial 0 org.example.c.0",
        ),
        (
            "<redirdev bus='usb' type='tcp'><source mode='connect' host='far' service='4'/>"
            "</redirdev>",
            "usb tcp far:4",
        ),
        (
            "<smartcard mode='host-certificates'><certificate>a</certificate>"
            "<certificate>b</certificate></smartcard>",
            "host-certificates a b",
        ),
        ("<shmem name='s'><size unit='KiB'>64</size></shmem>", "s 64 KiB"),
        ("<shmem name='s'><size unit='M'>4</size></shmem>", "s 4 MiB"),
        ("<shmem name='s'><size>7</size></shmem>", "s 7 B"),
        ("<memory model='sgx-epc'><target><size>64</size></target></memory>", "sgx-epc 64 KiB"),
        ("<filesystem><source dir='/a'/><target dir='/a'/></filesystem>", "/a /a"),
        (
            "<graphics type='vnc' port='5903'><listen type='address' address='2001:db8::5'/>"
            "</graphics>",
            "vnc [2001:db8::5]:5903",
        ),
        (
            "<graphics type='spice' tlsPort='5901' listen='10.0.0.1'/>",
            "spice 10.0.0.1 tls 5901",
        ),
        (
            "<graphics type='spice' port='5900' tlsPort='5901' listen='::'/>",
            "spice [::]:5900 tls 5901",
        ),
        ("<graphics type='vnc' port='5900' websocket='5700'/>", "vnc :5900 websocket 5700"),
        ("<graphics type='spice' port='-1' tlsPort='-1'/>", "spice"),
        ("<graphics type='dbus' address='unix:path=/b'/>", "dbus unix:path=/b"),
        ("<graphics type='egl-headless'><gl rendernode='/r'/></graphics>", "egl-headless /r"),
    ],
)
def test_summaries_of_devices(device, summary):
    (found,) = read_instance(f"<domain><devices>{device}</devices></domain>").devices
    assert found.summary == summary


def test_the_host_of_an_interface_by_ipv6():
    tunnel = "<interface type='udp'><source address='fd00::1' port='9'/></interface>"
    (found,) = read_instance(f"<domain><devices>{tunnel}</devices></domain>").interfaces
    assert found.source == "[fd00::1]:9"


def test_data_files_of_a_whole_chain():
    one = "<dataStore type='file'><source file='/d'/></dataStore>"
    other = "<dataStore type='block'><source dev='/c'/></dataStore>"
    below = f"<backingStore type='file'><source file='/b'>{other}</source></backingStore>"
    disk = f"<disk type='file'><source file='/a'>{one}</source>{below}<target dev='vda'/></disk>"
    (found,) = read_instance(f"<domain><devices>{disk}</devices></domain>").disks
    assert [each.path for each in found.layers] == ["/a", "/d", "/c", "/b"]

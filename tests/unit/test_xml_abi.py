"""What a guest sees of its devices at both ends: what libvirt compares when a migration begins."""

from __future__ import annotations

import pytest

from core.xml.abi import abi_breaks

DISK = """\
<disk type='file' device='disk' model='virtio-transitional'>
  <driver name='qemu' type='raw' queues='2' queue_size='256' packed='on' iommu='on' ats='on'/>
  <source file='/a.raw'/><target dev='vda' bus='virtio' rotation_rate='1'/>
  <serial>S1</serial><wwn>5000c50015ea71aa</wwn>
  <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
</disk>"""
INTERFACE = """\
<interface type='bridge'>
  <mac address='52:54:00:00:00:0a'/><source bridge='br0'/><model type='virtio'/>
  <driver name='vhost' packed='on'/><mtu size='9000'/>
  <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
</interface>"""


def domain(disk: str = DISK, interface: str = INTERFACE) -> str:
    return f"<domain><devices>{disk}{interface}</devices></domain>"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" queues='2'", "", "its queues is 2 now and would be not set"),
        (" queue_size='256'", " queue_size='128'", "its queue size is 256 now and would be 128"),
        (" packed='on' iommu", " iommu", "its packed is on now and would be not set"),
        (" iommu='on'", " iommu='off'", "its iommu is on"),
        (" ats='on'", "", "its ats is on"),
        (" model='virtio-transitional'", "", "virtio-transitional now and would be default"),
        (" rotation_rate='1'", "", "its rotation rate is 1"),
        ("<serial>S1", "<serial>S2", "its serial is S1 now and would be S2"),
        ("5000c50015ea71aa", "5000c50015ea71ab", "its WWN"),
        ("<serial>", "<readonly/><serial>", "its write protection is not set now"),
        ("device='disk'", "device='cdrom'", "its device is disk now and would be cdrom"),
        ("dev='vda'", "dev='vdb'", "disk vda: its target is vda now and would be vdb"),
        ("bus='0x04'", "bus='0x05'", "its address is pci 0:4:0:0 now and would be pci 0:5:0:0"),
        ("00:0a'", "00:0b'", "its MAC"),
        ("<model type='virtio'/>", "<model type='e1000'/>", "its model is virtio"),
        ("'vhost' packed='on'", "'vhost'", "interface 52:54:00:00:00:0a: its packed is on"),
        ("size='9000'", "size='1500'", "its MTU is 9000"),
        (INTERFACE, "", "It has 1 of <interface> now and would have 0 there."),
    ],
)
def test_what_the_guest_sees_changes(old: str, new: str, said: str) -> None:
    before = domain()
    assert old in before
    (sentence,) = abi_breaks(before, before.replace(old, new, 1))
    assert said in sentence


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("file='/a.raw'", "file='/elsewhere/b.raw'"),
        ("type='bridge'", "type='network'"),
        ("name='vhost'", "name='qemu'"),
        ("00:0a'", "00:0A'"),
        ("bus='0x04'", "bus='4'"),
        ("<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>", ""),
        (" queues='2'", " queues='2' discard='unmap'"),
    ],
)
def test_what_the_guest_does_not_see_may_change(old: str, new: str) -> None:
    before = domain()
    assert old in before
    assert abi_breaks(before, before.replace(old, new, 1)) == ()


def test_none_and_zero_are_the_same() -> None:
    plain = "<disk><target dev='vda'/></disk>"
    same = "<disk device='disk' model='default'><driver queues='0'/><target dev='vda'/></disk>"
    assert abi_breaks(domain(plain), domain(same)) == ()

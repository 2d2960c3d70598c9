"""XML with every rewrite there is, as libvirt itself takes it: schema, parser, all of it."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest
from lxml import etree

from console.toml import decode_toml
from core.model.rewrites import Rewrites
from core.xml.rewrite import rewrite

ROOT = Path(__file__).parents[2]
BEFORE = """<domain type='test'><name>rewritten</name>
  <maxMemory slots='4' unit='GiB'>8</maxMemory><memory>2097152</memory>
  <vcpu placement='static'>2</vcpu><iothreads>1</iothreads>
  <cputune><shares>2048</shares><vcpusched vcpus='0' scheduler='rr' priority='9'/></cputune>
  <os><type>hvm</type></os>
  <cpu><numa><cell id='0' cpus='0-1' memory='2097152' unit='KiB'/></numa></cpu>
  <devices>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='rbd' name='a/b'><host name='mon1'/></source>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/x'/>
      <target dev='vdb' bus='virtio'/><serial>d3b0a52e-0000-4000-8000-000000000001</serial>
      <boot order='1'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x14' function='0x0'/></disk>
    <disk type='block' device='disk'><driver name='qemu' type='raw'/>
      <source dev='/y'><encryption format='luks'><secret type='passphrase' usage='q'/>
      </encryption></source>
      <target dev='vdc' bus='virtio'/><serial>d3b0a52e-0000-4000-8000-000000000002</serial></disk>
    <interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='a'/></interface>
    <interface type='user'><mac address='52:54:00:aa:bb:02'/></interface>
    <serial type='tcp'><source mode='bind' host='10.0.0.1' service='1'/><protocol type='raw'/>
      <target port='0'/></serial>
    <graphics type='vnc' port='-1' autoport='yes'/>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
    <disk type='file' device='disk'><source file='/srv/images/data.raw'/>
      <target dev='vdz' bus='virtio'/></disk>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev>
    <memory model='nvdimm'><source><path>/dev/dax0.0</path></source>
      <target><size unit='MiB'>512</size><node>0</node></target></memory>
  </devices></domain>"""


def test_libvirt_takes_xml_with_every_rewrite():
    text = (ROOT / "docs" / "rewrites.md").read_text().split("```")[1].removeprefix("toml")
    after = rewrite(BEFORE, decode_toml(text, Rewrites, "The file"))
    connection = libvirt.open("test:///default")
    try:
        defined = connection.defineXMLFlags(after, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        found = etree.fromstring(defined.XMLDesc())
        defined.undefine()
    finally:
        connection.close()

    def told(path, name):
        return [element.get(name) for element in found.findall(path)]

    assert told("devices/graphics/listen", "address") == ["10.0.0.2"]
    assert told("devices/serial/source", "service") == ["10000"]
    assert told("devices/disk[2]/source", "dev") == ["/dev/mapper/mpathb"]
    assert told("devices/disk[2]/address", "slot") == ["0x14"]
    assert told("devices/disk[3]//secret", "uuid") == ["d3b0a52e-0000-4000-8000-000000000003"]
    assert "/var/lib/libvirt/images/data.raw" in told("devices/disk/source", "file")
    assert told("devices/disk[1]/source/host", "name") == ["10.0.0.7"]
    assert told("perf/event", "name") == ["mbmt"]
    assert told("memoryBacking/access", "mode") == ["shared"]
    assert found.find("cputune/shares") is None
    assert told("devices/interface[1]/source", "bridge") == ["br1"]
    assert told("vcpu", "cpuset") == ["0-7"]
    assert told("cputune/vcpusched", "scheduler") == ["fifo", "fifo"]  # libvirt has one a vCPU
    assert told("numatune/memnode", "nodeset") == ["1"]
    assert told("devices/hostdev[@type='mdev']/source/address", "uuid") == [
        "c2177883-f1bb-47f0-914d-32a22e3a8805"
    ]
    assert told("devices/hostdev[@type='pci']/source/address", "bus") == ["0x81"]
    assert found.findtext("devices/memory/source/path") == "/dev/dax1.0"


@pytest.mark.parametrize("name", ["restrictive", "partial-cells"])
def test_libvirt_takes_cells_that_were_bound_anew(name):
    cases = ROOT / "tests" / "data" / "xml" / "rewrites"
    rewrites = decode_toml((cases / f"{name}.toml").read_text(), Rewrites, "The file")
    after = rewrite((cases / f"{name}.xml").read_text(), rewrites)
    connection = libvirt.open("test:///default")
    try:
        connection.defineXMLFlags(after, libvirt.VIR_DOMAIN_DEFINE_VALIDATE).undefine()
    finally:
        connection.close()

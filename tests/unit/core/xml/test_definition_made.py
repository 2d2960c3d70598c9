"""Definitions made from another: of a rescue, of a clone, and with one thing changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from core.errors import XmlError
from core.xml.definition import tuning
from core.xml.definition.changes import changes
from core.xml.definition.cloning import Place, clone_document, new_mac, new_uuid
from core.xml.definition.rescue import RescueDisk, original_of, rescue_document
from core.xml.instance import read_instance

UUID, OWN = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-2222-3333-4444-555555555555"
XML = f"""<domain type="kvm">
  <name>web</name>
  <uuid>{UUID}</uuid>
  <genid>0b8c2d10-0000-0000-0000-000000000001</genid>
  <memory unit="KiB">262144</memory>
  <sysinfo type="smbios"><system><entry name="uuid">{UUID}</entry></system></sysinfo>
  <os>
    <type arch="x86_64" machine="pc-q35-7.2">hvm</type>
    <loader readonly="yes" type="pflash">/usr/share/OVMF.fd</loader>
    <nvram template="/usr/share/VARS.fd">/var/lib/nvram/web_VARS.fd</nvram>
    <kernel>/boot/vmlinuz</kernel>
    <cmdline>root=/dev/vda</cmdline>
    <boot dev="hd"/>
  </os>
  <cpu mode="host-model" check="partial">
    <topology sockets="1" cores="2" threads="1"/>
    <feature policy="disable" name="vmx"/>
  </cpu>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2"/>
      <source file="/a.qcow2" index="3"/>
      <backingStore type="file"><source file="/base"/></backingStore>
      <target dev="vda" bus="virtio"/>
      <serial>D1</serial>
    </disk>
    <disk type="volume" device="disk">
      <driver name="qemu" type="raw"/>
      <source pool="p" volume="b"/>
      <target dev="vdb" bus="virtio"/>
    </disk>
    <disk type="file" device="cdrom">
      <target dev="sda" bus="sata"/>
      <readonly/>
    </disk>
    <interface type="network">
      <mac address="52:54:00:00:00:01"/>
      <source network="lan"/>
      <target dev="tap7"/>
    </interface>
    <serial type="file">
      <source path="/log/web.log"/>
    </serial>
    <channel type="unix">
      <source mode="bind" path="/run/agent.sock"/>
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <graphics type="vnc" port="5901" autoport="no" listen="127.0.0.1" passwd="***">
      <listen type="address" address="127.0.0.1"/>
    </graphics>
    <watchdog model="itco" action="reset"/>
    <vsock><cid auto="no" address="7"/></vsock>
  </devices>
</domain>
"""
ISO = RescueDisk("/srv/rescue.iso", "cdrom", "raw")


def at(xml: str, path: str) -> list[str]:
    found = etree.fromstring(xml.encode()).xpath(path)
    assert isinstance(found, list)
    return [str(one) for one in found]


# -- rescue ----------------------------------------------------------------------------------------


def test_a_rescue_boots_its_image_first_and_keeps_every_disk() -> None:
    made = rescue_document(XML, ISO)
    assert at(made, "//os/boot/@dev") == []
    assert at(made, "//os/kernel/text()") == []
    assert at(made, "//disk/target/@dev") == ["vda", "vdb", "sda", "sdb"]
    assert at(made, "//disk/boot/@order") == ["2", "3", "4", "1"]
    assert at(made, "//disk[boot/@order='1']/target/@bus") == ["sata"]
    assert at(made, "//disk[boot/@order='1']/source/@file") == ["/srv/rescue.iso"]
    assert original_of(made) == XML
    assert original_of(XML) is None


def test_an_order_of_devices_stays_behind_the_rescue_disk() -> None:
    xml = XML.replace('<source network="lan"/>', '<source network="lan"/><boot order="1"/>')
    made = rescue_document(xml, ISO)
    assert at(made, "//interface/boot/@order") == ["2"]
    assert at(made, "//disk/boot/@order") == ["1"]


def test_a_rescue_of_a_rescue_is_refused() -> None:
    with pytest.raises(XmlError, match="It is in rescue already"):
        rescue_document(rescue_document(XML, ISO), ISO)


@pytest.mark.parametrize(
    ("disk", "machine", "target", "bus"),
    [
        (ISO, "pc-i440fx-7.2", "hda", "ide"),
        (ISO, "virt-7.2", "sdb", "scsi"),
        (RescueDisk("p/rescue.qcow2", "disk", "qcow2"), "pc-q35-7.2", "vdc", "virtio"),
        (RescueDisk("/dev/vg/rescue", "disk", "raw", "scsi"), "pc-q35-7.2", "sdb", "scsi"),
    ],
)
def test_its_bus_is_one_that_the_machine_boots_from(
    disk: RescueDisk, machine: str, target: str, bus: str
) -> None:
    made = rescue_document(XML.replace("pc-q35-7.2", machine), disk)
    assert at(made, "//disk[boot/@order='1']/target/@dev") == [target]
    assert at(made, "//disk[boot/@order='1']/target/@bus") == [bus]
    assert bool(at(made, "//controller/@type")) == (bus == "scsi")


def test_a_cdrom_on_virtio_is_refused() -> None:
    with pytest.raises(XmlError, match="none on virtio"):
        rescue_document(XML, RescueDisk("/a.iso", "cdrom", "raw", "virtio"))


# -- clone -----------------------------------------------------------------------------------------


def cloned(**more: str) -> tuple[str, tuple[str, ...]]:
    disks = {"vda": Place("p", "web2-vda"), "vdb": Place(path="/srv/b2", format="raw")}
    found = clone_document(XML, "web2", OWN, disks, **more)
    return found.xml, found.notes


def test_a_clone_has_all_of_its_own() -> None:
    xml, notes = cloned(nvram="/var/lib/nvram/web2_VARS.fd")
    assert at(xml, "/domain/name/text()") == ["web2"]
    assert at(xml, "/domain/uuid/text() | //entry[@name='uuid']/text()") == [OWN, OWN]
    assert UUID not in xml
    assert at(xml, "//genid/text()") != ["0b8c2d10-0000-0000-0000-000000000001"]
    assert at(xml, "//mac/@address") == [new_mac(OWN, 0)]
    assert at(xml, "//interface/target/@dev") == []
    assert at(xml, "//disk/@type") == ["volume", "file", "file"]
    assert at(xml, "//disk[1]/source/@*") == ["p", "web2-vda"]
    assert at(xml, "//disk[2]/source/@*") == ["/srv/b2"]
    assert at(xml, "//backingStore") == []
    assert at(xml, "//nvram/text()") == ["/var/lib/nvram/web2_VARS.fd"]
    assert at(xml, "//serial/source/@path") == ["/log/web2.log"]
    assert at(xml, "//channel/source/@path") == ["/run/agent.sock-web2"]
    assert at(xml, "//graphics/@port") == []
    assert at(xml, "//graphics/@autoport") == ["yes"]
    assert at(xml, "//vsock/cid/@auto") == ["yes"]
    assert at(xml, "//serial[not(source)]/text() | //disk/serial/text()") == ["D1"]
    assert [note.split(":")[0] for note in notes] == [
        "The serials of vda are kept",
        "libvirt chooses the ports that were fixed",
    ]


def test_uefi_variables_that_cannot_be_copied_are_made_anew_and_said_so() -> None:
    xml, notes = cloned()
    assert at(xml, "//nvram/text()") == []
    assert at(xml, "//nvram/@template") == ["/usr/share/VARS.fd"]
    assert any("UEFI variables are made anew" in note for note in notes)


def test_the_ids_of_a_clone_are_its_own_and_the_same_for_whoever_asks_again() -> None:
    assert new_uuid(UUID, "a", 1.5) == new_uuid(UUID, "a", 1.5)
    assert len({new_uuid(UUID, name, at) for name in "ab" for at in (1.0, 2.0)}) == 4
    assert len({new_mac(OWN, number) for number in range(100)}) == 100
    assert new_mac(OWN, 0).startswith("52:54:00:")


def test_a_rescued_instance_is_not_cloned() -> None:
    with pytest.raises(XmlError, match="in rescue"):
        clone_document(rescue_document(XML, ISO), "web2", OWN, {})


# -- targeted --------------------------------------------------------------------------------------

CHANGED: dict[str, tuple[Callable[[str], str], set[str]]] = {
    "boot order": (
        lambda xml: tuning.with_boot_order(xml, ["52:54:00:00:00:01", "vda"]),
        {
            "os boot is removed: hd",
            "disk vda boot is new: 2",
            "interface 52:54:00:00:00:01 boot is new: 1",
        },
    ),
    "boot classes": (
        lambda xml: tuning.with_boot_order(xml, ["network", "hd"], menu=True),
        {"os boot dev: hd → network", "os boot is new: hd", "os bootmenu is new: yes"},
    ),
    "CPU": (
        lambda xml: tuning.with_cpu(xml, "host-passthrough"),
        {
            "cpu mode: host-model → host-passthrough",
            "cpu check is removed: partial",
            "cpu feature vmx is removed: disable vmx",
        },
    ),
    "CPU model": (
        lambda xml: tuning.with_cpu(xml, "custom", "Nehalem"),
        {
            "cpu mode: host-model → custom",
            "cpu check is removed: partial",
            "cpu match is new: exact",
            "cpu model is new: forbid Nehalem",
            "cpu feature vmx is removed: disable vmx",
        },
    ),
    "watchdog": (
        lambda xml: tuning.with_watchdog(xml, "i6300esb", "reset"),
        {"watchdog is new: i6300esb reset"},
    ),
    "watchdog's action": (
        lambda xml: tuning.with_watchdog(xml, "itco", "poweroff"),
        {"watchdog action: reset → poweroff"},
    ),
    "RNG": (
        lambda xml: tuning.with_rng(xml, "/dev/urandom"),
        {"rng is new: virtio random /dev/urandom"},
    ),
    "TPM of the host": (
        lambda xml: tuning.with_tpm(xml, "tpm-tis", "/dev/tpm0"),
        {"tpm is new: tpm-tis passthrough /dev/tpm0"},
    ),
    "TPM": (lambda xml: tuning.with_tpm(xml, "tpm-crb"), {"tpm is new: tpm-crb emulator 2.0"}),
    "link": (
        lambda xml: tuning.with_link(xml, "52:54:00:00:00:01", up=False),
        {"interface 52:54:00:00:00:01 link is new: down"},
    ),
    "no display": (
        lambda xml: tuning.with_graphics(xml, "none"),
        {"graphics vnc is removed: vnc 5901 no 127.0.0.1 *** address 127.0.0.1"},
    ),
    "display's address and password": (
        lambda xml: tuning.with_graphics(xml, "vnc", "0.0.0.0", "***0"),
        {
            "graphics vnc listen is removed: 127.0.0.1",
            "graphics vnc passwd: *** → a new one",
            "graphics vnc listen address: 127.0.0.1 → 0.0.0.0",
            "video virtio is new: virtio",
        },
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_only_what_was_asked_for_changes(case: str) -> None:
    change, wanted = CHANGED[case]
    made = change(XML)
    assert set(map(str, changes(XML, made))) == wanted
    assert "\n\n" not in made


OF_HOST = """<domain><os><type>hvm</type><boot dev="hd"/></os><devices>
<disk><target dev="vda"/></disk>
<interface type="bridge"><mac address="52:54:00:00:00:07"/><alias name="ua-slow"/></interface>
<interface type="hostdev"><mac address="52:54:00:00:00:07"/><source>
<address type="pci" domain="0" bus="3" slot="0x10" function="1"/></source></interface>
<hostdev mode="subsystem" type="pci"><source><address domain="0" bus="4" slot="0" function="0"/>
</source><boot order="3"/></hostdev>
<hostdev mode="subsystem" type="usb"><source><vendor id="0x0781"/><product id="0x5581"/></source>
</hostdev>
<hostdev mode="subsystem" type="mdev" model="vfio-pci"><source>
<address uuid="c60c1a2a-6b2d-4d3b-9a5f-0f3a4d1e9b10"/></source></hostdev>
<redirdev bus="usb" type="spicevmc"><alias name="ua-stick"/></redirdev></devices></domain>"""


def test_devices_of_the_host_are_booted_from_by_their_words() -> None:
    words = ["pci:0000:04:00.0", "usb:0781:5581", "pci:0000:03:10.1", "ua-stick", "vda"]
    made = tuning.with_boot_order(OF_HOST, words)
    assert at(made, "//boot/@dev") == []
    assert at(made, "//hostdev/boot/@order") == ["1", "2"]
    assert at(made, "//interface[@type='hostdev']/boot/@order") == ["3"]
    assert at(made, "//redirdev/boot/@order") == ["4"]
    assert at(made, "//disk/boot/@order") == ["5"]
    assert read_instance(made).boot == (
        *("pci:0000:04:00.0", "usb:0781:5581", "52:54:00:00:00:07", "ua-stick", "vda"),
    )
    with pytest.raises(XmlError) as caught:
        tuning.with_boot_order(OF_HOST, ["52:54:00:00:00:07"])
    assert str(caught.value).startswith("It has 2 devices 52:54:00:00:00:07.")
    assert "ua-slow, pci:0000:03:10.1" in str(caught.value)
    with pytest.raises(XmlError, match="boots from PCI, USB and SCSI devices"):
        tuning.with_boot_order(OF_HOST, ["mdev:c60c1a2a-6b2d-4d3b-9a5f-0f3a4d1e9b10"])


def test_a_channel_for_the_agent_is_added_once() -> None:
    without = XML.replace("org.qemu.guest_agent.0", "other")
    made = tuning.with_agent_channel(without)
    assert at(made, "//channel/target/@name") == ["other", "org.qemu.guest_agent.0"]
    with pytest.raises(XmlError, match="It has a channel for the agent"):
        tuning.with_agent_channel(made)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: tuning.with_boot_order(XML, ["vdz"]), "no device vdz to boot from. It has vda"),
        (lambda: tuning.with_boot_order(XML, ["vda", "hd"]), "mixed"),
        (lambda: tuning.with_boot_order("<domain/>", ["vda"]), "no <os>"),
        (lambda: tuning.with_cpu(XML, "custom"), "Give mode custom and a model"),
        (lambda: tuning.with_cpu(XML, "maximum", "Nehalem"), "Give mode custom and a model"),
        (lambda: tuning.with_link(XML, "52:54:00:00:00:09", up=True), "It has 52:54:00:00:00:01"),
    ],
)
def test_what_does_not_fit_is_told_with_its_cure(change: Callable[[], str], why: str) -> None:
    with pytest.raises(XmlError) as caught:
        change()
    assert why in str(caught.value)

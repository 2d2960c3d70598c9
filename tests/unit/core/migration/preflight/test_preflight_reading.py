"""What the preflight reads out of XML, of libvirt's sentences and of the kernel's tables."""

from __future__ import annotations

import pytest

from core.errors import XmlError
from core.hypervisor.observe.local_files import file_system_of, look_at
from core.hypervisor.observe.preflight_guest import features_in
from core.hypervisor.observe.preflight_paths import pool_of
from core.model import PoolState
from core.xml.domain_capabilities import (
    read_domain_capabilities,
    read_host_cpu,
    read_missing_features,
)
from core.xml.needs import read_needs
from tests.unit.preflight_builders import GIB, pool, xml_of

ABILITIES = """\
<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path><machine>pc-q35-7.2</machine><vcpu max='288'/>
  <os supported='yes'><enum name='firmware'><value>efi</value></enum>
    <loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE.fd</value>
      <enum name='secure'><value>no</value></enum></loader></os>
  <cpu><mode name='host-model' supported='yes'><model fallback='forbid'>EPYC</model>
    <feature policy='require' name='avx2'/><feature policy='disable' name='hle'/></mode></cpu>
  <devices><tpm supported='yes'><enum name='backendModel'><value>emulator</value></enum></tpm>
    <filesystem supported='no'/></devices>
</domainCapabilities>
"""


def test_needs_of_a_plain_guest() -> None:
    needs = read_needs(xml_of())
    assert needs.memory == 4 * GIB
    assert needs.paths == ("/nfs/db.qcow2", "/nfs/base.qcow2")
    assert needs.cpu_xml.startswith("<cpu mode='custom'") or 'mode="custom"' in needs.cpu_xml
    assert needs.cpu_xml.endswith("</cpu>")
    assert needs.secrets == needs.cells == needs.huge_pages == needs.host_devices == ()


def test_memory_modules_count() -> None:
    module = "<memory model='dimm'><target><size unit='GiB'>2</size></target></memory>"
    assert read_needs(xml_of(module)).memory == 6 * GIB


def test_devices_of_the_host_have_the_names_libvirt_gives_them() -> None:
    devices = (
        "<hostdev type='mdev'><source><address uuid='aa-bb'/></source></hostdev>"
        "<hostdev type='usb'><source><address bus='1' device='3'/></source></hostdev>"
        "<interface type='hostdev'><mac address='52:54:00:00:00:09'/><teaming type='transient'/>"
        "<source><address domain='0x0001' bus='0x0a' slot='0x1f' function='0x2'/></source>"
        "</interface>"
    )
    mdev, usb, card = read_needs(xml_of(devices)).host_devices
    assert mdev.device == "mdev_aa_bb"
    assert usb.device == "1:3"
    assert (card.device, card.failover) == ("pci_0001_0a_1f_2", True)


@pytest.mark.parametrize("xml", ["", "<domain", "<network/>", "<!DOCTYPE x><domain/>"])
def test_what_is_no_domain_is_refused(xml: str) -> None:
    with pytest.raises(XmlError):
        read_needs(xml)


def test_a_domain_with_nothing_in_it_needs_nothing() -> None:
    needs = read_needs("<domain/>")
    assert needs.paths == needs.disks == needs.secrets == ()


def test_what_guests_can_have() -> None:
    found = read_domain_capabilities(ABILITIES)
    assert found.vcpus_maximum == 288
    assert found.loaders == ("/usr/share/OVMF/OVMF_CODE.fd",)
    assert found.firmware == ("efi",)
    assert found.secure_boot is False
    assert found.tpm_backends == ("emulator",)
    assert found.file_systems == (), "told, and none"
    assert found.video is None, "not told"


def test_the_hosts_own_cpu() -> None:
    cpu = read_host_cpu(ABILITIES)
    assert '<model fallback="forbid">EPYC</model>' in cpu
    assert read_missing_features(cpu) == ("hle",)
    assert read_host_cpu("<domainCapabilities/>") == ""


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("the CPU is incompatible: Host CPU does not provide required features: vme, avx512f",
         ("vme", "avx512f")),
        ("die CPU passt nicht: Merkmale fehlen: 3dnowprefetch, fma4", ("3dnowprefetch", "fma4")),
        ("the CPU is incompatible: vendors differ here", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_features_in_libvirts_words(words: str, names: tuple[str, ...]) -> None:
    assert features_in(words) == names


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw shared:1 - nfs4 server:/srv rw
31 30 0:41 / /srv/a\\040b rw - xfs /dev/sdb rw
32 22 0:42 / /srvx rw - tmpfs none rw
malformed
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/x", "ext4"),
        ("/srv/disk.img", "nfs4"),
        ("/srv", "nfs4"),
        ("/srv/a b/c", "xfs"),
        ("/srvx/c", "tmpfs"),
        ("/srv/../x", "ext4"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert file_system_of(path, MOUNTS) == kind
    assert file_system_of(path, "") == ""


def test_files_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("files")
    file, link = directory / "a", directory / "b"
    file.write_text("x")
    link.symlink_to(file)
    assert look_at(str(file), "").exists is True
    assert look_at(str(file), "").identity == look_at(str(link), "").identity != ""
    assert look_at(str(directory / "none"), "").exists is False
    assert look_at("/a\0b", "").exists is None


def test_the_pool_of_a_path() -> None:
    off = pool("beta", uuid="off", state=PoolState.INACTIVE)
    on = pool("beta", uuid="on", path="/nfs/")
    assert pool_of("/nfs/a.img", (off, on)) == on
    assert pool_of("/nfs/a.img", (off,)) == off
    assert pool_of("/nfs/below/a.img", (on,)) is None
    assert pool_of("a.img", (pool("beta", path=""),)) is None

"""Each check of the preflight: what blocks, what is not known, what is well. Tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from core.migration.preflight.facts import (
    CpuComparison,
    Facts,
    FailedLook,
    FreePages,
    PathFacts,
    Twin,
)
from core.model import (
    Instance,
    InstanceState,
    Level,
    Migration,
    MigrationStatus,
    Network,
    PoolState,
    Rewrites,
)
from core.model.host_device import HostDevice
from core.model.rewrites import InterfaceRewrite, Move
from core.xml.domain_capabilities import DomainCapabilities
from tests.unit.preflight_builders import (
    BASE,
    DISK,
    GIB,
    KEY,
    UUID,
    destination,
    facts,
    judged,
    path_facts,
    pool,
    request,
    source,
    state,
    volume,
    xml_of,
)

BLOCKER, UNKNOWN, WARNING, OK = Level
LOADER = "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader>{}</loader>{}</os>"
SECRET = "5eced000-0000-0000-0000-000000000001"


def both(xml: str = "", /, here: dict[str, Any] | None = None, **there: Any) -> Facts:
    """Facts of an instance of this XML, with fields of the source and of the destination."""
    return facts(source(xml, **(here or {})), destination(**there))


def with_device(device: str, **there: Any) -> Facts:
    return both(xml_of(device), **there)


def with_outside(outside: str, **there: Any) -> Facts:
    return both(xml_of(outside=outside), **there)


def replaced(old: str, new: str, **there: Any) -> Facts:
    xml = xml_of()
    assert old in xml
    return both(xml.replace(old, new), **there)


SOCKET = "qemu+unix:///system?socket=/lab/beta/sock"
HOSTS = [
    ("same-host", UNKNOWN, both(host_uuid="")),
    ("already-there", BLOCKER, both(twins=(Twin("db", UUID, True),))),
    ("already-there", BLOCKER, both(twins=(Twin("db", UUID, False, managed_save=True),))),
    ("already-there", WARNING, both(twins=(Twin("db", UUID, False),))),
    ("already-there", BLOCKER, both(twins=(Twin("old", UUID, False),))),
    ("xml", BLOCKER, both(refusal="it has no such machine")),
    ("xml", UNKNOWN, both(refusal=None)),
    ("already-there", UNKNOWN, both(twins=None)),
    ("same-name", BLOCKER, both(twins=(Twin("db", "another", False),))),
    ("guest-type", BLOCKER, both(guest_types=("qemu x86_64",))),
    ("guest-type", UNKNOWN, both(guest_types=None)),
    ("transport", BLOCKER, both(transports=())),
    ("version-qemu", WARNING, both(qemu=7_002_000)),
    ("version-libvirt", WARNING, both(libvirt=9_000_000)),
    ("version-libvirt", OK, both(libvirt=11_000_000)),
    ("version-libvirt", UNKNOWN, both(libvirt=None)),
    ("address", OK, facts(source(local=True), destination(local=True), destination_uri=SOCKET)),
    ("address", UNKNOWN, facts(source(local=True), destination(), destination_uri=SOCKET)),
    ("address", UNKNOWN, both(here={"local": True}, local=True)),
    ("address", UNKNOWN, both()),
    ("migrate-address", BLOCKER, both(hostname="localhost.localdomain")),
    ("migrate-address", BLOCKER, both(hostname="alpha")),
    ("ports", UNKNOWN, both()),
    ("ports", OK, both(here={"local": True}, local=True, hostname="alpha")),
    ("ports", UNKNOWN, both(here={"local": True}, local=True)),
    ("migrate-address", BLOCKER, both(here={"local": True}, hostname="alpha")),
    ("clock", UNKNOWN, both()),
    ("clock", OK, both(here={"local": True}, local=True)),
]
COMPUTE = [
    ("cpu", BLOCKER, both(cpu=CpuComparison(False, ("avx2", "bmi1"), "libvirt's words"))),
    ("cpu", BLOCKER, both(cpu=CpuComparison(False, (), "It is not the same."))),
    ("cpu", UNKNOWN, both(cpu=None)),
    ("cpu", WARNING, replaced("mode='custom'", "mode='host-passthrough'")),
    ("machine", BLOCKER, both(machine_known=False)),
    ("machine", UNKNOWN, both(machine_known=None)),
    ("emulator", BLOCKER, both(emulator_known=False)),
    ("vcpus", BLOCKER, replaced("<vcpu>2<", "<vcpu>400<")),
    ("vcpus", WARNING, both(cpus=1)),
    ("memory", BLOCKER, both(memory_free=GIB)),
    ("memory", WARNING, both(memory_free=4 * GIB + 1)),
    ("memory", UNKNOWN, both(memory_free=None)),
    ("memory-backing", BLOCKER, with_outside(
        "<memoryBacking><source type='memfd'/></memoryBacking>",
        abilities=DomainCapabilities(memory_sources=("file",)))),
    ("memory-backing", UNKNOWN, with_outside(
        "<memoryBacking><source type='file'/></memoryBacking>")),
    ("huge-pages", OK, with_outside("<memoryBacking><hugepages/></memoryBacking>")),
    ("huge-pages", BLOCKER, with_outside(
        "<memoryBacking><hugepages/></memoryBacking>", pages=(FreePages(0, 2 << 20, 3),))),
    ("huge-pages", BLOCKER, with_outside(
        "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>")),
    ("huge-pages", BLOCKER, with_outside(
        "<memoryBacking><hugepages/></memoryBacking><numatune><memory nodeset='1'/></numatune>")),
    ("huge-pages", UNKNOWN, with_outside(
        "<memoryBacking><hugepages/></memoryBacking>", pages=None)),
    ("numa", OK, with_outside("<numatune><memory nodeset='0-1'/></numatune>")),
    ("numa", BLOCKER, with_outside("<numatune><memory nodeset='0,3'/></numatune>")),
    ("numa", UNKNOWN, with_outside("<numatune><memory nodeset='0'/></numatune>", cells=None)),
    ("pinning", BLOCKER, with_outside("<cputune><vcpupin vcpu='0' cpuset='2-40'/></cputune>")),
    ("pinning", OK, with_outside("<cputune><vcpupin vcpu='0' cpuset='2-5,^4'/></cputune>")),
    ("pinning", UNKNOWN, with_outside("<cputune><vcpupin cpuset='2'/></cputune>", cpus=None)),
    ("tpm", OK, with_device("<tpm><backend type='emulator' version='2.0'/></tpm>")),
    ("tpm", BLOCKER, with_device("<tpm><backend type='passthrough'/></tpm>")),
    ("tpm", BLOCKER, with_device("<tpm><backend type='emulator'/></tpm>",
                                 abilities=DomainCapabilities(tpm_backends=("passthrough",)))),
    ("tpm", UNKNOWN, with_device("<tpm><backend type='emulator'/></tpm>", abilities=None)),
]  # fmt: skip
_OS = "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>"
CODE = "/usr/share/OVMF/OVMF_CODE.fd"
NVRAM = "<nvram template='/t.fd'>/var/lib/n.fd</nvram>"
FIRMWARE = [
    ("firmware", OK, replaced(_OS, LOADER.format(CODE, ""))),
    ("firmware", UNKNOWN, replaced(_OS, LOADER.format("/opt/mine.fd", ""))),
    ("firmware", BLOCKER, replaced(_OS, LOADER.format("/opt/mine.fd", ""),
                                   paths=(PathFacts("/opt/mine.fd", False),))),
    ("secure-boot", BLOCKER, replaced(
        _OS, LOADER.format(CODE, "").replace("<loader>", "<loader secure='yes'>"),
        abilities=DomainCapabilities(secure_boot=False))),
    ("nvram", UNKNOWN, replaced(_OS, LOADER.format(CODE, NVRAM))),
    ("nvram", BLOCKER, replaced(_OS, LOADER.format(CODE, NVRAM),
                                paths=(PathFacts("/t.fd", False),))),
    ("files", UNKNOWN, replaced("hvm</type>", "hvm</type><kernel>/boot/k</kernel>")),
    ("files", OK, replaced("hvm</type>", "hvm</type><kernel>/boot/k</kernel>",
                           paths=(PathFacts("/boot/k", True),))),
    ("file-k", BLOCKER, replaced("hvm</type>", "hvm</type><kernel>/boot/k</kernel>",
                                 paths=(PathFacts("/boot/k", False),))),
]  # fmt: skip
PCI = (
    "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x00' "
    "function='{}'/></source></hostdev>"
)
USED = HostDevice("pci_0000_06_00_0", kind="pci", place="pci:0000:06:00.0", driver="ixgbe")
MDEV = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'>"
    "<source><address uuid='cc000000-0000-4000-8000-000000000001'/></source></hostdev>"
)
VF = (
    "<interface type='hostdev'><mac address='52:54:00:00:00:09'/><source>"
    "<address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/></source>"
    "</interface>"
)
LENT = (
    "<interface type='network'><mac address='52:54:00:00:00:09'/>"
    "<source network='default'/></interface>"
)
USB = "<hostdev type='usb'><source><vendor id='{}'/><product id='0x5678'/></source></hostdev>"
BRIDGE = (
    "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='{}'/></interface>"
)
SECRETIVE = (
    "<disk type='network'><auth><secret type='ceph' uuid='{}'/></auth>"
    "<source protocol='rbd' name='pool/image'/><target dev='vdb' bus='virtio'/></disk>"
)
DEVICES = [
    ("network-default", BLOCKER, both(networks=())),
    ("network-default", BLOCKER, both(networks=(Network("beta", "n1", "default", False),))),
    ("network-default", UNKNOWN, both(networks=None)),
    ("bridge-br0", OK, with_device(BRIDGE.format("br0"))),
    ("bridge-br7", BLOCKER, with_device(BRIDGE.format("br7"))),
    ("bridge-br0", UNKNOWN, with_device(BRIDGE.format("br0"), links=None)),
    ("bridge-virbr0", UNKNOWN, with_device(BRIDGE.format("virbr0"))),
    ("leaving-pci:0000:06:00.0", WARNING, with_device(PCI.format("0x0"))),
    ("leaving-pci:0000:06:00.0", BLOCKER, both(
        xml_of(PCI.format("0x0")), here={"inactive_xml": xml_of()})),
    ("leaving-pci:0000:06:00.0", BLOCKER, with_device(PCI.format("0x0"), given=(USED,))),
    ("leaving-pci:0000:06:00.0", WARNING, with_device(
        PCI.format("0x0"), given=(replace(USED, driver="vfio-pci"),))),
    ("leaving", BLOCKER, both(xml_of(PCI.format("0x0")), here={"persistent": False})),
    ("leaving-the-interface-52:54:00:00:00:09", WARNING, with_device(VF)),
    ("leaving-the-interface-52:54:00:00:00:09", BLOCKER, with_device(VF, devices=())),
    ("leaving-the-interface-52:54:00:00:00:09", WARNING, both(
        xml_of(VF), here={"inactive_xml": xml_of(LENT)})),
    ("leaving-the-interface-52:54:00:00:00:09", BLOCKER, both(
        xml_of(VF), here={"inactive_xml": xml_of(LENT)}, networks=())),
    ("leaving-the-interface-52:54:00:00:00:09", UNKNOWN, both(
        xml_of(VF), here={"inactive_xml": xml_of(LENT)}, networks=None)),
    ("leaving-mdev:cc000000-0000-4000-8000-000000000001", BLOCKER, with_device(MDEV)),
    ("leaving-mdev:cc000000-0000-4000-8000-000000000001", WARNING, with_device(
        MDEV, devices=("mdev_cc000000_0000_4000_8000_000000000001_0000_00_02_0",))),
    ("device-pci_0000_06_00_0", OK, both(
        xml_of(PCI.format("0x0")), here={"active": False, "job": ""})),
    ("leaving-pci:0000:06:00.1", BLOCKER, with_device(PCI.format("0x1"))),
    ("leaving-pci:0000:06:00.0", UNKNOWN, with_device(PCI.format("0x0"), devices=None)),
    ("device-0x1234:0x5678", WARNING, with_device(USB.format("0x1234"))),
    ("device-0x9999:0x5678", BLOCKER, with_device(USB.format("0x9999"))),
    (f"secret-{SECRET}", OK, with_device(SECRETIVE.format(SECRET))),
    (f"secret-{SECRET}", BLOCKER, with_device(SECRETIVE.format(SECRET), secrets=())),
    (f"secret-{SECRET}", UNKNOWN, with_device(SECRETIVE.format(SECRET), secrets=None)),
    ("graphics", UNKNOWN, with_device("<graphics type='vnc' listen='10.0.0.1'/>")),
    ("video", BLOCKER, with_device("<video><model type='qxl'/></video>")),
    ("serial-log", UNKNOWN, with_device("<serial><log file='/l/a.log'/></serial>")),
    ("serial-log", BLOCKER, with_device(
        "<serial><log file='/l/a.log'/></serial>", paths=(PathFacts("/l", False),))),
    ("file-system", BLOCKER, with_device("<filesystem><target dir='t'/></filesystem>")),
    ("file-system", UNKNOWN, with_device(
        "<filesystem><driver type='virtiofs'/><target dir='t'/></filesystem>")),
    ("shared-memory", BLOCKER, with_device("<shmem name='ivshmem'/>")),
    ("launch-security", BLOCKER, with_outside("<launchSecurity type='sev'/>")),
    ("interface-52:54:00:00:00:03", WARNING, with_device(
        "<interface type='user'><mac address='52:54:00:00:00:03'/></interface>")),
    ("invtsc", BLOCKER, replaced("<model>EPYC</model>",
                                 "<model>EPYC</model><feature policy='require' name='invtsc'/>")),
]  # fmt: skip
LOCAL = {"local": True, "paths": (path_facts("alpha", file_system="ext4", identity="1:2"),)}


def elsewhere(**fields: Any) -> tuple[PathFacts, ...]:
    return path_facts("beta", **fields), path_facts("beta", BASE)


def volume_disk(**there: Any) -> Facts:
    """Its disk is named by pool and volume: libvirt looks at the file all the same."""
    old = "<disk type='file' device='disk'>"
    xml = xml_of().replace(old, "<disk type='volume' device='disk'>")
    assert old in xml_of()
    return both(
        xml.replace("<source file='/nfs/db.qcow2'/>", "<source pool='nfs' volume='db'/>"), **there
    )


DISKS = [
    ("disk-vda", OK, both()),
    ("disk-vda", BLOCKER, both(paths=elsewhere(exists=False, volume=None))),
    ("disk-vda", BLOCKER, both(
        here={"paths": (path_facts("alpha", pool=pool("alpha", type="dir")),)},
        paths=elsewhere(pool=pool("beta", type="dir"), volume=volume("beta", capacity=1)))),
    ("disk-vda", UNKNOWN, both(paths=elsewhere(exists=None, volume=None, pool=None))),
    ("disk-vda", UNKNOWN, both(paths=elsewhere(
        pool=pool("beta", type="dir", capacity=7 * GIB)))),
    ("disk-vda", WARNING, both(paths=elsewhere(pool=pool("beta", type="dir")))),
    ("disk-vda", OK, both(here=LOCAL, local=True, paths=(PathFacts(DISK, True, identity="1:2"),))),
    ("disk-vda", BLOCKER, both(here=LOCAL, local=True,
                               paths=(PathFacts(DISK, True, identity="1:9"),))),
    ("chain-vda", BLOCKER, both(paths=(path_facts("beta"), PathFacts(BASE, False)))),
    ("chain-vda", UNKNOWN, both(paths=(path_facts("beta"),))),
    ("cache-vda", BLOCKER, replaced("cache='none'", "cache='writeback'", qemu=3_000_000)),
    ("unsafe", UNKNOWN, both(here={"paths": ()})),
    ("unsafe", UNKNOWN, volume_disk(pools=(pool("beta", type="dir"),))),
    ("cache-vda", OK, volume_disk(pools=(pool("beta", type="dir"),))),
    ("transient-disk", BLOCKER, replaced("<target dev='vda'", "<transient/><target dev='vda'")),
    ("job", BLOCKER, both(here={"job": "a block job (copy of vda)"})),
    ("unsafe", BLOCKER, both(here={**LOCAL, "libvirt": 9_000_000}, local=True)),
    ("unsafe", UNKNOWN, both(here={**LOCAL, "libvirt": 11_000_000}, local=True)),
    ("pool-nfs", WARNING, both(paths=elsewhere(pool=pool("beta", state=PoolState.INACTIVE)))),
    ("pools", UNKNOWN, both(pools=None)),
    ("disk-sda", BLOCKER, with_device(
        "<disk type='file' device='cdrom'><source file='/iso/a.iso'/><target dev='sda'/>"
        "<readonly/></disk>", paths=(*elsewhere(), PathFacts("/iso/a.iso", False)))),
    ("disk-sda", WARNING, with_device(
        "<disk type='file' device='cdrom'><source file='/iso/a.iso'/><target dev='sda'/>"
        "<readonly/></disk>", paths=(*elsewhere(), PathFacts("/iso/a.iso", True)))),
    ("disk-vdb", WARNING, with_device(SECRETIVE.format(SECRET))),
    ("disk-vdb", OK, with_device(SECRETIVE.format(SECRET), pools=(pool("beta", type="rbd"),))),
    ("disk-vdb", BLOCKER, with_device(
        "<disk type='volume'><source pool='p' volume='v'/><target dev='vdb'/></disk>")),
]  # fmt: skip
INSTANCE = [
    ("snapshots", BLOCKER, both(here={"snapshots": 1})),
    ("snapshots", UNKNOWN, both(here={"snapshots": None})),
    ("checkpoints", WARNING, both(here={"checkpoints": 2})),
    ("job", BLOCKER, both(here={"job": "backup"})),
    ("job", UNKNOWN, both(here={"job": None})),
    ("state", BLOCKER, both(here={"active": False})),
    ("state", UNKNOWN, both(here={"active": None})),
    ("persistent", UNKNOWN, both(here={"persistent": None})),
    ("autostart", OK, both(here={"autostart": True})),
    ("managed-save", BLOCKER, both(here={"active": False, "managed_save": True})),
    ("agent", WARNING, replaced("state='connected'", "state='disconnected'")),
    ("agent", WARNING, replaced("org.qemu.guest_agent.0", "something.else")),
]


@pytest.mark.parametrize(
    ("name", "level", "seen"),
    [*HOSTS, *COMPUTE, *FIRMWARE, *DEVICES, *DISKS, *INSTANCE],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_what_is_found(name: str, level: Level, seen: Facts) -> None:
    found = judged(seen=seen)
    assert found[name].level is level, found[name]


FREE = destination(paths=elsewhere(exists=False, volume=None))
OPTIONS: list[tuple[str, Level, dict[str, Any], Callable[[], Facts]]] = [
    ("disk-vda", OK, {"storage": "copy-all"}, lambda: facts(there=FREE)),
    ("space-nfs", OK, {"storage": "copy-all"}, lambda: facts(there=FREE)),
    ("space-nfs", WARNING, {"storage": "copy-all"},
     lambda: both(paths=elsewhere(exists=False, volume=None,
                                  pool=pool("beta", available=5 * GIB)))),
    ("space-nfs", BLOCKER, {"storage": "copy-all"},
     lambda: both(paths=elsewhere(exists=False, volume=None,
                                  pool=pool("beta", available=GIB)))),
    ("space-nfs", UNKNOWN, {"storage": "copy-all"},
     lambda: both(paths=elsewhere(exists=False, volume=None, pool=pool("beta", available=None)))),
    ("space-vda", UNKNOWN, {"storage": "copy-all"},
     lambda: both(here={"paths": ()}, paths=elsewhere(exists=False, volume=None))),
    ("disk-vda", BLOCKER, {"storage": "copy-all"}, both),
    ("disk-vda", BLOCKER, {"storage": "copy-all"}, lambda: both(paths=())),
    ("disk-vda", WARNING, {"storage": "copy-all"}, lambda: both(
        here={"paths": (path_facts("alpha", pool=None),)}, paths=elsewhere(pool=None))),
    ("disk-vda", BLOCKER, {"storage": "copy-all"}, lambda: both(
        here={"paths": (path_facts("alpha", pool=None),)},
        paths=elsewhere(pool=None, volume=volume("beta", capacity=GIB)))),
    ("disk-vdz", BLOCKER, {"storage": "copy-all", "disks": ("vdz",)}, both),
    ("chain-vda", BLOCKER, {"storage": "copy-incremental"}, lambda: both(
        paths=(path_facts("beta", exists=False, volume=None), PathFacts(BASE, False)))),
    ("unsafe", OK, {"unsafe": True}, both),
    ("unsafe", WARNING, {"unsafe": True}, lambda: both(paths=())),
    ("post-copy", UNKNOWN, {"post_copy": "allow"}, both),
    ("post-copy", OK, {"post_copy": "allow"}, lambda: both(userfaultfd=True)),
    ("post-copy", UNKNOWN, {"post_copy": "allow"}, lambda: both(userfaultfd=False)),
    ("post-copy", UNKNOWN, {"post_copy": "allow"}, lambda: with_device(PCI.format("0x0"))),
    ("post-copy", BLOCKER, {"post_copy": "allow", "host_devices": "migrate"},
     lambda: with_device(PCI.format("0x0"))),
    ("device-pci_0000_06_00_0", BLOCKER, {"host_devices": "migrate"},
     lambda: with_device(PCI.format("0x0"))),
    ("device-pci_0000_06_00_1", BLOCKER, {"host_devices": "migrate"},
     lambda: with_device(PCI.format("0x1"))),
    ("leaving-pci:0000:06:00.1", WARNING,
     {"rewrites": Rewrites(pci=(Move("0000:06:00.1", "0000:06:00.0"),))},
     lambda: with_device(PCI.format("0x1"))),
    ("post-copy-recovery", WARNING, {"post_copy": "allow"}, lambda: both(libvirt=8_000_000)),
    ("switchover-bandwidth", BLOCKER, {"switchover_bandwidth": 900}, lambda: both(
        here={"libvirt": 9_000_000, "qemu": 10_000_000})),
    ("switchover-bandwidth", BLOCKER, {"switchover_bandwidth": 900}, lambda: both(
        here={"libvirt": 11_003_000, "qemu": 7_002_000})),
    ("switchover-bandwidth", UNKNOWN, {"switchover_bandwidth": 900}, lambda: both(
        here={"libvirt": None})),
    ("switchover-bandwidth", OK, {"switchover_bandwidth": 900}, lambda: both(
        here={"libvirt": 11_003_000, "qemu": 10_000_000}, libvirt=9_000_000)),
    ("detect-zeroes", BLOCKER, {"storage": "copy-all", "detect_zeroes": True}, lambda: both(
        here={"libvirt": 10_008_000}, paths=elsewhere(exists=False, volume=None))),
    ("detect-zeroes", OK, {"storage": "copy-all", "detect_zeroes": True}, lambda: both(
        here={"libvirt": 10_009_000}, paths=elsewhere(exists=False, volume=None))),
    ("disk-vda", BLOCKER, {"storage": "copy-all", "detect_zeroes": True}, lambda: both(
        here={"paths": (path_facts("alpha", pool=None),), "libvirt": 11_000_000},
        paths=elsewhere(pool=None))),
    ("tls", UNKNOWN, {"tls": True}, both),
    ("libvirt-age", BLOCKER, {"compression": ("zstd",), "parallel": 2},
     lambda: both(libvirt=9_003_000)),
    ("libvirt-age", BLOCKER, {"zero_copy": True, "parallel": 2},
     lambda: both(here={"libvirt": 8_004_000})),
    ("libvirt-age", BLOCKER, {"parallel": 2}, lambda: both(libvirt=5_001_000)),
    ("zero-copy", UNKNOWN, {"zero_copy": True, "parallel": 2}, both),
    ("transport", BLOCKER, {"migrate_uri": "rdma://beta"}, lambda: both(transports=("tcp",))),
    ("state", BLOCKER, {"offline": True}, both),
    ("persistent", WARNING, {"undefine": False}, both),
    ("persistent", WARNING, {"persist": False}, both),
    ("autostart", WARNING, {"persist": False}, lambda: both(here={"autostart": True})),
    ("same-name", BLOCKER, {"destination_name": "new"},
     lambda: both(twins=(Twin("new", "another", True),))),
    ("cpu", WARNING, {"offline": True}, lambda: both(
        here={"active": False}, cpu=CpuComparison(False, ("avx2",)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "level", "asked", "seen"), OPTIONS)
def test_what_is_found_with_options(
    name: str, level: Level, asked: dict[str, Any], seen: Callable[[], Facts]
) -> None:
    found = judged(request(**asked), seen())
    assert found[name].level is level, found[name]


@pytest.mark.parametrize(
    ("name", "asked", "seen"),
    [
        ("post-copy", {}, both()),
        ("switchover-bandwidth", {}, both()),
        ("detect-zeroes", {"storage": "copy-all"}, facts(there=FREE)),
        ("tls", {}, both()),
        ("unsafe", {}, volume_disk()),
        ("libvirt-age", {"compression": ("zstd",), "parallel": 2}, both(libvirt=9_004_000)),
        ("libvirt-age", {}, both(libvirt=1_000_000)),
        ("memory", {"offline": True}, both(here={"active": False}, memory_free=1)),
        ("ports", {"offline": True}, both(here={"active": False})),
        ("migrate-address", {"migrate_uri": "tcp://10.0.0.2"}, both(hostname="localhost")),
        ("agent", {"offline": True}, both(here={"active": False})),
        ("space-nfs", {}, both()),
        ("huge-pages", {}, both()),
        ("unsafe", {"storage": "copy-all"}, facts(there=FREE)),
        (
            "device-pci_0000_06_00_0",
            {"rewrites": Rewrites(pci=(Move("0000:06:00.1", "0000:06:00.0"),))},
            with_device(PCI.format("0x1")),
        ),
    ],
)
def test_what_is_not_asked_for(name: str, asked: dict[str, Any], seen: Facts) -> None:
    assert name not in judged(request(**asked), seen)


def test_the_missing_features_are_named() -> None:
    missing = tuple(f"f{number}" for number in range(20))
    text = judged(seen=both(cpu=CpuComparison(False, missing)))["cpu"].text
    assert all(name in text for name in missing)


def test_an_emulated_cpu_says_so() -> None:
    found = judged(seen=replaced("type='kvm'", "type='qemu'"))["cpu"]
    assert found.level is OK
    assert "emulated" in found.text


def test_rewrites_say_what_is_needed_there() -> None:
    moved = Rewrites(interfaces=(InterfaceRewrite("52:54:00:00:00:01", network="blue"),))
    found = judged(request(rewrites=moved))
    assert "network-default" not in found
    assert found["network-blue"].level is BLOCKER


@pytest.mark.parametrize(
    ("reason", "level"),
    [("user", WARNING), ("I/O error", BLOCKER), ("post-copy failed", BLOCKER)],
)
def test_a_paused_instance(reason: str, level: Level) -> None:
    paused = Instance("alpha", UUID, "db", InstanceState.PAUSED, reason)
    found = judged(now=state(instances={KEY: paused}))["state"]
    assert found.level is level
    assert reason in found.text or level is BLOCKER


@pytest.mark.parametrize(
    ("qemu", "warned"), [(7_002_000, True), (9_002_003, True), (10_000_000, False), (None, False)]
)
def test_of_a_paused_instance_an_older_qemu_may_end(qemu: int | None, warned: bool) -> None:
    paused = Instance("alpha", UUID, "db", InstanceState.PAUSED, "user")
    seen = facts(source(qemu=qemu))
    text = judged(seen=seen, now=state(instances={KEY: paused}))["state"].text
    assert ("has not run since" in text) is warned


def test_post_copy_that_has_worked_before_works() -> None:
    done = Migration(
        "m", "alpha", "x", "web", to="beta", status=MigrationStatus.COMPLETED, switched=1.0
    )
    found = judged(request(post_copy="allow"), now=state(migrations={"m": done}))
    assert found["post-copy"].level is OK


def test_the_reason_of_a_failed_look_is_told() -> None:
    seen = both(networks=None, gaps=(FailedLook("networks", "no such driver"),))
    assert judged(seen=seen)["network-default"].text.endswith("is not known: no such driver.")

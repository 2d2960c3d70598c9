"""The thirteen rewrites of an instance's XML for its destination, by nova-map 2.3."""

from __future__ import annotations

from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from console.toml import decode_toml
from core.errors import RefusedError, UsageError, XmlError
from core.model.rewrites import (
    CellNodes,
    GraphicsListen,
    MemoryBacking,
    Monitor,
    Move,
    NumaPinning,
    Pin,
    Rewrites,
    Scheduler,
    SerialListen,
    VolumeRewrite,
)
from core.xml.rewrite import renamed, rewrite
from tests.places import DATA_DIRECTORY

FIXTURES = sorted((DATA_DIRECTORY / "xml").glob("*.xml"))
DOMAINS = [path for path in FIXTURES if etree.parse(path).getroot().tag == "domain"]
SECRET = "d3b0a52e-0000-4000-8000-000000000009"


def domain(devices="", head=""):
    return f"<domain><name>a</name>{head}<devices>{devices}<new x='1'/></devices></domain>"


def same(one, other):
    return canonicalize(one, strip_text=True) == canonicalize(other, strip_text=True)


def rewritten(before, after, **fields):
    """Hold that rewriting `before` gives `after`, whatever the order of attributes."""
    found = rewrite(before, Rewrites(**fields))
    assert canonicalize(found, strip_text=True) == canonicalize(after, strip_text=True)


def refused(xml, *words, **fields):
    with pytest.raises(RefusedError) as caught:
        rewrite(xml, Rewrites(**fields))
    for word in words:
        assert word in caught.value.message
    # for the persistent definition, which may lack what the live one has
    assert rewrite(xml, Rewrites(**fields), lenient=True)


@pytest.mark.parametrize("path", DOMAINS, ids=lambda path: path.stem)
def test_without_rewrites_nothing_changes(path):
    xml = path.read_text()
    assert canonicalize(rewrite(xml, Rewrites())) == canonicalize(xml)


NAMES = st.sampled_from(
    ["graphics", "serial", "cputune", "shares", "vcpu", "disk", "hostdev", "source", "address", "z"]
)
TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["C"]), max_size=8)


def build(name, attributes, text, children):
    element = etree.Element(name, attributes)
    element.text = text
    element.extend(children)
    return element


TREES = st.recursive(
    st.builds(build, NAMES, st.dictionaries(NAMES, TEXTS, max_size=3), TEXTS, st.just([])),
    lambda inner: st.builds(
        build, NAMES, st.dictionaries(NAMES, TEXTS, max_size=3), TEXTS, st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=4))
def test_without_rewrites_any_xml_is_canonically_what_it_was(trees):
    root = etree.Element("domain")
    root.extend(trees)
    xml = etree.tostring(root, encoding="unicode")
    assert canonicalize(rewrite(xml, Rewrites())) == canonicalize(xml)


@given(st.lists(TREES, max_size=4))
def test_rewrites_of_xml_made_of_anything_are_carried_out_or_refused(trees):
    root = etree.Element("domain")
    root.extend(trees)
    xml = etree.tostring(root, encoding="unicode")
    rewrites = Rewrites(
        graphics=(GraphicsListen("vnc", "::1"),),
        serial=SerialListen("h", (1,)),
        cpuset="1",
        drop_cpu_shares=True,
        perf=(),
    )
    assert rewrite(xml, rewrites, lenient=True).startswith("<domain")
    with pytest.raises(RefusedError, match="vnc"):
        rewrite(xml, rewrites)


@pytest.mark.parametrize(
    "xml",
    [
        "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain>&x;</domain>",
        "<domain>",
        "<network/>",
        "",
    ],
)
def test_xml_that_is_no_instance_is_refused(xml):
    with pytest.raises(XmlError):
        rewrite(xml, Rewrites())
    with pytest.raises(XmlError):
        renamed(xml, "b")


def test_everything_that_is_missing_is_named_at_once():
    refused(
        domain(),
        "spice",
        "serial port",
        "SN-9",
        "NUMA cell 3",
        graphics=(GraphicsListen("spice", "10.0.0.2"),),
        serial=SerialListen("10.0.0.2"),
        volumes=(VolumeRewrite("SN-9", secret=SECRET),),
        numa=NumaPinning(cells=(CellNodes(3, "0"),)),
    )


def test_a_new_name():
    assert same(renamed(domain(), "b<"), domain().replace("<name>a", "<name>b&lt;"))


# 1: graphics


def test_graphics_listen_in_both_places_and_only_of_their_type():
    rewritten(
        domain(
            "<graphics type='vnc' port='5901' listen='10.0.0.1'><listen type='address' "
            "address='10.0.0.1'/></graphics><graphics type='spice' listen='10.0.0.1'/>"
        ),
        domain(
            "<graphics type='vnc' port='5901' listen='fd00::2'><listen type='address' "
            "address='fd00::2'/></graphics><graphics type='spice' listen='10.0.0.1'/>"
        ),
        graphics=(GraphicsListen("vnc", "fd00::2"),),
    )


def test_both_types_each_with_its_own():
    rewritten(
        domain("<graphics type='vnc'/><graphics type='spice' listen='10.0.0.1'/>"),
        domain("<graphics type='vnc' listen='10.0.0.2'/><graphics type='spice' listen='::1'/>"),
        graphics=(GraphicsListen("vnc", "10.0.0.2"), GraphicsListen("spice", "::1")),
    )


def test_graphics_on_a_socket_have_no_address_to_change():
    refused(
        domain("<graphics type='spice'><listen type='socket' socket='/run/s'/></graphics>"),
        "no spice console",
        graphics=(GraphicsListen("spice", "10.0.0.2"),),
    )


# 2: serial

SERIAL = (
    "<serial type='tcp'><source mode='bind' host='10.0.0.1' service='10000'/><target port='0'/>"
    "</serial><serial type='tcp'><source mode='bind' host='10.0.0.1' service='10001'/>"
    "<target port='1'/></serial><serial type='pty'><target port='2'/></serial>"
    "<console type='tcp'><source mode='bind' host='10.0.0.1' service='10000'/>"
    "<target type='serial' port='0'/></console>"
)


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ((20000, 20001), ("20000", "20001", "20000")),
        ((20000,), ("20000", "10001", "20000")),  # shorter: left as it is
        ((), ("10000", "10001", "10000")),
    ],
)
def test_serial_ports_by_their_number(ports, expected):
    found = etree.fromstring(
        rewrite(domain(SERIAL), Rewrites(serial=SerialListen("10.0.0.2", ports)))
    )
    sources = found.findall("./devices/*[@type='tcp']/source")
    assert tuple(source.get("service") for source in sources) == expected
    assert {source.get("host") for source in sources} == {"10.0.0.2"}


def test_a_serial_port_needs_an_address():
    refused(domain(SERIAL), "no address for it", serial=SerialListen())
    rewritten(domain("<serial type='pty'/>"), domain("<serial type='pty'/>"), serial=SerialListen())


def test_a_serial_port_that_connects_goes_on_connecting_there():
    out = "<serial type='tcp'><source mode='connect' host='log' service='9'/></serial>"
    refused(domain(out), "no serial port that listens", serial=SerialListen("10.0.0.2"))


# 3: volumes

VOLUME = (
    "<disk type='network' device='disk'><driver name='qemu' type='raw' discard='unmap'/>"
    "<source protocol='rbd' name='v/1'><host name='mon1'/>{encryption}</source>"
    "<target dev='vdb' bus='virtio'/><serial>SN-1</serial><boot order='2'/>"
    "<address type='pci' bus='0x04' slot='0x00'/></disk>"
)
PLAIN = VOLUME.format(encryption="")
LUKS = "<encryption format='luks'><secret type='passphrase' uuid='{}'/></encryption>"


def test_a_volume_becomes_the_destinations_and_stays_where_the_guest_has_it():
    new = (
        "<disk type='block'><driver name='qemu' type='raw'/><source dev='/dev/mapper/b'/>"
        "<address type='pci' bus='0x09' slot='0x00'/></disk>"
    )
    rewritten(
        domain("<disk><serial>other</serial></disk>" + PLAIN),
        domain(
            "<disk><serial>other</serial></disk>"
            "<disk type='block' device='disk'><driver name='qemu' type='raw'/>"
            "<source dev='/dev/mapper/b'/><target dev='vdb' bus='virtio'/>"
            "<serial>SN-1</serial><boot order='2'/>"
            "<address type='pci' bus='0x04' slot='0x00'/></disk>"
        ),
        volumes=(VolumeRewrite("SN-1", new),),
    )


def test_the_address_of_an_nvme_source_is_not_the_disks():
    new = "<disk type='nvme'><source type='pci' namespace='1'><address bus='0x07'/></source></disk>"
    found = etree.fromstring(
        rewrite(domain(PLAIN), Rewrites(volumes=(VolumeRewrite("SN-1", new),)))
    )
    assert found.find("./devices/disk/source/address").get("bus") == "0x07"
    assert found.find("./devices/disk/address").get("bus") == "0x04"


def test_the_secret_of_an_encrypted_volume():
    before = VOLUME.format(encryption=LUKS.format("d3b0a52e-0000-4000-8000-000000000001"))
    rewritten(
        domain(before),
        domain(VOLUME.format(encryption=LUKS.format(SECRET))),
        volumes=(VolumeRewrite("SN-1", secret=SECRET),),
    )


def test_a_secret_is_named_by_its_uuid_or_its_usage():
    """libvirt refuses both at once."""
    before = VOLUME.format(
        encryption="<encryption><secret type='passphrase' usage='v1'/></encryption>"
    )
    found = rewrite(domain(before), Rewrites(volumes=(VolumeRewrite("SN-1", secret=SECRET),)))
    assert "usage" not in found
    assert SECRET in found


def test_what_is_replaced_stands_on_its_own_line():
    """For whoever reads the differences."""
    xml = domain(f"\n  {PLAIN}\n  ")
    found = rewrite(xml, Rewrites(volumes=(VolumeRewrite("SN-1", "<disk/>"),)))
    assert "</disk>\n  <new" in found


@pytest.mark.parametrize(
    "encryption",
    ["", "<encryption format='luks'/>", LUKS.format("d3b0a52e-0000-4000-8000-000000000003")],
    ids=["left out", "without a secret", "with another one"],
)
def test_the_secret_is_put_into_a_new_disk(encryption):
    before = VOLUME.format(encryption=LUKS.format("d3b0a52e-0000-4000-8000-000000000001"))
    new = f"<disk type='block'><source dev='/dev/b'>{encryption}</source></disk>"
    found = etree.fromstring(
        rewrite(domain(before), Rewrites(volumes=(VolumeRewrite("SN-1", new, SECRET),)))
    )
    secrets = found.findall("./devices/disk/source/encryption[@format='luks']/secret")
    assert [(one.get("type"), one.get("uuid")) for one in secrets] == [("passphrase", SECRET)]


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (VolumeRewrite("SN-2", secret=SECRET), "no disk with the serial SN-2"),
        (VolumeRewrite("SN-1", secret=SECRET), "not encrypted"),
        (
            VolumeRewrite("SN-1", "<disk><target dev='vdz'/></disk>"),
            "target dev is vdb now, vdz there",
        ),
        (
            VolumeRewrite("SN-1", "<disk><serial>SN-7</serial></disk>"),
            "serial is SN-1 now, SN-7 there",
        ),
        (VolumeRewrite("SN-1", "<interface/>"), "not a <disk>"),
        (VolumeRewrite("SN-1", "<disk>"), "cannot be read"),
        (VolumeRewrite("SN-1", "<!DOCTYPE disk><disk/>"), "document type"),
    ],
)
def test_volumes_that_do_not_fit(volume, words):
    refused(domain(PLAIN), words, volumes=(volume,))


def test_a_serial_of_two_disks_tells_none():
    refused(domain(PLAIN + PLAIN), "several disks", volumes=(VolumeRewrite("SN-1", "<disk/>"),))


# 4: rbd monitors


def rbd(hosts, name="images/a", rest=""):
    return (
        f"<disk type='network'><source protocol='rbd' name='{name}'>{hosts}<auth/></source>"
        f"{rest}</disk>"
    )


def test_monitors_of_image_disks_and_of_nothing_else():
    old = "<host name='mon1' port='6789'/><host name='mon2' port='6789'/>"
    new = "<host name='fd00::7' port='6790'/>"
    others = (
        rbd(old, rest="<serial>SN-1</serial>")
        + rbd(old, rest="<alias name='ua-volume'/>")
        + "<disk type='network'><source protocol='nbd'><host name='n'/></source></disk>"
    )
    rewritten(
        domain(rbd(old, rest="<alias name='virtio-disk0'/>") + others),
        domain(rbd(new, rest="<alias name='virtio-disk0'/>") + others),
        rbd_monitors=(Monitor("fd00::7", 6790),),
    )


def test_monitors_need_an_image_disk():
    refused(domain(PLAIN), "rbd", rbd_monitors=(Monitor("mon9"),))


# 5: perf events


@pytest.mark.parametrize(
    ("before", "events", "after"),
    [
        ("<perf><event name='cmt' enabled='yes'/></perf>", ("mbmt",), "mbmt"),
        ("<perf><event name='cmt' enabled='yes'/></perf>", (), ""),
        ("", ("mbmt",), "mbmt"),
    ],
    ids=["replaced", "an empty element stays", "created"],
)
def test_performance_events(before, events, after):
    found = etree.fromstring(rewrite(domain(head=before), Rewrites(perf=events)))
    assert [event.get("name") for event in found.findall("./perf/event")] == after.split()
    assert len(found.findall("perf")) == 1


def test_performance_events_of_nobody_stay_nobodys():
    rewritten(domain(), domain(), perf=())
    kept = domain(head="<perf><event name='cmt' enabled='yes'/></perf>")
    rewritten(kept, kept, perf=None)


# 6: memory backing

FILE = MemoryBacking("file", "shared", "immediate", discard=True)
NO_FILE = MemoryBacking("", "", "", discard=False)
HUGE = "<hugepages><page size='2' unit='M'/></hugepages>"
BACKED = "<source type='file'/><access mode='shared'/><allocation mode='immediate'/><discard/>"


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("", FILE, f"<memoryBacking>{BACKED}</memoryBacking>"),
        (
            f"<memoryBacking>{HUGE}</memoryBacking>",
            FILE,
            f"<memoryBacking>{HUGE}{BACKED}</memoryBacking>",
        ),
        (f"<memoryBacking>{BACKED}</memoryBacking>", NO_FILE, ""),
        (
            f"<memoryBacking>{HUGE}{BACKED}</memoryBacking>",
            NO_FILE,
            f"<memoryBacking>{HUGE}</memoryBacking>",
        ),
        (
            f"<memoryBacking>{BACKED}</memoryBacking>",
            FILE,
            f"<memoryBacking>{BACKED}</memoryBacking>",
        ),
        (
            f"<memoryBacking>{BACKED}</memoryBacking>",
            MemoryBacking(discard=False),
            f"<memoryBacking>{BACKED.replace('<discard/>', '')}</memoryBacking>",
        ),
        ("<memoryBacking/>", NO_FILE, "<memoryBacking/>"),
    ],
    ids=["created", "huge pages stay", "removed", "all but huge pages", "equal", "one", "none"],
)
def test_memory_backing(before, wanted, after):
    rewritten(domain(head=before), domain(head=after), memory_backing=wanted)


# 7: CPU shares


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<cputune><shares>2048</shares></cputune>", ""),
        (
            "<cputune><shares>2048</shares><period>100000</period></cputune>",
            "<cputune><period>100000</period></cputune>",
        ),
        ("", ""),
        ("<cputune><quota>1</quota></cputune>", "<cputune><quota>1</quota></cputune>"),
    ],
)
def test_cpu_shares(before, after):
    rewritten(domain(head=before), domain(head=after), drop_cpu_shares=True)
    rewritten(domain(head=before), domain(head=before), drop_cpu_shares=False)


# 9: cpuset


@pytest.mark.parametrize(
    ("before", "cpuset", "after"),
    [
        ("<vcpu cpuset='0-3'>2</vcpu>", "4-7,^5", "<vcpu cpuset='4-7,^5'>2</vcpu>"),
        ("<vcpu>2</vcpu>", "4", "<vcpu cpuset='4'>2</vcpu>"),
        ("<vcpu cpuset='0-3'>2</vcpu>", "", "<vcpu>2</vcpu>"),
        ("<vcpu cpuset='0-3'>2</vcpu>", None, "<vcpu cpuset='0-3'>2</vcpu>"),
        ("<vcpu placement='auto'>2</vcpu>", "4", "<vcpu placement='static' cpuset='4'>2</vcpu>"),
    ],
)
def test_cpuset(before, cpuset, after):
    rewritten(domain(head=before), domain(head=after), cpuset=cpuset)


def test_a_cpuset_needs_vcpus():
    refused(domain(), "vCPUs", cpuset="1")


# 10: NUMA

NUMA = (
    "<vcpu>4</vcpu><iothreads>1</iothreads><cputune><vcpupin vcpu='0' cpuset='0'/>"
    "<emulatorpin cpuset='0-1'/><vcpusched vcpus='0' scheduler='fifo' priority='1'/>"
    "<vcpusched vcpus='1' scheduler='fifo' priority='1'/><iothreadpin iothread='1' cpuset='0'/>"
    "</cputune><numatune><memory mode='preferred' nodeset='0'/>"
    "<memnode cellid='0' mode='strict' nodeset='0'/></numatune>"
    "<cpu><numa><cell id='0' cpus='0-1' memory='1'/><cell cpus='2-3' memory='1'/></numa></cpu>"
)


def test_the_whole_pinning():
    rewritten(
        domain(head=NUMA),
        domain(
            head="<vcpu>4</vcpu><iothreads>1</iothreads><cputune>"
            "<vcpupin vcpu='0' cpuset='8'/><emulatorpin cpuset='8-9'/>"
            "<iothreadpin iothread='1' cpuset='11'/><vcpupin vcpu='3' cpuset='9'/>"
            "<vcpusched vcpus='0-3' scheduler='rr' priority='2'/>"
            "</cputune><numatune><memory mode='preferred' nodeset='1-3'/>"
            "<memnode cellid='0' mode='strict' nodeset='1'/>"
            "<memnode cellid='1' mode='preferred' nodeset='2-3'/></numatune>"
            "<cpu><numa><cell id='0' cpus='0-1' memory='1'/><cell cpus='2-3' memory='1'/></numa>"
            "</cpu>"
        ),
        numa=NumaPinning(
            vcpus=(Pin(0, "8"), Pin(3, "9")),
            emulator="8-9",
            cells=(CellNodes(0, "1"), CellNodes(1, "2-3")),
            schedulers=(Scheduler("0-3", "rr", 2),),
            iothreads=(Pin(1, "11"), Pin(2, "11")),  # the second is gone: passed over
        ),
    )


def test_pinning_of_an_instance_that_had_none():
    rewritten(
        domain(head="<vcpu>1</vcpu>"),
        domain(head="<vcpu>1</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/></cputune>"),
        numa=NumaPinning(vcpus=(Pin(0, "3"),)),
    )


def test_memory_that_libvirt_placed_itself_is_bound():
    rewritten(
        domain(head="<numatune><memory placement='auto'/><memnode cellid='0'/></numatune>"),
        domain(
            head="<numatune><memory mode='strict' nodeset='1'/>"
            "<memnode cellid='0' nodeset='1'/></numatune>"
        ),
        numa=NumaPinning(cells=(CellNodes(0, "1"),)),
    )


CASES = DATA_DIRECTORY / "xml" / "rewrites"


@pytest.mark.parametrize(
    ("name", "memory", "cells"),
    [
        (
            "restrictive",  # the cells are bound as the memory was: libvirt mixes no others with it
            ("restrictive", "0-1"),
            [("0", "restrictive", "1"), ("1", "restrictive", "0")],
        ),
        (
            "partial-cells",  # the memory is also on the nodes of the cell that stays
            ("strict", "1-2"),
            [("0", "strict", "2"), ("1", "strict", "1")],
        ),
    ],
)
def test_cells_are_bound_as_libvirt_takes_it(name, memory, cells):
    rewrites = decode_toml((CASES / f"{name}.toml").read_text(), Rewrites, "The file")
    found = etree.fromstring(rewrite((CASES / f"{name}.xml").read_text(), rewrites))
    whole = found.find("numatune/memory")
    assert (whole.get("mode"), whole.get("nodeset")) == memory
    nodes = found.findall("numatune/memnode")
    assert [(n.get("cellid"), n.get("mode"), n.get("nodeset")) for n in nodes] == cells


def test_cells_without_nodes_of_their_own_stay_where_the_memory_is():
    numa = "<numatune><memory mode='strict' nodeset='0-1'/></numatune>"
    cells = "<cpu><numa><cell id='0'/><cell id='1'/></numa></cpu>"
    found = rewrite(
        domain(head=numa + cells), Rewrites(numa=NumaPinning(cells=(CellNodes(0, "3"),)))
    )
    assert etree.fromstring(found).find("numatune/memory").get("nodeset") == "0-1,3"


def test_cells_that_are_bound_to_nothing_stay_free():
    """A nodeset for the whole memory would bind them, too."""
    cells = "<cpu><numa><cell id='0'/><cell id='1'/><cell id='2'/></numa></cpu>"
    wanted = Rewrites(numa=NumaPinning(cells=(CellNodes(0, "3"),)))
    for numa in ("", "<numatune><memnode cellid='1' mode='preferred' nodeset='5'/></numatune>"):
        found = etree.fromstring(rewrite(domain(head=numa + cells), wanted)).find("numatune")
        assert found.find("memory") is None
        assert found.find("memnode[@cellid='0']").get("nodeset") == "3"
    auto = "<numatune><memory mode='strict' placement='auto'/></numatune>"
    with pytest.raises(RefusedError, match="NUMA cell 1 is placed by the host"):
        rewrite(domain(head=auto + cells), wanted)


def test_the_mode_of_the_cells_is_that_of_the_memory_where_it_says_none():
    numa = "<numatune><memnode cellid='0' mode='restrictive' nodeset='0'/></numatune>"
    cells = "<cpu><numa><cell id='0'/></numa></cpu>"
    found = rewrite(
        domain(head=numa + cells), Rewrites(numa=NumaPinning(cells=(CellNodes(0, "3"),)))
    )
    assert etree.fromstring(found).find("numatune/memory").get("mode") == "restrictive"


@pytest.mark.parametrize(
    ("numa", "words"),
    [
        (NumaPinning(vcpus=(Pin(4, "0"),)), "no vCPU 4"),
        (NumaPinning(cells=(CellNodes(2, "0"),)), "no NUMA cell 2"),
        (NumaPinning(schedulers=(Scheduler("2-5", "idle"),)), "no vCPU 4 to be scheduled"),
    ],
)
def test_pinning_of_what_is_not_there(numa, words):
    refused(domain(head=NUMA), words, numa=numa)


@pytest.mark.parametrize(
    "scheduler",
    [Scheduler("0"), Scheduler("", priority=1), Scheduler("0", "idle", 3), Scheduler("0", "nice")],
)
def test_half_a_scheduler_is_no_scheduler(scheduler):
    """Nova looked at the priority only, and wrote vcpus='None' (nova-map 2.3, rule 10)."""
    with pytest.raises(UsageError):
        rewrite(domain(head=NUMA), Rewrites(numa=NumaPinning(schedulers=(scheduler,))))


def test_disks_have_other_paths_there():
    disk = (
        "<disk type='{0}'><source {1}='{2}'/><backingStore type='file'><source file='{3}'/>"
        "</backingStore><target dev='vda'/></disk>"
    )
    moves = (Move("/a/x.qcow2", "/b/x.qcow2"), Move("/a/base", "/b/base"))
    rewritten(
        domain(disk.format("file", "file", "/a/x.qcow2", "/a/base")),
        domain(disk.format("file", "file", "/b/x.qcow2", "/b/base")),
        disks=moves,
    )
    rewritten(
        domain(disk.format("block", "dev", "/dev/vg/one", "/a/base")),
        domain(disk.format("block", "dev", "/dev/vg/two", "/a/base")),
        disks=(Move("/dev/vg/one", "/dev/vg/two"),),
    )
    refused(domain(), "no disk at /a/x.qcow2", disks=moves[:1])
    with pytest.raises(UsageError, match="path of a disk"):
        rewrite(domain(), Rewrites(disks=(Move("x", "/b"),)))

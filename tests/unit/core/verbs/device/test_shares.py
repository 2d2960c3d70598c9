"""Directories of the host that are shared with a guest by virtiofs."""

from __future__ import annotations

from typing import Any

import pytest

from core.model import Device, Host, Instance, OperationStatus, State
from core.model.device_word import word_of_device
from core.model.host import HostFacts, Link, LinkStatus
from core.state.instance_devices import InstanceDevice, devices_of_instance
from core.verbs.checks import check
from core.verbs.device.calls import DetachCall
from core.verbs.device.device_requests import DeviceDetach
from core.verbs.device.share import ShareDirectory
from core.verbs.preview import planned
from core.verbs.registry import verb_of
from core.verbs.situation import End, Progress, Situation
from core.xml.device import read_device
from core.xml.instance import read_instance
from core.xml.new_device import device_in
from core.xml.new_share import shares_memory
from core.xml.tree import parse
from tests.unit.core.verbs.device.test_attaching import sent
from tests.unit.power_builders import WEB, web

ALONE = "<domain><name>web</name></domain>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
BACKED = f"<domain>{SHARED}</domain>"
CELLS = "<cpu><numa><cell memAccess='{}'/><cell{}/></numa></cpu>"


def asked(**more: Any) -> ShareDirectory:
    return ShareDirectory(WEB, **({"directory": "/srv/data", "tag": "data"} | more))


@pytest.mark.parametrize("access", ["read-write", "read-only"])
def test_a_share_is_attached_and_found_again_by_its_tag(access: str) -> None:
    call = sent(asked(directory="/srv/a & b", access=access), web(), document=BACKED)
    flat = "".join(line.strip() for line in call.xml.splitlines())
    only = "<readonly/>" if access == "read-only" else ""
    assert flat == (
        '<filesystem type="mount" accessmode="passthrough"><driver type="virtiofs"/>'
        f'<source dir="/srv/a &amp; b"/><target dir="data"/>{only}</filesystem>'
    )
    assert call.name == "share:data" == word_of_device(read_device(parse(flat, "filesystem")))
    whole = f"<domain><devices>{flat}</devices></domain>"
    assert device_in(whole, "device", "share:data") == (flat, "")


@pytest.mark.parametrize(
    ("document", "shares"),
    [
        (ALONE, False),
        ("<domain><memoryBacking><access mode='private'/></memoryBacking></domain>", False),
        ("<domain><memoryBacking><access mode='shared'/></memoryBacking></domain>", True),
        ("<domain><memoryBacking><source type='memfd'/></memoryBacking></domain>", False),
        (BACKED, True),
        ("<domain><cpu><numa><cell memAccess='shared'/></numa></cpu></domain>", True),
        (f"<domain>{CELLS.format('shared', '')}</domain>", False),
        (f"<domain>{SHARED}{CELLS.format('shared', '')}</domain>", True),
        (f"<domain>{SHARED}{CELLS.format('private', '')}</domain>", False),
    ],
)
def test_memory_is_shared_where_all_of_it_is(document: str, shares: bool) -> None:
    assert shares_memory(document) is shares


def test_an_instance_without_shared_memory_gets_no_share() -> None:
    decide = verb_of(asked()).decide
    assert decide is not None
    action = decide(Situation(asked(), "web", 1.0, Progress(), web(), document=ALONE))
    assert isinstance(action, End)
    assert action.status is OperationStatus.REFUSED
    assert "without shared memory" in action.outcome
    assert "virtdeck edit" in action.outcome


def test_what_runs_alone_is_libvirts_to_judge() -> None:
    call = sent(asked(when="now"), web(), document=ALONE)
    assert (call.live, call.config) == (True, False)


def against(request: ShareDirectory, instance: Instance, uri: str, version: str) -> list[str]:
    host = Host("alpha", uri, Link(LinkStatus.UP, 0.0), facts=HostFacts(libvirt_version=version))
    state = State(hosts={"alpha": host}, instances={instance.key: instance})
    return [str(reason) for reason in check(state, request)]


@pytest.mark.parametrize(
    ("request_", "uri", "version", "words"),
    [
        (asked(), "qemu:///session", "9.0.0", "9.0.0 of alpha is not root's"),
        (asked(), "qemu:///session", "10.1.0", "--when next-start"),
        (asked(access="read-only"), "qemu:///system", "10.0.0", "mount it with -o ro"),
        (asked(tag="has"), "qemu:///system", "11.0.0", "web has a share has already"),
        (asked(tag="a b"), "qemu:///system", "11.0.0", "a word such as data"),
        (asked(directory="srv"), "qemu:///system", "11.0.0", "a path such as /srv/data"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    request_: ShareDirectory, uri: str, version: str, words: str
) -> None:
    mine = web(devices=(Device("filesystem", "mount /srv/other has"),))
    told = against(request_, mine, uri, version)
    assert any(words in one for one in told), told


@pytest.mark.parametrize(
    ("uri", "version"),
    [("qemu:///system", "9.0.0"), ("qemu+ssh://a/session?socket=/s", "10.2.0"), ("x:///", "")],
)
def test_what_can_be_shared_is_not_refused(uri: str, version: str) -> None:
    assert against(asked(), web(), uri, version) == []


def test_the_root_of_a_container_is_no_share() -> None:
    assert word_of_device(Device("filesystem", "mount /srv/root /")) == ""
    assert word_of_device(Device("filesystem", "mount /srv/data data")) == "share:data"


def test_a_share_is_named_by_the_whole_of_its_tag() -> None:
    devices = "".join(
        f"<filesystem type='mount'><source dir='/srv/{at} b'/><target dir='{tag}'/></filesystem>"
        for at, tag in enumerate(("my data", "data", " data "))
    )
    xml = f"<domain type='kvm'><name>web</name><uuid>u</uuid><devices>{devices}</devices></domain>"
    instance = read_instance(xml, "alpha")
    words = [word_of_device(one) for one in instance.devices]
    assert words == ["share:my data", "share:data", "share: data "]
    for at, word in enumerate(words):
        found = device_in(xml, "device", word)
        assert found is not None
        assert f"/srv/{at} b" in found[0]
        asked_ = DeviceDetach(instance.key, word)
        state = State(instances={instance.key: instance})
        sends = planned(state, asked_)
        assert [send.call.name for send in sends if isinstance(send.call, DetachCall)] == [word]


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        (
            "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/a b'/>"
            "<target dir='the data'/><readonly/><alias name='fs0'/></filesystem>",
            InstanceDevice("share", "share:the data", "directory", "/srv/a b", "the data",
                           "virtiofs", True, "fs0"),
        ),
        (
            "<filesystem type='mount'><source dir='/srv'/><target dir='x'/></filesystem>",
            InstanceDevice("share", "share:x", "directory", "/srv", "x", "9p", False),
        ),
        (
            "<filesystem type='mount'><source dir='/srv'/><target dir='/mnt'/></filesystem>",
            InstanceDevice("share", "", "directory", "/srv", "/mnt", "", False),
        ),
        (
            "<tpm model='tpm-crb'><backend type='passthrough'><device path='/dev/tpm0'/></backend>"
            "</tpm>",
            InstanceDevice("tpm", "", "TPM", "/dev/tpm0", bus="tpm-crb"),
        ),
        ("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", None),
        (
            "<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>",
            InstanceDevice("rng", "rng:/dev/hwrng", "random numbers", "/dev/hwrng", bus="virtio"),
        ),
        ("<rng model='virtio'><backend model='builtin'/></rng>", None),
        (
            "<hostdev mode='subsystem' type='mdev'><source><address "
            "uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>",
            InstanceDevice("mdev", "mdev:c2177883-f1bb-47f0-914d-32a22e3a8804", "device",
                           "c2177883-f1bb-47f0-914d-32a22e3a8804"),
        ),
        (
            "<interface type='hostdev'><mac address='52:54:00:00:00:01'/><source><address "
            "type='pci' domain='0' bus='3' slot='0' function='1'/></source></interface>",
            InstanceDevice("pci", "", "interface 52:54:00:00:00:01", "0000:03:00.1"),
        ),
        ("<controller type='usb'/>", None),
    ],
)  # fmt: skip
def test_what_an_instance_has_of_its_host_is_told(xml: str, found: InstanceDevice | None) -> None:
    devices = f"<devices>{xml}</devices>"
    domain = f"<domain type='kvm'><name>web</name><uuid>u</uuid>{devices}</domain>"
    assert devices_of_instance(read_instance(domain, "alpha")) == ([found] if found else [])


def test_sharing_is_undone_by_detaching_it() -> None:
    undo = verb_of(asked()).undo
    assert undo is not None
    situation = Situation(asked(when="next-start"), "web", 1.0, Progress(), web())
    assert undo(situation) == DeviceDetach(WEB, "share:data", "next-start")

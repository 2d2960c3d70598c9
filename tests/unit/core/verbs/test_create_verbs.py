"""Making instances: what is planned from what a host has, and what is refused before."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    GuestPlatform,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Network,
    ObjectKey,
    Pool,
    PoolState,
    Request,
    State,
    Volume,
)
from core.model.secret_value import Secret
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.create.calls import ProveCall, SeedCall
from core.verbs.create.from_image import CREATE_FROM_IMAGE
from core.verbs.create.remove_seed import REMOVE_SEED, DetachDiskCall, RemoveSeed
from core.verbs.create.short import CREATE
from core.verbs.danger import danger
from core.verbs.preview import planned, situation_of
from core.verbs.registry import VERBS
from core.verbs.situation import Progress, Sent
from core.verbs.undefining import Undefine
from core.verbs.volume import VolumeCloneCall, VolumeCreateCall, VolumeResizeCall, VolumeUploadCall
from tests.verbs import check

GIB = 1 << 30
UUID = "0a7bd1a4-8a0e-4ad4-9d3f-3a7b2c6f9a10"
HOST = ObjectKey("host", "alpha", "alpha")
PLATFORM = GuestPlatform(
    "kvm", "x86_64", "q35", "/usr/bin/qemu", ("bios", "efi"), ("host-passthrough",), ("virtio",),
    ("emulator",), 64,
)  # fmt: skip
ALPHA = Host("alpha", "qemu:///system", Link(LinkStatus.UP), facts=HostFacts(platform=PLATFORM))
ACTIVE = PoolState.ACTIVE
FILES = Pool("alpha", "p1", "default", "dir", ACTIVE, "/images", available=100 * GIB)
LVM = Pool("alpha", "p2", "vg", "logical", ACTIVE, "/dev/vg", available=10 * GIB)
RBD = Pool("alpha", "p3", "ceph", "rbd", ACTIVE, "rbd")
OFF = Pool("alpha", "p4", "away", "dir", path="/away")
IMAGE = Volume(
    "alpha", "p1", "default", "debian.qcow2", "/images/debian.qcow2", "file", "qcow2", 3 * GIB
)
ISO = Volume("alpha", "p1", "default", "cd.iso", "/images/cd.iso", "file", "iso", 1)
USED = replace(IMAGE, name="used.qcow2", path="/images/used.qcow2")
OVER = replace(IMAGE, name="guest.img", path="/images/guest.img", backing="/etc/hostname")
CLOUD = replace(IMAGE, name="cloud.img", path="/images/cloud.img")
WEB = Instance(
    "alpha", "u-web", "web", InstanceState.RUNNING,
    disks=(Disk("vda", source=DiskSource("file", "/images/used.qcow2", "qcow2")),),
)  # fmt: skip
NETWORKS = (Network("alpha", "n1", "default", active=True), Network("alpha", "n2", "lan"))
STATE = State(
    hosts={"alpha": ALPHA},
    instances={WEB.key: WEB},
    pools={pool.key: pool for pool in (FILES, LVM, RBD, OFF)},
    volumes={volume.key: volume for volume in (IMAGE, ISO, USED, OVER, CLOUD)},
    networks={network.key: network for network in NETWORKS},
)


def create(**options: Any) -> Request:
    return CREATE.at(HOST, UUID, {"name": "new", **options})


def from_image(**options: Any) -> Request:
    return CREATE_FROM_IMAGE.at(
        HOST, UUID, {"name": "new", "image": "default/debian.qcow2", **options}
    )


def calls(request: Request, state: State = STATE) -> list[Call]:
    assert check(state, request) == ()
    return [send.call for send in planned(state, request)]


def words(request: Request) -> list[str]:
    return [call.word for call in calls(request)]


def xml(request: Request) -> str:
    return calls(request)[0].text


def test_a_new_disk_is_made_before_the_definition_and_all_is_checked_first():
    prove, volume, *_ = calls(create())
    assert isinstance(prove, ProveCall)
    assert volume == VolumeCreateCall("default", "new.qcow2", 20 * GIB, "qcow2")
    assert words(create()) == ["prove", "volume-create", "define", "create"]
    assert '<source file="/images/new.qcow2"/>' in prove.text
    assert UUID in prove.text


def test_an_instance_may_have_a_disk_that_is_there_or_none():
    assert words(create(disk="default/debian.qcow2")) == ["prove", "define", "create"]
    found = xml(create(disk="default/debian.qcow2", cdrom="default/cd.iso"))
    assert '<source file="/images/debian.qcow2"/>' in found
    assert '<source file="/images/cd.iso"/>' in found
    assert words(create(size=0, start=False)) == ["prove", "define"]
    assert "/dev/sdx" in xml(create(disk="/dev/sdx"))
    for disk, kind in (
        ("default/cloud.img", "qcow2"),
        ("/s/a.raw", "raw"),
        ("/s/a.qcow2", "qcow2"),
    ):
        assert f'type="{kind}"' in xml(create(disk=disk)).partition("<source")[0]
    assert words(create(autostart=True))[-2:] == ["autostart", "create"]


def test_a_disk_of_lvm_is_raw_and_a_device():
    volume = calls(create(pool="vg", size=5))[1]
    assert volume == VolumeCreateCall("vg", "new", 5 * GIB, "raw")
    assert '<source dev="/dev/vg/new"/>' in xml(create(pool="vg", size=5))


def test_an_image_is_copied_or_lain_over_or_sent():
    copied = calls(from_image())[1]
    assert copied == VolumeCloneCall("default", "new.qcow2", "default/debian.qcow2", "qcow2")
    assert calls(from_image(size=5))[2] == VolumeResizeCall("default", "new.qcow2", 5 * GIB)
    over = calls(from_image(how="over"))[1]
    assert over == VolumeCreateCall(
        "default", "new.qcow2", 3 * GIB, "qcow2", "default/debian.qcow2"
    )
    _, made, sent, grown, *_ = calls(from_image(image="./debian.qcow2", size=5))
    assert made == VolumeCreateCall("default", "new.qcow2", 5 * GIB, "qcow2")
    assert sent == VolumeUploadCall("default", "new.qcow2", "./debian.qcow2")
    assert grown == VolumeResizeCall("default", "new.qcow2", 5 * GIB)


def test_the_seed_has_what_was_said_and_lies_beside_the_disk():
    request = from_image(user="ada", ssh_key="ssh-rsa AAAA", password_hash=Secret("$6$a$bcdefghi"))
    assert words(request) == [
        *("prove", "volume-clone", "volume-create", "seed", "define", "create"),
    ]
    seed = calls(request)[3]
    assert isinstance(seed, SeedCall)
    assert (seed.name, seed.seed.user, seed.seed.hostname) == (
        *("new-seed-0a7bd1a4.iso", "ada", "new"),
    )
    assert seed.password_hash == Secret("$6$a$bcdefghi")
    assert '/images/new-seed-0a7bd1a4.iso" startupPolicy="optional"' in xml(request)
    assert "seed" not in words(from_image(seed=False))


REFUSED: list[tuple[Request, str]] = [
    (create(name="web"), "There is an instance web on alpha already: choose another name."),
    (create(pool="nope"), "alpha has no pool nope: it has default, vg, ceph and away."),
    (create(pool="away"), "The pool away of alpha is inactive: start it: `virtdeck pool"),
    (create(pool="ceph"), "virtdeck makes no disk in ceph, a pool of the type rbd: take a pool"),
    (create(name="debian"), "The pool default has a volume debian.qcow2 already: choose another"),
    (create(network="nope"), "alpha has no network nope: take default and lan, bridge:NAME, user"),
    (create(network="lan"), "The network lan of alpha is off: start it: `virtdeck network"),
    (create(vcpus=65), "alpha gives a guest at most 64 vCPUs: take 64 or fewer."),
    (create(disk="nowhere"), "nowhere names no volume: give it as POOL/VOLUME, or by"),
    (create(disk="nope/a"), "alpha has no pool nope: it has"),
    (create(disk="away/a"), "The pool away of alpha is inactive: start it"),
    (create(disk="default/a"), "The pool default has no volume a: see `virtdeck volumes`, or"),
    (create(disk="default/used.qcow2"), "default/used.qcow2 is used by web: two that write to one"),
    (create(disk="default/guest.img"), "guest.img reads as qcow2 over /etc/hostname, and its name"),
    (create(disk="/srv/disk"), "What format /srv/disk has is not known: make it without a disk"),
    (create(cdrom="default/a.iso"), "The pool default has no volume a.iso"),
    (create(boot="cdrom"), "It has no cdrom to boot from: give it one, or boot from its disk."),
    (create(initrd="/i"), "An initrd and a command line are a kernel's: give the kernel too."),
    (create(pool="vg", size=11), "vg has 10 GiB left: give less."),
    (create(name="a/b"), "give one that begins with no dot, without / and control characters"),
    (create(memory=1), "A memory of 1 MiB makes no sense"),
    (from_image(size=2), "The image default/debian.qcow2 is 3.0 GiB large: make its disk as large"),
    (from_image(image="default/no"), "The pool default has no volume no"),
    (from_image(image="./a", how="over"), "lies over a volume of the host, not over a file"),
    (from_image(image="./a", pool="vg"), "How large the disk is to be in vg is not known before"),
    (from_image(how="over", format="raw"), "Only a disk in qcow2 lies over another"),
    (from_image(image="default/used.qcow2", how="over"), "web writes to default/used.qcow2, and"),
    (from_image(user="ada", user_data="#cloud-config"), "The user data says itself who"),
    (from_image(user="ada", seed=False), "Without a seed nobody tells the guest who may log in"),
    (from_image(password_hash=Secret("secret")), "The password's hash is none: make it"),
    (from_image(user="Ada"), "give a name of small letters, digits, - and _"),
    (from_image(hostname="-a"), "give a host name of letters, digits, - and dots"),
    (from_image(ssh_key="rubbish"), "give a public key such as"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "told"), REFUSED, ids=lambda each: str(each)[:40])
def test_what_cannot_be_is_refused_in_one_sentence_with_its_cure(request_: Request, told: str):
    reasons = check(STATE, request_)
    assert any(told in reason for reason in reasons), reasons
    assert all(": " in reason for reason in reasons)


def test_a_disk_that_may_come_to_take_more_than_is_free_is_warned_of_or_refused():
    image = {"image": "default/debian.qcow2"}
    fits, larger = from_image(**image), from_image(**image, size=200)
    assert danger(STATE, fits).warnings == ""
    asked = danger(STATE, larger)
    assert asked.caution is Caution.KEY
    text = "The pool default has 100 GiB free, and new may come to take 200 GiB: "
    assert asked.warnings.startswith(text)
    short = {**STATE.pools, FILES.key: replace(FILES, available=GIB)}
    small = dataclasses.replace(STATE, pools=short)
    assert "new may come to take 3.0 GiB" in danger(small, fits).warnings
    of_lvm = from_image(**image, pool="vg", size=20)
    assert check(STATE, of_lvm) == ("vg has 10 GiB left: give less.",)
    assert danger(STATE, of_lvm).warnings == ""


def test_a_secret_that_is_no_hash_is_not_told():
    (reason,) = check(STATE, from_image(password_hash=Secret("hunter2")))
    assert "hunter2" not in reason


def test_what_the_host_lacks_is_refused():
    bare = replace(PLATFORM, firmware=("bios",), tpm=())
    state = _with(replace(ALPHA, facts=HostFacts(platform=bare)))
    assert check(state, create(firmware="uefi"))[0].startswith("alpha has no UEFI firmware")
    assert check(state, create(tpm=True))[0].startswith("alpha has no TPM emulator: install swtpm")
    silent = _with(replace(ALPHA, facts=HostFacts()))
    assert check(silent, create())[0].endswith("new guests can have there: make it from XML.")


def _with(host: Host) -> State:
    return State(
        hosts={"alpha": host},
        pools=STATE.pools,
        volumes=STATE.volumes,
        networks=STATE.networks,
    )


def test_a_console_that_takes_over_goes_by_the_plan_whatever_has_changed_since():
    situation = situation_of(STATE, create())
    (first, *_) = VERBS["create"].steps(situation)  # type: ignore[misc]
    later = situation_of(_with(replace(ALPHA, facts=HostFacts())), create())
    taken = dataclasses.replace(later, progress=Progress((Sent(first.call, 1.0),)))
    assert [step.call for step in VERBS["create"].steps(taken)] == [  # type: ignore[misc]
        step.call
        for step in VERBS["create"].steps(situation)  # type: ignore[misc]
    ]


def test_undoing_removes_the_disk_that_was_made_and_no_other():
    def undone(request: Request) -> Request | None:
        undo = VERBS[request.verb].undo
        assert undo is not None
        return undo(situation_of(STATE, request))

    key = ObjectKey("instance", "alpha", UUID)
    assert undone(create()) == Undefine(key, ("vda",))
    assert undone(create(disk="default/debian.qcow2")) == Undefine(key)
    assert undone(from_image()) == Undefine(key, ("vda",))


SEEDED = Instance(
    "alpha", UUID, "new", InstanceState.SHUTOFF, disks=(
        Disk("vda", source=DiskSource("file", "/images/new.qcow2", "qcow2")),
        Disk("sda", device="cdrom", source=DiskSource("file", "/images/new-seed-0a7bd1a4.iso")),
        Disk("sdb", device="cdrom", source=DiskSource("file", "/images/cd.iso")),
    ),
)  # fmt: skip


def test_a_seed_is_taken_out_and_deleted_and_nothing_else_is():
    state = State(hosts={"alpha": ALPHA}, instances={SEEDED.key: SEEDED, WEB.key: WEB})
    request = RemoveSeed(SEEDED.key)
    assert check(state, request) == ()
    detach, delete = (send.call for send in planned(state, request))
    assert detach == DetachDiskCall("sda", "/images/new-seed-0a7bd1a4.iso")
    assert getattr(delete, "path", "") == "/images/new-seed-0a7bd1a4.iso"
    (reason,) = check(state, RemoveSeed(WEB.key))
    assert "web has no seed that virtdeck made" in reason
    assert REMOVE_SEED.resumable


def test_an_instance_that_is_undefined_takes_its_seed_along():
    state = State(hosts={"alpha": ALPHA}, instances={SEEDED.key: SEEDED})
    sends = planned(state, Undefine(SEEDED.key))
    assert [getattr(send.call, "path", "") for send in sends][1:] == [
        "/images/new-seed-0a7bd1a4.iso"
    ]

"""What a form shows of what there is now."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.screens.present_values import present_of
from console.screens.verb_form import fields_of
from core.model import Disk, DiskSource, Host, Instance, Link, LinkStatus, ObjectKey, State, Volume
from core.verbs.parameter import parameters
from core.verbs.registry import VERBS

MIB = 1 << 20
WEB = Instance(
    "alpha",
    "u-web",
    "web",
    vcpus=1,
    vcpus_maximum=2,
    memory=96 * MIB,
    memory_maximum=160 * MIB,
    title="Web\x1b front end",
    disks=(Disk("vda", source=DiskSource("file", "/web.qcow2")), Disk("sda", device="cdrom")),
)
DISK = Volume("alpha", "u", "pool", "web.qcow2", "/web.qcow2", capacity=64 * MIB)
STATE = State(
    hosts={"alpha": Host("alpha", "qemu:///system", link=Link(LinkStatus.UP))},
    instances={WEB.key: WEB},
    volumes={DISK.key: DISK},
)


def notes(verb: str, *, alone: bool = True) -> dict[str, str]:
    return {each.id: each.note for each in fields_of(VERBS[verb], STATE, WEB.key, alone=alone)}


@pytest.mark.parametrize(
    ("verb", "field", "begins"),
    [
        ("set-memory", "size", "MiB, now 96: How much memory it has."),
        ("set-memory", "maximum", "MiB, now 160: "),
        ("set-vcpus", "count", "Now 1: How many vCPUs it has."),
        ("set-vcpus", "maximum", "Now 2: "),
        ("resize", "vcpus", "Now 1: "),
        ("resize", "memory", "MiB, now 96: "),
        ("resize", "grow", "Now vda=64M: "),
        ("cold-migrate", "memory", "MiB, now 96: "),
    ],
)
def test_what_it_has_now_stands_first(verb: str, field: str, begins: str) -> None:
    assert notes(verb)[field].startswith(begins)


def test_of_several_it_is_not_shown() -> None:
    assert notes("set-memory", alone=False)["size"] == "MiB: How much memory it has."


def test_a_text_is_shown_without_controls() -> None:
    found = notes("title")["text"]
    assert found.startswith("Now Web")
    assert found.isprintable()


def test_what_is_not_known_is_not_shown() -> None:
    assert present_of(STATE, ObjectKey("instance", "alpha", "nobody"), "memory") == ""
    assert present_of(State(instances={WEB.key: WEB}), WEB.key, "disk-sizes") == ""


def test_every_source_that_a_declaration_names_is_known() -> None:
    named = {one.present for verb in VERBS.values() for one in parameters(verb.request)} - {""}
    full = replace(WEB, description="d")
    state = State(instances={full.key: full}, volumes=STATE.volumes)
    assert named
    assert all(present_of(state, full.key, one) for one in named)

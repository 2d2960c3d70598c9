"""The preflight as a whole: all at once, ordered, overridable, tolerant of what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.migration.preflight.case import named
from core.migration.preflight.facts import (
    DestinationFacts,
    Facts,
    FailedLook,
    PathFacts,
    SourceFacts,
    Trouble,
)
from core.migration.preflight.judge import judge, vouch
from core.migration.preflight.xml import question_xml
from core.model import (
    BlockJob,
    BlockJobState,
    Host,
    Instance,
    InstanceRun,
    InstanceState,
    Job,
    Level,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    OperationRecord,
    Rewrites,
)
from core.model.rewrites import GraphicsListen
from tests.unit.preflight_builders import (
    DISK,
    KEY,
    UUID,
    at,
    destination,
    facts,
    judged,
    request,
    source,
    state,
    xml_of,
)

BLOCKER, UNKNOWN, WARNING, OK = Level
NEVER_SEEN = {"address", "ports", "clock"}
"""What no libvirt tells of two machines."""


def test_nothing_speaks_against_a_clean_migration() -> None:
    found = judged()
    assert at(found, BLOCKER) == set()
    assert at(found, WARNING) == set()
    assert at(found, UNKNOWN) == NEVER_SEEN
    for known in ("source-link", "destination-link", "same-host", "already-there", "cpu", "machine",
                  "memory", "disk-vda", "chain-vda", "cache-vda", "pool-nfs", "network-default",
                  "agent", "job", "snapshots", "state", "version-qemu"):  # fmt: skip
        assert found[known].level is OK, known


def test_everything_is_found_at_once_and_the_worst_comes_first() -> None:
    here = source(snapshots=2, persistent=True, autostart=True)
    there = destination(networks=(), memory_free=1, machine_known=False, pools=None, cpu=None)
    found = judge(request(undefine=False), facts(here, there), state(), 0.0)
    levels = [list(Level).index(each.level) for each in found]
    assert levels == sorted(levels)
    by_id = {each.id: each for each in found}
    assert {"snapshots", "network-default", "memory", "machine"} <= at(by_id, BLOCKER)
    assert {"cpu", "pools"} <= at(by_id, UNKNOWN)
    assert "persistent" in at(by_id, WARNING)
    assert found == judge(request(undefine=False), facts(here, there), state(), 5.0)


def test_every_blocker_has_its_cure() -> None:
    there = destination(networks=(), memory_free=1, machine_known=False, twins=None, paths=())
    for each in judged(seen=facts(source(snapshots=1), there)).values():
        assert each.text.endswith(".") or each.text.endswith("?"), each
        assert each.level is not BLOCKER or each.cure, each


def test_an_overridden_blocker_is_a_warning_that_says_so() -> None:
    there = destination(networks=(), memory_free=1)
    found = judged(request(overrides=("memory", "nonsense")), facts(there=there))
    assert found["memory"].level is WARNING
    assert found["memory"].text.startswith("Overridden: ")
    assert found["network-default"].level is BLOCKER


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("source-link", Link(LinkStatus.DOWN, error="It is off.")),
        ("source-read-only", Link(LinkStatus.UP, read_only=True)),
    ],
)
def test_what_no_override_helps_against(name: str, link: Link) -> None:
    now = state(hosts={**state().hosts, "alpha": Host("alpha", "qemu:///system", link)})
    found = judged(request(overrides=(name,)), now=now)
    assert found[name].level is BLOCKER
    assert found[name].fixed


def test_hosts_that_are_not_there_or_down() -> None:
    down = Host(
        "beta", "qemu+ssh://beta/system", Link(LinkStatus.DOWN, error="Refused.", hint="Ping it.")
    )
    now = state(hosts={"alpha": state().hosts["alpha"], "beta": down})
    seen = Facts(source=source(), destination_trouble=Trouble("Refused."))
    found = judged(seen=seen, now=now)
    assert found["destination-link"].text == "The destination beta is not reachable (Refused)."
    assert found["destination-link"].cure == "Ping it."
    assert "destination-answer" not in found, "the link says it already"
    assert found["snapshots"].level is OK, "the source is judged all the same"
    assert judged(request(to="gamma"), Facts())["destination-link"].cure == "Known: alpha, beta."
    assert judged(request(to=""), Facts())["destination-link"].level is BLOCKER


def test_a_host_that_does_not_answer_blocks_and_can_be_overridden() -> None:
    seen = Facts(source=source(), destination_trouble=Trouble("beta did not answer in 5 s."))
    assert judged(seen=seen)["destination-answer"].level is BLOCKER
    overridden = judged(request(overrides=("destination-answer",)), seen)
    assert overridden["destination-answer"].level is WARNING


def test_what_is_not_known_is_never_ok() -> None:
    here = SourceFacts(
        "alpha", needs=source().needs, active=True, gaps=(FailedLook("job", "no such call"),)
    )
    found = judged(seen=facts(here, DestinationFacts("beta")))
    for unseen in ("already-there", "cpu", "machine", "memory", "disk-vda", "chain-vda", "pools",
                   "network-default", "guest-type", "same-host", "snapshots", "persistent", "job",
                   "version-libvirt", "version-qemu", "unsafe"):  # fmt: skip
        assert found[unseen].level is UNKNOWN, unseen
    assert found["job"].text == "Whether libvirt is busy with it is not known: no such call."


def test_the_source_and_the_destination_are_the_same() -> None:
    found = judged(request(to="alpha"), Facts())
    assert found["same-host"].fixed
    twins = facts(there=destination(host_uuid="uuid-a"))
    assert judged(seen=twins)["same-host"].fixed


def test_others_who_work_on_it() -> None:
    record = OperationRecord("o1", "reboot", "alpha", KEY, "db", "ann@x", 1.0)
    running = Migration("m1", "alpha", KEY.id, "db", to="gamma", status=MigrationStatus.RUNNING)
    over = Migration("m2", "alpha", KEY.id, "db", status=MigrationStatus.ABORTED)
    job = Job("alpha", KEY.id, "copy", 1.0, "vda")
    now = state(operations={"o1": record}, migrations={"m1": running, "m2": over}, jobs={KEY: job})
    found = judged(now=now)
    assert "reboot" in found["operation"].text
    assert "ann@x" in found["operation"].text
    assert found["migrating"].fixed
    assert found["job"].level is BLOCKER
    assert "copy of vda" in found["job"].text


def test_a_block_job_stands_in_the_way() -> None:
    """libvirt: "domain has active block job"."""
    copy = BlockJob("vda", "copy", BlockJobState.READY, 1.0, 1.0)
    over = BlockJob("vdb", "pull", BlockJobState.COMPLETED, 1.0, 1.0)
    busy = facts(source(job="copy"))
    found = judged(seen=busy, now=state(runs={KEY: InstanceRun((copy, over))}))["job"]
    assert found.level is BLOCKER
    assert found.text == "libvirt is busy with copy of vda ready on db."
    assert judged(now=state(runs={KEY: InstanceRun((over,))}))["job"].level is OK


def test_the_plan_refuses() -> None:
    found = judged(seen=facts(options=("A tunnel excludes TLS.", "Second.")))
    assert found["options"].fixed
    assert found["options-2"].text == "Second."


HOSTILE = "x\x1b[2J\u202e/../'\"; rm -rf \n"


def test_hostile_names_are_neither_shown_nor_typed_as_they_are() -> None:
    xml = xml_of(default=HOSTILE.replace("\x1b", "&#xfffd;").replace("'", ""))
    found = judged(seen=facts(source(xml), destination(hostname=HOSTILE)))
    for each in found.values():
        for text in (each.id, each.text, each.cure):
            assert "\x1b" not in text
            assert "\u202e" not in text
        assert " " not in each.id
        assert "/" not in each.id
    assert any(each.id.startswith("network-x") for each in found.values())


@given(st.text())
def test_an_id_can_be_typed_whatever_the_name(name: str) -> None:
    made = named("disk", name)
    assert made.isascii()
    assert made.isprintable()
    assert not set(made) & set(" '\"/\\$`;&|<>()")
    assert len(made) < 60


@pytest.mark.parametrize(
    ("local", "there", "vouched"),
    [
        (True, PathFacts(DISK, True, identity="1:2"), True),
        (False, PathFacts(DISK, True, identity="1:2"), False),  # a forwarded socket
        (True, PathFacts(DISK, True, identity="1:9"), False),
        (True, PathFacts(DISK, True), False),
    ],
)
def test_disks_are_vouched_for_only_where_they_were_seen_to_be_one_file(
    local: bool, there: PathFacts, vouched: bool
) -> None:
    seen = facts(
        source(local=True, paths=(PathFacts(DISK, True, identity="1:2"),)),
        destination(local=local, paths=(there,)),
    )
    asked = vouch(request(), seen, state(), 0.0)
    assert asked.unsafe is vouched
    assert asked.unsafe is False or judged(asked, seen)["unsafe"].level is OK


OLD = 7_002_022
"""A QEMU whose emulation forgets what is written."""


def test_auto_converge_of_an_emulated_guest_is_warned_of() -> None:
    emulated = source(xml_of().replace("type='kvm'", "type='qemu'"), qemu=OLD)
    asked = request(auto_converge=True)
    assert judged(asked, facts(emulated))["auto-converge"].level is WARNING
    assert "auto-converge" not in judged(asked)


def test_of_an_emulated_guest_that_runs_it_is_said_that_it_may_crash() -> None:
    emulated = facts(source(xml_of().replace("type='kvm'", "type='qemu'"), qemu=OLD))
    found = judged(seen=emulated)["emulation"]
    assert found.level is WARNING
    assert found.text.startswith("db is emulated (TCG), and QEMU before 9.0 loses")
    newer = facts(source(xml_of().replace("type='kvm'", "type='qemu'"), qemu=9_000_000))
    assert "emulation" not in judged(seen=newer)
    less = (
        xml_of()
        .replace("type='kvm'", "type='qemu'")
        .replace(
            "</memory>", f"</memory><currentMemory unit='KiB'>{4 * 1024 * 1024 - 8}</currentMemory>"
        )
    )
    assert "emulation" not in judged(seen=facts(source(less, qemu=OLD))), (
        "8 KiB less, as in the lab"
    )
    assert "emulation" not in judged()
    paused = Instance("alpha", UUID, "db", InstanceState.PAUSED)
    assert "emulation" not in judged(seen=emulated, now=state(instances={KEY: paused}))


def test_rewrites_that_the_running_guest_would_see(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(rewrites=Rewrites(graphics=(GraphicsListen("vnc", "10.0.0.2"),)))
    seen = facts(source(xml_of("<graphics type='vnc' listen='10.0.0.1'/>")))
    assert judged(asked, seen)["guest-abi"].level is Level.OK

    def lossy(xml: str, rewrites: Rewrites, **_: bool) -> str:
        return xml.replace("bus='virtio'", "bus='virtio' rotation_rate='1'")

    monkeypatch.setattr("core.migration.preflight.xml.rewrite", lossy)
    found = judged(asked, seen)["guest-abi"]
    assert found.level is Level.BLOCKER
    assert "rotation_rate" in found.text
    off = judged(replace(asked, offline=True), facts(source(seen.source.xml, active=False)))  # type: ignore[union-attr]
    assert "guest-abi" not in off, "nothing runs that could see it"


def test_libvirt_is_not_asked_about_devices_that_it_would_make_on_its_host() -> None:
    xml = xml_of("<hostdev/><vsock/><tpm/><video/>")
    asked = question_xml(request(), xml)
    for left_out in ("<interface", "<hostdev", "<vsock", "<tpm"):
        assert left_out in xml
        assert left_out not in asked
    for kept in ("<disk", "<channel", "<video", "<cpu"):
        assert kept in asked
    lost = Rewrites(graphics=(GraphicsListen("spice", "10.0.0.2"),))
    assert question_xml(request(rewrites=lost), xml) == "", "the plan says that there is no spice"

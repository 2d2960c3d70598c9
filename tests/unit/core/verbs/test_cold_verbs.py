"""Cold migrations: what speaks against each phase, and what they do and take away in words."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from console.screens.instances.columns import instance_columns
from console.screens.instances.panels import overview
from console.screens.view import View
from core.errors import XmlError
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
    ObjectKey,
    Pool,
    PoolState,
    Request,
    State,
    Volume,
)
from core.model.checkpoint import Checkpoint
from core.model.cold_move import ColdMove, MovedVolume
from core.verbs.caution import Caution
from core.verbs.checks import against_move, check
from core.verbs.cold.calls import DropCopyCall
from core.verbs.cold.firmware import nvram_copies
from core.verbs.cold.requests import ColdMigrate, ConfirmColdMigration, RevertColdMigration
from core.verbs.danger import danger
from core.verbs.power.requests import Start
from core.verbs.preview import planned, situation_of, virsh_line
from core.verbs.registry import VERBS
from core.verbs.resizing import Resize
from core.verbs.situation import Action, End, Progress, Send, Sent

UP = Link(LinkStatus.UP)
HERE, THERE = ObjectKey("instance", "alpha", "u"), ObjectKey("instance", "beta", "u")
SOURCE = ColdMove("m", "source", "beta", True)
DESTINATION = ColdMove("m", "destination", "alpha", True)
COPIED = replace(DESTINATION, volumes=(MovedVolume("/b/web.raw", "1"),))
ORIGINAL = replace(SOURCE, volumes=(MovedVolume("/a/web.raw"),))
WEB = Instance(
    *("alpha", "u", "web", InstanceState.SHUTOFF),
    autostart=True,
    disks=(Disk("vda", source=DiskSource("file", "/a/web.raw", "raw")),),
)


def world(
    here: Instance | None = WEB, there: Instance | None = None, *, to: LinkStatus = LinkStatus.UP
) -> State:
    links = {"alpha": UP, "beta": Link(to)}
    listed = frozenset({"instances", "pools", "volumes"})
    pools = (
        Pool("alpha", "pa", "default", "dir", PoolState.ACTIVE, "/a", available=1 << 40),
        Pool("beta", "pb", "default", "dir", PoolState.ACTIVE, "/b", available=1 << 20),
    )
    volume = Volume(
        *("alpha", "pa", "default", "web.raw", "/a/web.raw", "file", "raw"),
        capacity=1 << 30,
        allocation=1 << 10,
    )
    return State(
        hosts={name: Host(name, "", link, listed=listed) for name, link in links.items()},
        instances={one.key: one for one in (here, there) if one is not None},
        pools={one.key: one for one in pools},
        volumes={volume.key: volume},
    )


def at_beta(cold: ColdMove | None = DESTINATION, **more: object) -> Instance:
    return replace(WEB, host="beta", cold=cold, **more)


HELD = replace(WEB, cold=SOURCE)


def against(state: State, request: Request) -> str:
    return " ".join(map(str, check(state, request)))


def test_a_move_is_held_copied_and_defined_and_says_so() -> None:
    request = ColdMigrate(HERE, to="beta", copy=("vda",), grow=("vda=2G",))
    state = world()
    assert against(state, request) == ""
    calls = [send.call.word for send in planned(state, request)]
    assert calls == ["hold", "make-copy", "copy-disk", "grow-copy", "arrive"]
    said = danger(state, request)
    assert said.caution is Caution.CONFIRM
    assert "Copies vda there." in said.text
    assert "It has vda of 2.0 GiB there." in said.text


def test_a_volume_is_taken_back_only_where_libvirt_said_that_it_was_made_here() -> None:
    """libvirt's refusal, for the name is taken, may be the answer that was lost."""
    state, request = world(), ColdMigrate(HERE, to="beta", copy=("vda",))
    hold, make, copy = [send.call for send in planned(state, request)][:3]
    now, lost = 100.0, "The connection was lost."
    drop = DropCopyCall("alpha", "beta", make.move, "default/web.raw")

    def decide(*calls: Sent) -> Action:
        seen = situation_of(state, request)
        seen = dataclasses.replace(
            seen, now=now, progress=Progress(calls), looked=now,
            volumes=frozenset({("default", "web.raw")}),
        )  # fmt: skip
        return VERBS["cold-migrate"].decide(seen)

    held, unheard = Sent(hold, 1, 2), Sent(make, 3, 4, lost, certain=False)
    back = decide(held, unheard)
    assert isinstance(back, Send)
    assert back.call.word == "unhold"
    end = decide(held, unheard, Sent(back.call, 5, 6))
    assert isinstance(end, End)
    assert "default/web.raw on beta may be what it made, or what another made: left" in end.outcome
    written = decide(held, Sent(make, 3, 4), Sent(copy, 5, 6, lost, certain=False))
    assert isinstance(written, Send)
    assert written.call == drop


def test_copies_that_may_come_to_take_more_than_is_free_there_are_warned_of() -> None:
    move = ColdMigrate(HERE, to="beta", copy=("vda",))
    text = "The pool default has 1.0 MiB free, and vda may come to take 1.0 GiB: once the pool is"
    assert danger(world(), move).warnings.startswith(text)
    grown = danger(world(), replace(move, grow=("vda=2G",))).warnings
    assert "vda may come to take 2.0 GiB" in grown
    assert danger(world(), replace(move, copy=())).warnings == ""
    known = world()
    more = replace(WEB, disks=(*WEB.disks, Disk("vdb", source=DiskSource("file", "/a/b", "raw"))))
    b = Volume("alpha", "pa", "default", "b", "/a/b", "file", "raw", 1 << 30)
    roomy = Pool("beta", "pb", "default", "dir", PoolState.ACTIVE, "/b", available=3 << 29)
    state = dataclasses.replace(
        known,
        instances={more.key: more},
        volumes={**known.volumes, b.key: b},
        pools={**known.pools, roomy.key: roomy},
    )
    assert danger(state, move).warnings == ""  # each fits alone, and both do not
    both = danger(state, replace(move, copy=("vda", "vdb"))).warnings
    assert "has 1.5 GiB free, and vda and vdb may come to take 2.0 GiB" in both


def test_what_cannot_be_moved_is_refused() -> None:
    for changed, why in (
        ({"state": InstanceState.RUNNING}, "web is on: shut it down first."),
        ({"persistent": False}, "web is transient: it has no definition to move."),
        ({"managed_save": True}, "The memory of web is saved on alpha"),
        ({"rescue": True}, "web is in rescue: unrescue it first."),
        ({"cold": SOURCE}, "neither confirmed nor reverted"),
    ):
        state = world(replace(WEB, **changed))
        assert why in against(state, ColdMigrate(HERE, to="beta")), why
    down = against(world(to=LinkStatus.DOWN), ColdMigrate(HERE, to="beta"))
    assert "The destination beta is not reachable" in down


def test_what_cannot_be_copied_is_refused_disk_by_disk() -> None:
    request = ColdMigrate(HERE, to="beta", copy=("vda", "vdz"))
    assert "web has no disk vdz: it has vda." in against(world(), request)
    one = ColdMigrate(HERE, to="beta", copy=("vda",))
    assert "no active pool other" in against(world(), replace(one, pool="other"))
    state = world()
    (volume,) = state.volumes.values()
    large = replace(volume, allocation=1 << 30)
    assert "1.0 GiB do not fit into the pool default of beta, which has 1.0 MiB free" in against(
        _with(state, large), one
    )
    based = replace(volume, backing="/a/base.raw")
    assert "vda is based on /a/base.raw, which is in no pool of beta" in against(
        _with(state, based), one
    )
    twin = replace(volume, host="beta", pool="pb", path="/b/web.raw")
    assert "has a volume web.raw already" in against(_with(state, twin), one)
    shared = against(state, ColdMigrate(HERE, to="beta", grow=("vda=2G",)))
    assert "vda is shared: it would be larger at its source too" in shared


def _with(state: State, volume: Volume) -> State:
    return dataclasses.replace(state, volumes={**state.volumes, volume.key: volume})


def test_what_is_held_does_not_start_and_what_arrived_does() -> None:
    state = world(HELD, at_beta())
    assert "it was cold-migrated to beta, and that is neither" in against(state, Start(HERE))
    assert against(state, Start(THERE)) == ""


def test_nothing_else_ends_renames_or_doubles_a_half() -> None:
    breaking = {name for name, verb in VERBS.items() if not verb.during_move}
    assert breaking == {
        *("undefine", "rename", "clone", "migrate", "cold-migrate", "resize", "autostart"),
        "volume-extend",
        *("rescue", "unrescue", "snapshot-revert"),
    }
    state = world(HELD, at_beta())
    asked = {
        "rename": {"to": "db"},
        "clone": {"to": "db"},
        "migrate": {"to": "beta"},
        "cold-migrate": {"to": "beta"},
        "rescue": {"image": "default/rescue.iso"},
        "volume-extend": {"disk": "vda"},
    }
    for name in sorted(breaking - {"snapshot-revert"}):
        for key, other in ((HERE, "to beta"), (THERE, "from alpha")):
            request = VERBS[name].request(subject=key, **asked.get(name, {}))
            said = against(state, request)
            assert f"web was cold-migrated {other}, and that is neither" in said, name
            assert f"`virtdeck confirm-cold-migration {key.host}/web`" in said
            assert f"`virtdeck revert-cold-migration {key.host}/web`" in said
            assert "cold-migrated" not in against(world(WEB, at_beta(None)), request)
    snapshot = ObjectKey("snapshot", "alpha", "u/before")
    request = VERBS["snapshot-revert"].request(subject=snapshot)
    assert "virtdeck confirm-cold" in " ".join(
        map(str, against_move(state, VERBS["snapshot-revert"], request))
    )


def test_what_is_not_there_is_not_said_to_be_removed() -> None:
    state = world(replace(WEB, cold=ORIGINAL))
    assert against(state, RevertColdMigration(HERE)) == ""
    assert [send.call.word for send in planned(state, RevertColdMigration(HERE))] == ["unhold"]
    said = danger(state, RevertColdMigration(HERE)).text
    assert "beta has no definition of web of that move." in said
    assert "What was copied of /a/web.raw may still be there" in said
    assert "Removes" not in said
    decide = VERBS["revert-cold-migration"].decide
    assert decide is not None
    now = situation_of(state, RevertColdMigration(HERE))
    first = decide(now)
    assert isinstance(first, Send)
    assert first.call.word == "unhold"
    sent = Sent(first.call, at=0.0, ended=1.0)
    free = dataclasses.replace(now, subject=WEB, progress=Progress(sent=(sent,)))
    end = decide(free)
    assert isinstance(end, End)
    assert end.outcome == "web stays on alpha; beta had nothing of that move"


def test_either_side_confirms_and_reverts_and_both_must_be_seen() -> None:
    state = world(HELD, at_beta())
    for key in (HERE, THERE):
        for request, calls in (
            (ConfirmColdMigration(key), ["forget", "settle"]),
            (RevertColdMigration(key), ["leave", "unhold"]),
        ):
            assert against(state, request) == ""
            assert [send.call.word for send in planned(state, request)] == calls
            assert all(
                (send.call.source, send.call.destination) == ("alpha", "beta")  # type: ignore[attr-defined]
                for send in planned(state, request)
            )
    away = world(HELD, at_beta(), to=LinkStatus.DOWN)
    assert "beta, the other host of the move of web, is not reachable" in against(
        away, RevertColdMigration(HERE)
    )
    assert "no cold migration" in against(world(), RevertColdMigration(HERE))


def test_the_last_definition_is_never_removed_and_nothing_that_runs() -> None:
    assert "it would be defined nowhere: revert the move" in against(
        world(HELD), ConfirmColdMigration(HERE)
    )
    assert "it would be defined nowhere: confirm the move" in against(
        world(None, at_beta()), RevertColdMigration(THERE)
    )
    runs = world(HELD, at_beta(state=InstanceState.RUNNING))
    assert "It is on at beta: shut it down there first" in against(runs, RevertColdMigration(HERE))
    assert against(runs, ConfirmColdMigration(THERE)) == ""
    other = world(HELD, at_beta(replace(DESTINATION, id="another")))
    assert "defined nowhere" in against(other, ConfirmColdMigration(HERE)), "another move's mark"


def test_what_goes_is_named_and_originals_are_typed_for() -> None:
    state = world(replace(WEB, cold=ORIGINAL), at_beta(COPIED))
    confirm = danger(state, ConfirmColdMigration(THERE))
    assert (confirm.caution, confirm.word) == (Caution.TYPE, "web")
    assert "Deletes on alpha: /a/web.raw, 1.0K on disk." in confirm.text, confirm.text
    kept = danger(state, ConfirmColdMigration(THERE, originals="keep"))
    assert kept.caution is Caution.CONFIRM
    assert "Deletes" not in kept.text
    revert = danger(state, RevertColdMigration(HERE))
    assert revert.caution is Caution.CONFIRM
    assert "Deletes there: /b/web.raw." in revert.text
    assert danger(state, RevertColdMigration(HERE, discard=True)).caution is Caution.TYPE


def test_checkpoints_that_go_are_named() -> None:
    state = world(HELD, at_beta())
    state = dataclasses.replace(
        state, checkpoints={HERE: (Checkpoint("a"), Checkpoint("b")), THERE: (Checkpoint("c"),)}
    )
    told = danger(state, ConfirmColdMigration(THERE)).text
    assert "alpha forgets its checkpoints a and b: no backup can be made since then" in told
    told = danger(state, RevertColdMigration(HERE)).text
    assert "beta forgets its checkpoint c:" in told
    assert "forgets its" not in danger(world(HELD, at_beta()), RevertColdMigration(HERE)).text


def test_uefi_variables_are_copied_shared_or_refused() -> None:
    state = world()
    document = "<domain><os firmware='efi'><nvram>/a/web.raw</nvram></os></domain>"
    places = "alpha", "beta", ""
    (volume,) = state.volumes.values()
    (copy,) = nvram_copies(document, *places, state.volumes, state.pools, alone=True)
    assert (copy.original, copy.path) == ("/a/web.raw", "/b/web.raw")
    there = replace(volume, host="beta", pool="pb")
    both = {volume.key: volume, there.key: there}
    assert nvram_copies(document, *places, both, state.pools, alone=True) == ()
    for volumes, pools, alone, why in (
        (both, state.pools, False, "beta has a file at /a/web.raw"),
        ({}, state.pools, True, "in no pool of alpha as read"),
        (state.volumes, {}, True, "beta has no active pool default"),
    ):
        with pytest.raises(XmlError, match=why):
            nvram_copies(document, *places, volumes, pools, alone=alone)
    assert nvram_copies("<domain/>", *places, {}, {}, alone=True) == ()


def test_a_row_says_in_which_phase_it_is() -> None:
    view = View(lambda: 4.0, None, world(HELD, at_beta()))
    columns = {column.id: column for column in instance_columns(view)}
    shown = [str(columns["activity"].render(one)) for one in (HELD, at_beta(), WEB)]
    assert "moved to beta, held here" in shown[0]
    assert "moved from alpha, not confirmed" in shown[1]
    assert "moved" not in shown[2]
    pages = [" ".join(map(str, overview(view, one, None))) for one in (HELD, at_beta(), WEB)]
    assert "moved to beta, held here: confirm or revert that" in pages[0]
    assert "moved from alpha, not confirmed" in pages[1]
    assert "moved" not in pages[2]


def test_every_call_but_a_copy_has_the_virsh_line_that_does_the_same() -> None:
    moves = planned(world(), ColdMigrate(HERE, to="beta", copy=("vda",), grow=("vda=2G",)))
    lines = {send.call.word: virsh_line("x:///", "web", HERE, send.call) for send in moves}
    assert lines["hold"].startswith(
        "virsh -c x:/// metadata web urn:virtdeck:cold-migration:1 --config --key cold --set '<move"
    )
    assert "<volume path=" in lines["hold"]
    assert lines["make-copy"] == lines["copy-disk"] == ""  # it goes through this console
    assert lines["arrive"] == "virsh -c x:/// define FILE --validate"
    state = world(replace(WEB, cold=ORIGINAL), at_beta(COPIED))
    told = [
        [virsh_line("x:///", "web", HERE, send.call) for send in planned(state, request)]
        for request in (ConfirmColdMigration(HERE), RevertColdMigration(HERE))
    ]
    undefine = "virsh -c x:/// undefine web --keep-nvram --checkpoints-metadata"
    unmark = "virsh -c x:/// metadata web urn:virtdeck:cold-migration:1 --config --remove"
    assert told == [
        [undefine, "virsh -c x:/// vol-delete /a/web.raw", unmark],
        [undefine, "virsh -c x:/// vol-delete /b/web.raw", unmark],
    ]


def test_sizes_that_cannot_be_are_refused_before_anything_is_sent() -> None:
    one = ColdMigrate(HERE, to="beta", copy=("vda",), grow=("vda=2G", "vda=3G"))
    assert "vda is named 2 times: give each disk once" in against(world(), one)
    large = against(world(), replace(one, grow=("vda=99999T",)))
    assert "98 PiB are more than QEMU's images hold: give 2.0 PiB at most" in large
    platform = GuestPlatform("qemu", "x86_64", "q35", vcpus_maximum=288)
    guest = replace(WEB, type="qemu", architecture="x86_64", machine="pc-q35-7.2")
    state = world(guest)
    beta = replace(state.hosts["beta"], facts=HostFacts(platform=platform))
    state = dataclasses.replace(state, hosts={**state.hosts, "beta": beta})
    many = ColdMigrate(HERE, to="beta", vcpus=999)
    assert "A q35 of beta has 288 vCPUs at most: give it 288 or fewer" in against(state, many)
    assert "at most" not in against(state, replace(many, vcpus=288))
    assert "at most" not in against(state, Resize(HERE, vcpus=999)), "alpha did not say"
    older = dataclasses.replace(state, instances={HERE: replace(guest, machine="pc-i440fx-7.2")})
    assert "at most" not in against(older, many), "another kind of machine"


def test_a_resize_compares_what_an_instance_has_and_what_it_may_have() -> None:
    row = replace(WEB, vcpus=2, vcpus_maximum=4, memory=1 << 30, memory_maximum=1 << 30)
    said = danger(world(row), Resize(HERE, vcpus=4, memory=2048)).text
    assert "Resizes web: 2 of 4 to 4 vCPUs; 1.0 GiB to 2.0 GiB of memory." in said

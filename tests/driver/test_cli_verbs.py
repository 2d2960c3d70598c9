"""The commands made from the declarations of verbs: options, patterns, dry runs, groups."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from console.cli import interrupts
from console.cli.root import PIPE_CLOSED, root, run
from console.cli.verbs import command
from core.model import Request
from core.model.secret_value import Secret
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.registry import VERBS
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb
from tests.driver.command import Result, Virtdeck, finish
from tests.driver.worlds import instance_xml, uuid_of
from tests.patience import PATIENCE

TEST = ("-c", "test:///default")


def two_instances(directory: Path) -> str:
    """Return the address of a world of two instances, the second called as an option is."""
    path = directory / "world.xml"
    path.write_text(f"<node>{instance_xml(1)}{instance_xml(2, name='--yes')}</node>")
    return f"two=test://{path}"


def test_a_pattern_means_all_that_fit(virtdeck: Virtdeck) -> None:
    result = virtdeck(*TEST, "shutdown", "te*", "test", "--dry-run")
    assert result.status == 0
    assert result.out.splitlines() == [
        "test on default: Powers off the guest of test on default: what it serves ends. If it does "
        "not obey in 60 s, its power is cut, unless you wait on: then what its guest has not "
        "written to disk is lost.",
        "test on default: asking the guest of test to power off",
        "  virsh -c test:///default shutdown test",
    ]
    none = virtdeck(*TEST, "shutdown", "web-*")
    assert none.status == 1
    assert "There is no instance 'web-*', and none fits it as a pattern." in none.err


def test_a_dry_run_sends_nothing_and_says_why_it_would_be_refused(virtdeck: Virtdeck) -> None:
    refused = virtdeck(*TEST, "rename", "test", "--to", "neu", "--dry-run")
    assert (refused.status, refused.out) == (
        1, "test on default: rename would be refused: test is on: shut it down first.\n",
    )  # fmt: skip
    rows = virtdeck(*TEST, "stop", "test", "--dry-run", "--json").rows
    assert rows == [
        {
            "verb": "stop", "host": "default", "name": "test", "refusals": [],
            "danger": {
                "caution": "type",
                "text": "Cuts the power of test on default: what its guest has not written to disk "
                "is lost.",
                "warnings": [],
            },
            "calls": [{"call": "destroy", "virsh": "virsh -c test:///default destroy test"}],
        }
    ]  # fmt: skip
    assert not virtdeck(*TEST, "operations", "--json").rows


def test_a_hard_reboot_tells_its_power_cut_and_its_start(virtdeck: Virtdeck) -> None:
    out = virtdeck(*TEST, "hard-reboot", "test", "--dry-run").out
    assert out.splitlines() == [
        "test on default: Cuts the power of test on default, and starts it as it is defined now: "
        "what its guest has not written to disk is lost.",
        "test on default: cutting the power of test",
        "  virsh -c test:///default destroy test",
        "test on default: starting test as it is defined now",
        "  virsh -c test:///default start test",
    ]


def test_all_calls_of_a_sequence_are_told(virtdeck: Virtdeck) -> None:
    options = ("--count", "2", "--maximum", "4", "--when", "next-start")
    (row,) = virtdeck(*TEST, "set-vcpus", "test", *options, "--dry-run", "--json").rows
    assert [call["virsh"] for call in row["calls"]] == [
        "virsh -c test:///default setvcpus test 4 --config --maximum",
        "virsh -c test:///default setvcpus test 2 --config",
    ]


def test_pools_and_networks_have_groups_of_their_own(virtdeck: Virtdeck) -> None:
    done = virtdeck(*TEST, "pool", "refresh", "default-pool")
    assert done.status == 0
    assert "done: the pool default-pool is read anew" in done.out
    assert virtdeck(*TEST, "network", "autostart", "def*", "--yes").status == 0
    asked = virtdeck(*TEST, "pool", "stop", "default-pool")
    assert asked.status == 1
    assert "Not done without a yes. Stops the pool default-pool on default" in asked.err
    assert virtdeck(*TEST, "pool", "stop", "default-pool", "-y").status == 0
    assert "no pool 'nope'" in virtdeck(*TEST, "pool", "start", "nope").err


def test_nobody_is_asked_about_what_would_be_refused(virtdeck: Virtdeck) -> None:
    refused = virtdeck(*TEST, "pool", "undefine", "default-pool")
    assert refused.status == 1
    assert refused.err == "default-pool: The pool default-pool is active: stop it first.\n"
    made = ("--type", "fs", "--device", "/dev/sdz", "--path", "/mnt/x", "--build")
    refused = virtdeck(*TEST, "pool", "create", "default-pool", *made)
    assert refused.status == 1
    assert refused.err.startswith("default-pool: default has a pool default-pool already: choose")
    asked = virtdeck(*TEST, "pool", "create", "another", *made)
    assert "Not done without a yes. Makes a file system on /dev/sdz" in asked.err


def test_of_several_only_those_are_asked_about_that_would_not_be_refused(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    space = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    state = f"<domain type='test' {space}><test:runstate>5</test:runstate>"
    off = instance_xml(2).replace("<domain type='test'>", state)
    world = tmp_path / "world.xml"
    world.write_text(f"<node>{instance_xml(1)}{off}</node>")
    asked = virtdeck("-c", f"two=test://{world}", "stop", "vm*")
    assert asked.status == 1
    assert asked.err.startswith("vm2: vm2 is already shut off")
    question = asked.err.partition("Not done without a yes. ")[2]
    assert "vm1" in question
    assert "vm2" not in question


def test_an_entry_of_a_network_is_judged_by_what_it_has(virtdeck: Virtdeck) -> None:
    for _ in range(5):  # the command must not be faster than the reading of its network
        twice = virtdeck(*TEST, "network", "remove-dhcp-host", "default", "--address", "10.9.9.9")
        assert twice.status == 1
        assert "default has no DHCP address 10.9.9.9: it has none." in twice.err


def test_what_is_for_one_is_not_done_to_several(virtdeck: Virtdeck, tmp_path: Path) -> None:
    world = two_instances(tmp_path)
    result = virtdeck("-c", world, "core-dump", "*", "--to", "/tmp/x.core", "--yes")
    assert result.status == 2
    assert "core-dump is done to one instance at a time: these are 2." in result.err


def test_a_pattern_says_on_which_hosts_nobody_looked(virtdeck: Virtdeck) -> None:
    down = "down=qemu+unix:///session?socket=/nonexistent"
    result = virtdeck("-c", down, *TEST, "pause", "te*")
    assert result.status == 3
    assert "done: test is paused" in result.out
    assert "Cannot reach the host down" in result.err
    rehearsed = virtdeck("-c", down, *TEST, "pause", "te*", "--dry-run")
    assert (rehearsed.status, "Cannot reach the host down" in rehearsed.err) == (3, True)
    assert virtdeck("-c", down, *TEST, "pause", "test").status == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("description", "--text", "two\nlines"), "--new-desc $'two\\x0alines'"),
        (("description", "--text", "it's"), "--new-desc 'it'\"'\"'s'"),
    ],
)
def test_a_line_for_virsh_can_be_typed(
    virtdeck: Virtdeck, arguments: tuple[str, ...], line: str
) -> None:
    verb, *options = arguments
    assert line in virtdeck(*TEST, verb, "test", *options, "--dry-run").out


def test_an_odd_name_is_its_id_for_virsh(virtdeck: Virtdeck, tmp_path: Path) -> None:
    world = two_instances(tmp_path)
    out = virtdeck("-c", world, "pause", uuid_of(2), "--dry-run").out
    assert f" suspend {uuid_of(2)}\n" in out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("rename", "--to", "n\nl"), "give one without / and control characters"),
        (("rename", "--to", "a/b"), "give one without / and control characters"),
        (("rename", "--to", ""), "The new name is not given: give one without / and control"),
        (("title", "--text", "two\nlines"), "give one line without control characters"),
        (("description", "--text", "\x1b[31m"), "give text without control characters"),
        (("core-dump", "--to", "here"), "give a whole path, which begins with /"),
        (("core-dump", "--to", "/" + "a" * 4095), "of 4,096 bytes makes no sense: give at most 4"),
        (("screenshot", "--to", "a\nb"), "give the path of a file"),
        (("title", "--text", "a\ufffe"), "give text that XML can hold"),
        (("title", "--text", os.fsdecode(b"\xff")), "give text that XML can hold"),
        (("title", "--text", "\u00e9" * 513), "of 1,026 bytes makes no sense: give at most 1,024"),
        (("rename", "--to", "a" * 251), "of 251 bytes makes no sense: give at most 250"),
    ],
)
def test_what_libvirt_would_refuse_or_change_is_refused_before(
    virtdeck: Virtdeck, arguments: tuple[str, ...], reason: str
) -> None:
    verb, *options = arguments
    result = virtdeck(*TEST, verb, "test", *options)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"virtdeck: {options[0]}: ")
    assert reason in result.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("set-vcpus", "--count", "5"), "test may have 2 vCPUs, not 5"),
        (("set-memory", "--size", "4096", "--maximum", "1024"), "its maximum is changed while it"),
    ],
)
def test_a_dry_run_is_judged_by_the_xml(
    virtdeck: Virtdeck, arguments: tuple[str, ...], reason: str
) -> None:
    verb, *options = arguments
    result = virtdeck(*TEST, verb, "test", *options, "--dry-run")
    assert reason in result.out
    assert result.status == 1


def test_a_dry_run_is_judged_by_the_definition_where_the_operation_is(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    world = tmp_path / "memory.xml"
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    backed = instance_xml(2).replace("<vcpu>", f"{shared}<vcpu>")
    world.write_text(f"<node>{instance_xml(1)}{backed}</node>")
    share = ("--directory", "/srv/data", "--tag", "data", "--when", "next-start")

    def asked(name: str, *more: str) -> Result:
        return virtdeck("-c", f"test://{world}", "device", "share", name, *share, *more)

    words = "vm1 is defined without shared memory, which virtiofs needs: add <memoryBacking>"
    rehearsed = asked("vm1", "--dry-run")
    assert (rehearsed.status, words in rehearsed.out) == (1, True), rehearsed
    assert words in asked("vm1").out
    told = asked("vm1", "--dry-run", "--json").rows[0]
    assert (told["refusals"][0]["code"], told["calls"]) == ("state", [])
    fit = asked("vm2", "--dry-run")
    assert (fit.status, "attach-device" in fit.out) == (0, True), fit


def _disk(target: str, path: str, device: str = "disk") -> str:
    where = f"<source file='{path}'/><target dev='{target}'/>"
    return f"<disk type='file' device='{device}'>{where}</disk>"


def world_of_disks(directory: Path) -> str:
    """Return the address of a world of two instances that are off, one of their disks shared."""
    disks = {
        "web-1": [_disk("vda", "/p/own"), _disk("vdb", "/p/both"), _disk("hda", "/p/iso", "cdrom")],
        "web-2": [_disk("vda", "/p/both")],
    }
    space = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    instances = "".join(
        f"<domain type='test' {space}><name>{name}</name><uuid>{uuid_of(number)}</uuid>"
        f"<memory>1024</memory><os><type>hvm</type></os><devices>{''.join(has)}</devices>"
        "<test:runstate>5</test:runstate></domain>"
        for number, (name, has) in enumerate(disks.items(), 1)
    )
    volumes = "".join(
        f"<volume><name>{name}</name><capacity>4096</capacity></volume>"
        for name in ("own", "both", "iso")
    )
    path = directory / "world.xml"
    path.write_text(
        f"<node {space}>{instances}<pool type='dir'><name>p</name><target><path>/p</path></target>"
        f"{volumes}</pool></node>"
    )
    return f"disks=test://{path}"


def test_disks_to_delete_are_judged_by_the_volumes_and_who_uses_them(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    world = world_of_disks(tmp_path)
    told = virtdeck("-c", world, "undefine", "web-1", "--disks", "vda", "--dry-run")
    assert told.out.splitlines()[-1].endswith("vol-delete /p/own"), told
    assert told.status == 0
    shared = virtdeck("-c", world, "undefine", "web-1", "--disks", "vda", "--disks", "vdb", "--yes")
    assert "vdb of web-1 (/p/both) is used by web-2: leave it out." in shared.err
    assert shared.status == 1
    several = virtdeck("-c", world, "undefine", "web-1", "--disks", "vda,vdz", "--dry-run")
    assert "web-1 has no disk vdz" in several.out, several
    none = virtdeck("-c", world, "undefine", "web-1", "--disks", "", "--dry-run")
    assert (none.status, none.err.splitlines()[0]) == (
        2, "virtdeck: --disks is given without a value.",
    )  # fmt: skip
    done = virtdeck("-c", world, "undefine", "web-1", "--disks", "vda", "--yes")
    assert "done: web-1 is no longer defined, 1 of its disks deleted" in done.out, done
    assert done.status == 0


def test_an_operation_is_carried_out_where_standard_output_is_closed(virtdeck: Virtdeck) -> None:
    result = finish(
        virtdeck.begin(*TEST, "shutdown", "test", "--yes", preexec_fn=partial(os.close, 1))
    )
    assert (result.status, result.out, result.err) == (0, "", "")


def test_an_operation_is_carried_out_though_nobody_reads_what_it_prints(
    virtdeck: Virtdeck,
) -> None:
    with virtdeck.begin(*TEST, "stop", "test", "--yes") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60 * PATIENCE) == PIPE_CLOSED
    assert [row["status"] for row in virtdeck(*TEST, "operations", "--json").rows] == ["done"]


def test_each_version_of_an_operation_is_told_once(virtdeck: Virtdeck) -> None:
    rows = virtdeck(*TEST, "pause", "test", "--json").rows
    assert [row["status"] for row in rows].count("queued") == 1
    assert [rows[i] for i in range(1, len(rows)) if rows[i] == rows[i - 1]] == []


def test_a_key_there_is_not_is_a_usage_error(virtdeck: Virtdeck) -> None:
    result = virtdeck(*TEST, "send-key", "test", "--keys", "ctrl+wombat")
    assert result.status == 2
    assert "--keys: There is no key called 'wombat': there are letters" in result.err


def test_a_value_out_of_its_range_is_a_usage_error(virtdeck: Virtdeck) -> None:
    result = virtdeck(*TEST, "shutdown", "test", "--timeout", "0")
    assert result.status == 2
    assert "0.0 is not in the range 1<=x<=86400" in result.err


class Paint(Request, frozen=True):
    """Paint an instance."""

    verb: ClassVar[str] = "paint"
    colour: Annotated[str, parameter("Which.")]
    coats: Annotated[int, parameter("How many.", least=1, most=3)] = 1
    over: Annotated[tuple[str, ...], parameter("On what.")] = ()
    glossy: Annotated[bool, parameter("So that it shines.")] = False
    key_word: Annotated[Secret, parameter("Opens the tin.")] | None = None


class PaintCall(Call, frozen=True):
    """Paint it."""

    colour: str

    def virsh(self, name: str) -> tuple[str, ...]:
        return ("paint", name, self.colour)


def _paint(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Paint)
    return [Step(PaintCall(request.colour), f"painting {situation.name}")]


def _painted(_: Request, subjects: Subjects) -> str:
    return f"Paints over {subjects.whom}."


@pytest.fixture
def paint() -> Iterator[Verb]:
    """A verb that is declared while the program runs."""
    verb = Verb(
        Paint,
        title="Paint",
        help="Paint it.",
        doing="painting",
        group="guest",
        decide=sequence(_paint, lambda _: "painted"),
        steps=_paint,
        calls=(PaintCall,),
        risk=Risk(Caution.CONFIRM, _painted),
    )
    VERBS[verb.name] = verb
    yield verb
    del VERBS[verb.name]


def test_a_verb_declared_now_is_a_command_with_help_and_dry_run(
    paint: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(interrupts, "can_ask", lambda: False)
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "journal.db"))

    def said(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments)
        return (status, *capsys.readouterr())

    assert command(paint.name) is not None
    assert "Paint it." in said("--help")[1]
    help_ = said("paint", "--help")[1]
    for words in ("--colour TEXT", "--coats N", "1<=x<=3", "--glossy", "--key-word-file FILE"):
        assert words in help_
    assert "Missing option '--colour'" in said(*TEST, "paint", "test")[2]
    status, out, _ = said(*TEST, "paint", "test", "--colour", "red", "--dry-run", "--json")
    assert status == 0
    assert json.loads(out)["calls"] == [
        {"call": "paint", "colour": "red", "virsh": "virsh -c test:///default paint test red"}
    ]
    status, _, err = said(*TEST, "paint", "test", "--colour", "red")
    assert status == 1
    assert "Not done without a yes. Paints over test on default." in err


def test_a_command_completes_its_options(paint: Verb) -> None:
    from click.shell_completion import ShellComplete

    def completed(arguments: list[str], incomplete: str) -> list[str]:
        found: Any = ShellComplete(root, {}, "virtdeck", "_VIRTDECK_COMPLETE")
        return [item.value for item in found.get_completions(arguments, incomplete)]

    assert completed([], "pai") == [paint.name]
    assert set(completed(["paint"], "--co")) == {"--colour", "--coats", "--connect", "--config"}
    assert completed(["set-vcpus", "--when"], "n") == ["now", "next-start"]
    assert json.dumps(completed(["pool"], "ref")) == '["refresh"]'


def test_an_interface_goes_to_a_network_that_its_host_has(virtdeck: Virtdeck) -> None:
    attach = (*TEST, "interface", "attach", "test", "--dry-run", "--network")
    known = virtdeck(*attach, "default")
    assert known.status == 0, known.out
    assert '<source network="default"/>' in known.out
    unknown = virtdeck(*attach, "nosuch")
    assert unknown.status == 1
    assert "default has no network nosuch: take default, bridge:NAME" in unknown.out

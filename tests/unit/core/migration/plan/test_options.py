"""The options of a migration: which contradict each other, and what the command line makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from console.cli import migrate_options
from console.cli.drain import request_for
from console.cli.migrate import requests_for
from console.cli.migration import wishes
from console.cli.parameters import several
from core.errors import AmbiguousError, NotFoundError, RefusedError, UsageError, VirtdeckError
from core.migration.drain.plan import in_order
from core.migration.plan.options import contradictions, standing
from core.model import (
    Finding,
    Host,
    Instance,
    InstanceState,
    Level,
    Link,
    LinkStatus,
    ObjectKey,
    Preflight,
    State,
    Steer,
    SteerKind,
)
from core.model.rewrites import GraphicsListen, Rewrites
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import parameter_of

WEB = ObjectKey("instance", "alpha", "web-uuid")

AGAINST: dict[str, tuple[dict[str, Any], str]] = {
    "post-copy and auto-converge": (
        {"post_copy": "allow", "auto_converge": True}, "excludes auto-converge"),
    "a post-copy bandwidth alone": ({"post_copy_bandwidth": 10}, "needs post-copy"),
    "an increment without auto-converge": (
        {"auto_converge": False, "auto_converge_increment": 10}, "need auto-converge"),
    "a tunnel and TLS": ({"tunnelled": True, "tls": True}, "excludes TLS"),
    "a tunnel and connections": ({"tunnelled": True, "parallel": 2}, "parallel connections"),
    "a tunnel and post-copy": ({"tunnelled": True, "post_copy": "allow"}, "post-copy"),
    "a tunnel and an address": ({"tunnelled": True, "migrate_uri": "tcp://a"}, "address"),
    "a tunnel and chosen disks": (
        {"tunnelled": True, "disks": ("vda",), "storage": "copy-all"}, "choice of disks"),
    "zero-copy alone": ({"zero_copy": True}, "parallel connections only"),
    "zero-copy and TLS": ({"zero_copy": True, "parallel": 2, "tls": True}, "excludes"),
    "a certificate's name without TLS": ({"tls_destination": "a"}, "needs TLS"),
    "xbzrle over several connections": ({"compression": ("xbzrle",), "parallel": 2}, "exclude"),
    "zstd over one connection": ({"compression": ("zstd",)}, "parallel connections only"),
    "disks that nobody copies": ({"disks": ("vda",)}, "shared storage"),
    "an address for disks that nobody copies": ({"disks_uri": "tcp://a"}, "shared storage"),
    "synchronous writes of nothing": ({"synchronous_writes": True}, "shared storage"),
    "a search for zeros of nothing": ({"detect_zeroes": True}, "shared storage"),
    "off and a switchover": (
        {"offline": True, "switchover_bandwidth": 1}, "no use for a switchover bandwidth"),
    "a socket and an address": (
        {"storage": "copy-all", "disks_uri": "unix:///a", "migrate_uri": "tcp://a"}, "both"),
    "off and not kept": ({"offline": True, "persist": False}, "must be kept"),
    "off and post-copy": ({"offline": True, "post_copy": "allow"}, "no use for post-copy"),
    "off and a downtime": ({"offline": True, "max_downtime": 1}, "no use for a max downtime"),
    "off and copied storage": ({"offline": True, "storage": "copy-all"}, "no use for copied"),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAINST)
def test_what_contradicts_itself_is_told(case: str) -> None:
    options, words = AGAINST[case]
    (sentence,) = contradictions(Migrate(subject=WEB, **options))
    assert words in sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"post_copy": "allow", "post_copy_bandwidth": 10},
        {"post_copy": "allow", "auto_converge": False},
        {"auto_converge": True, "auto_converge_initial": 20, "auto_converge_increment": 10},
        {"auto_converge_initial": 20},
        {"parallel": 4, "zero_copy": True},
        {"parallel": 4, "compression": ("zstd",)},
        {"compression": ("xbzrle",)},
        {"tls": True, "tls_destination": "beta"},
        {"storage": "copy-all", "disks": ("vda",), "synchronous_writes": True},
        {"storage": "copy-all", "disks_uri": "unix:///a", "migrate_uri": "unix:///b"},
        {"offline": True, "undefine": False},
    ],
)
def test_what_makes_sense_together_is_taken(options: dict[str, Any]) -> None:
    assert contradictions(Migrate(subject=WEB, **options)) == ()


def test_every_contradiction_is_told_at_once() -> None:
    request = Migrate(subject=WEB, post_copy="allow", auto_converge=True, zero_copy=True)
    assert len(contradictions(request)) == 2


def test_a_blocker_stands_until_it_is_overridden_by_its_name() -> None:
    found = tuple(Finding(f"f-{level}", level, "Text.") for level in Level)
    preflight = Preflight(at=1.0, findings=(*found, Finding("cpu", Level.BLOCKER, "Text.")))
    assert [item.id for item in standing(preflight, ())] == ["f-blocker", "cpu"]
    assert [item.id for item in standing(preflight, ("f-blocker", "cp"))] == ["cpu"]
    assert standing(preflight, ("cpu", "f-blocker")) == ()


def test_what_no_override_helps_against_stands_whatever_is_overridden() -> None:
    there = Finding("there", Level.BLOCKER, "It is there already.", fixed=True)
    assert standing(Preflight(at=1.0, findings=(there,)), ("there",)) == (there,)


# -- the command line ------------------------------------------------------------------------


def parsed(*arguments: str) -> Migrate:
    """The request that arguments make."""
    made: list[Migrate] = []

    @click.command()
    @migrate_options.options
    def command(**values: Any) -> None:
        made.append(migrate_options.request(values))

    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return made[0]


def test_without_options_it_is_the_default_request() -> None:
    assert parsed() == Migrate(subject=migrate_options.NOWHERE)


def test_every_option_reaches_the_request() -> None:
    words = (
        "--policy nova --max-downtime 300 --bandwidth 100 --post-copy-bandwidth 50 "
        "--post-copy allow --no-auto-converge --parallel 4 --compression zstd,zlib --tls "
        "--tls-destination b --copy-storage incremental --disk vda,vdb --disk vda "
        "--synchronous-writes --detect-zeroes --switchover-bandwidth 900 "
        "--host-devices migrate --no-persist --no-undefine --unsafe --destination-uri qemu:///x "
        "--migrate-uri tcp://b:49152 --listen-address 0.0.0.0 --disks-uri tcp://b:49153 "
        "--disks-port 49153 --completion-timeout 10 --progress-timeout 5 "
        "--timeout-action force-complete --override cpu --override disk-vda"
    )
    assert parsed(*words.split()) == Migrate(
        subject=migrate_options.NOWHERE, policy="nova", max_downtime=300, bandwidth=100,
        post_copy_bandwidth=50, post_copy="allow", auto_converge=False, parallel=4,
        compression=("zstd", "zlib"), tls=True, tls_destination="b", storage="copy-incremental",
        disks=("vda", "vdb"), synchronous_writes=True, detect_zeroes=True,
        switchover_bandwidth=900, host_devices="migrate", persist=False, undefine=False,
        unsafe=True,
        destination_uri="qemu:///x", migrate_uri="tcp://b:49152", listen_address="0.0.0.0",
        disks_uri="tcp://b:49153", disks_port=49153, completion_timeout=10.0,
        progress_timeout=5.0, timeout_action="force-complete", overrides=("cpu", "disk-vda"),
    )  # fmt: skip


def test_an_option_of_the_request_without_an_option_of_the_command_is_a_gap() -> None:
    @click.command()
    @migrate_options.options
    def command() -> None: ...

    options = {parameter.name for parameter in command.params}
    elsewhere = {"subject", "to", "destination_name"}
    assert options | elsewhere == set(Migrate.__struct_fields__)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--policy", "best"),
        ("--max-downtime", "0"),
        ("--max-downtime", "soon"),
        ("--max-downtime", "2000001"),
        ("--bandwidth", "-1"),
        ("--post-copy", "maybe"),
        ("--parallel", "0"),
        ("--parallel", "256"),
        ("--compression", "gzip"),
        ("--compression", ""),
        ("--disk", ","),
        ("--auto-converge-initial", "100"),
        ("--copy-storage", "some"),
        ("--disks-port", "65536"),
        ("--completion-timeout", "-1"),
    ],
)
def test_bad_values_are_refused_while_they_are_read(arguments: tuple[str, ...]) -> None:
    with pytest.raises((click.UsageError, UsageError)):
        parsed(*arguments)


def test_contradictions_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Post-copy excludes auto-converge") as caught:
        parsed("--post-copy", "at-once", "--auto-converge")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [("= nonsense", "not valid TOML"), (b"\xff\xfe", "not UTF-8"), (None, "No such file")],
)
def test_a_rewrite_file_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, text: str | bytes | None, words: str
) -> None:
    file = tmp_path / "there.toml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=words) as caught:
        parsed("--rewrite", str(file))
    assert "there.toml" in caught.value.message
    assert caught.value.hint


def test_a_rewrite_file_says_what_differs_there(tmp_path: Path) -> None:
    file = tmp_path / "there.toml"
    file.write_text('[[graphics]]\ntype = "vnc"\naddress = "10.0.0.2"\n')
    made = parsed("--rewrite", str(file)).rewrites
    assert made == Rewrites(graphics=(GraphicsListen(type="vnc", address="10.0.0.2"),))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('grafics = "a"', "Did you mean 'graphics'?"),
        ('[[graphics]]\ntyp = "vnc"', "Did you mean 'type'?"),
        ('[[graphics]]\ntype = "vnc"', "lacks the key 'graphics[0].address'"),
        ("[numa]\nemulator = 3", "key 'numa.emulator'"),
        ("[memory_backing]\nsorce = 1", "Did you mean 'source'?"),
        ("cpuset = 3", "cpuset"),
    ],
)
def test_a_rewrite_file_with_a_wrong_key_says_which(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "there.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        parsed("--rewrite", str(file))
    assert words in str(caught.value)


def test_set_makes_a_command_of_each_option() -> None:
    values = {"max_downtime": 500, "bandwidth": 0, "post_copy_bandwidth": None, "policy": "manual"}
    assert wishes(values) == [
        Steer(SteerKind.MAX_DOWNTIME, value=500.0),
        Steer(SteerKind.BANDWIDTH, value=0.0),
        Steer(SteerKind.POLICY, text="manual"),
    ]
    assert wishes(dict.fromkeys(values)) == []


# -- which instances, where to ---------------------------------------------------------------


def instance(name: str, host: str = "alpha", **more: Any) -> Instance:
    made = Instance(host=host, uuid=f"{name}-uuid", name=name, state=InstanceState.RUNNING)
    return msgspec.structs.replace(made, **more)


def state_of(*instances: Instance, hosts: tuple[str, ...] = ("alpha", "beta", "gamma")) -> State:
    return State(
        hosts={
            name: Host(name=name, uri="qemu:///system", link=Link(status=LinkStatus.UP))
            for name in hosts
        },
        instances={item.key: item for item in instances},
    )


STATE = state_of(instance("web"), instance("db", memory=2**30), instance("mail", "beta"),
                 instance("cache", memory=2**31), instance("off", state=InstanceState.SHUTOFF),
                 instance("db", "beta", state=InstanceState.SHUTOFF))  # fmt: skip
PLAIN = Migrate(subject=migrate_options.NOWHERE, policy="nova")


def test_each_instance_gets_its_request_once() -> None:
    made = requests_for(STATE, ["web", "alpha/web", "alpha:db"], "beta", PLAIN)
    assert [(item.subject.id, item.to, item.policy) for item in made] == [
        ("web-uuid", "beta", "nova"),
        ("db-uuid", "beta", "nova"),
    ]


NAMED: dict[str, tuple[Callable[[], object], type[VirtdeckError], str]] = {
    "an unknown instance": (
        lambda: requests_for(STATE, ["wbe"], "beta", PLAIN), NotFoundError, "mean 'web'"),
    "a name on two hosts": (
        lambda: requests_for(STATE, ["db"], "gamma", PLAIN), AmbiguousError, "alpha/db, beta/db"),
    "an unknown host": (
        lambda: requests_for(STATE, ["web"], "bta", PLAIN), NotFoundError, "mean 'beta'"),
    "a host nothing is like": (
        lambda: requests_for(STATE, ["web"], "x", PLAIN), NotFoundError, "alpha, beta, gamma"),
    "its own host": (
        lambda: requests_for(STATE, ["web"], "alpha", PLAIN), RefusedError, "is on alpha already"),
    "their own host": (
        lambda: requests_for(STATE, ["web", "cache"], "alpha", PLAIN), RefusedError, "are on"),
    "a host drained onto itself": (
        lambda: drained("alpha", "beta", "alpha"), RefusedError, "onto itself"),
    "a drain of an unknown host": (lambda: drained("delta"), NotFoundError, "no host 'delta'"),
    "a drain to nowhere": (
        lambda: drained("alpha", state=state_of(hosts=("alpha",))), RefusedError, "no other host"),
}  # fmt: skip


def drained(name: str, *to: str, state: State = STATE, order: Any = "smallest") -> Any:
    return request_for(state, name, to, PLAIN, at_a_time=2, bandwidth=100, order=order)


@pytest.mark.parametrize("case", NAMED)
def test_what_cannot_be_meant_is_a_sentence(case: str) -> None:
    call, kind, words = NAMED[case]
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)


def test_a_drain_asks_for_the_host_with_the_options_of_each() -> None:
    request = drained("alpha", "gamma", "beta", "gamma")
    assert request.subject == ObjectKey("host", "alpha", "alpha")
    assert (request.to, request.bandwidth) == (("gamma", "beta"), 100)
    assert request.options == PLAIN


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("smallest", ["web", "db", "cache"]),
        ("largest", ["cache", "db", "web"]),
        ("name", ["cache", "db", "web"]),
    ],
)
def test_a_drain_names_what_runs_in_its_order(order: str, names: list[str]) -> None:
    assert [row.name for row in in_order(STATE, drained("alpha", order=order))] == names


@pytest.mark.parametrize(
    ("begun", "offered"), [("x", ["xbzrle"]), ("mt,z", ["mt,zlib", "mt,zstd"]), ("q", [])]
)
def test_each_value_of_several_is_completed(begun: str, offered: list[str]) -> None:
    command = click.Command("migrate", params=[])
    several("--compression", parameter_of(Migrate, "compression"))(command)
    (option,) = command.params
    found = option.shell_complete(click.Context(command), begun)
    assert [item.value for item in found] == offered

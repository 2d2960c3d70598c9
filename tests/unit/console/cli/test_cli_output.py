"""Tables, JSON and names of the command line: pure."""

from __future__ import annotations

import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cell_width import cells
from console.cli import lookup
from console.cli.doctor import lines_of, terminal_checks
from console.cli.opening import prepare
from console.cli.output import TextColumn, json_line, plain, table
from console.cli.show import text_of
from console.cli.targets import default_uri
from core.doctor import DoctorCheck, Grade, host_checks
from core.errors import AmbiguousError, NotFoundError, UnreachableError
from core.model import (
    Disk,
    DiskSource,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Limitation,
    Link,
    LinkStatus,
    Pool,
    State,
    Volume,
)
from core.model.text import natural_key

CONTROLS = {"Cc", "Cf", "Zl", "Zp"}
PAIR: tuple[TextColumn[tuple[str, str]], ...] = (
    TextColumn("NAME", lambda row: row[0]),
    TextColumn("SIZE", lambda row: row[1], right=True),
)


def test_columns_are_aligned_whatever_the_width_of_the_characters() -> None:
    text = "\n".join(table([("web", "1"), ("数据库", "10"), ("", "100")], PAIR))
    assert text.splitlines() == [
        "NAME    SIZE",
        "web        1",
        "数据库    10",
        "-        100",
    ]


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8))))
def test_no_row_can_move_the_cursor_or_break_a_line(rows: list[tuple[str, str]]) -> None:
    text = "\n".join(table(rows, PAIR))
    lines = text.split("\n")
    assert len(lines) == len(rows) + 1
    assert not {unicodedata.category(sign) for line in lines for sign in line} & CONTROLS


def test_a_table_without_rows_is_its_titles() -> None:
    assert list(table([], PAIR)) == ["NAME  SIZE"]


def test_cells_count_what_a_terminal_shows() -> None:
    assert [cells(text) for text in ("web", "数", "é", "e\u0301", "")] == [3, 2, 1, 1, 0]


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["web-10", "Web-9", "web", "10", "9", "web-9b"]
    assert sorted(names, key=natural_key) == ["9", "10", "web", "Web-9", "web-9b", "web-10"]


@given(st.lists(st.text()))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted(names, key=natural_key)) == len(names)


def test_json_has_every_field() -> None:
    instance = Instance("alpha", "u", "web", disks=(Disk("vda", source=DiskSource("file")),))
    value = msgspec.json.decode(json_line(instance))
    assert list(value) == list(Instance.__struct_fields__)
    assert value["state"] == "unknown"
    assert value["id"] is None
    assert value["disks"][0]["source"]["path"] == ""
    assert plain({"a": (1, None)}) == {"a": [1, None]}


# -- names -----------------------------------------------------------------------------------


def state_with(*instances: Instance, down: str = "") -> State:
    hosts = {}
    for name in {item.host for item in instances} | ({down} if down else set()):
        link = Link(LinkStatus.DOWN if name == down else LinkStatus.UP, error="it is off")
        hosts[name] = Host(name, "qemu:///system", link)
    pool = Pool("alpha", "p-uuid", "web")
    volume = Volume("alpha", "p-uuid", "web", "one.img", path="/pool/one.img")
    return State(
        hosts=hosts,
        instances={item.key: item for item in instances},
        pools={pool.key: pool},
        volumes={volume.key: volume},
    )


WEB = Instance("alpha", "u-1", "web")
OTHER_WEB = Instance("beta", "u-2", "web")
DB = Instance("beta", "u-3", "db")


@pytest.mark.parametrize("word", ["db", "u-3", "beta/db", "beta:db", "beta/u-3", "beta:u-3"])
def test_an_instance_has_many_names(word: str) -> None:
    assert lookup.instance(state_with(WEB, OTHER_WEB, DB), word) is DB


def test_a_name_that_fits_two_is_refused_with_both() -> None:
    with pytest.raises(AmbiguousError, match="alpha/web, beta/web") as caught:
        lookup.instance(state_with(WEB, OTHER_WEB, DB), "web")
    assert "UUID" in caught.value.hint
    assert lookup.instance(state_with(WEB, OTHER_WEB), "beta/web") is OTHER_WEB


def test_a_name_that_fits_none_gets_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no instance 'wbe'") as caught:
        lookup.instance(state_with(WEB), "wbe")
    assert caught.value.hint == "Did you mean 'web'?"
    for find in (lookup.instance, lookup.anything):
        with pytest.raises(NotFoundError) as caught:
            find(state_with(WEB), "zzzzzz")
        assert "virtdeck instances" in caught.value.hint


def test_what_may_be_on_a_host_that_is_down_is_not_said_to_be_missing() -> None:
    with pytest.raises(UnreachableError, match="gamma cannot be reached"):
        lookup.instance(state_with(WEB, down="gamma"), "mail")
    assert lookup.instance(state_with(WEB, down="gamma"), "web") is WEB


def test_anything_can_be_named_and_a_kind_tells_likes_apart() -> None:
    state = state_with(WEB)
    with pytest.raises(AmbiguousError, match="instance:alpha/web, pool:alpha/web"):
        lookup.anything(state, "web")
    assert lookup.anything(state, "pool:web")[1].uuid == "p-uuid"
    assert lookup.anything(state, "instance:web") == ("instance", WEB)
    assert lookup.anything(state, "web/one.img")[0] == "volume"
    assert lookup.anything(state, "/pool/one.img")[0] == "volume"
    assert lookup.anything(state, "alpha")[0] == "host"
    with pytest.raises(NotFoundError):
        lookup.anything(state, "network:web")


def test_show_leaves_out_what_is_unknown() -> None:
    instance = Instance(
        "alpha", "u", "w\x1bb", InstanceState.PAUSED, memory=2**30, disks=(Disk("vda"),)
    )
    lines = list(text_of(instance, 1))
    assert "  state: paused" in lines
    assert "  memory: 1.0G" in lines
    assert "    target=vda device=disk" in lines
    assert not any("title" in line or "\x1b" in line for line in lines)


# -- where hosts come from, and the terminal -------------------------------------------------


def test_libvirts_own_default_is_found_as_libvirt_finds_it(tmp_path: Any) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert default_uri({"LIBVIRT_DEFAULT_URI": "test:///default", **home}) == "test:///default"
    assert default_uri(home, root=False) == "qemu:///session"
    (tmp_path / "libvirt").mkdir()
    config = tmp_path / "libvirt" / "libvirt.conf"
    config.write_text('#uri_default = "qemu:///a"\n  uri_default = "qemu+ssh://h/system"  # x\n')
    assert default_uri(home, root=False) == "qemu+ssh://h/system"


def test_over_ssh_textual_is_told_to_spare_the_line() -> None:
    local: dict[str, str] = {}
    prepare(local)
    assert local == {"TEXTUAL_ANIMATIONS": "none"}
    remote = {"SSH_CONNECTION": "a b c d", "TEXTUAL_FPS": "30"}
    prepare(remote)
    assert remote["TEXTUAL_FPS"] == "30"  # the operator's own choice stays
    assert remote["TEXTUAL_SMOOTH_SCROLL"] == "0"


def verdicts(environment: dict[str, str], encoding: str, size: Any) -> dict[str, str]:
    checks = terminal_checks(environment, encoding, size)
    return {check.what: check.verdict.value for check in checks}


def test_the_terminal_is_judged_by_what_it_says() -> None:
    good = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert set(verdicts(good, "UTF-8", (120, 40)).values()) == {"ok"}
    bad = verdicts({"TERM": "dumb"}, "ANSI_X3.4-1968", (60, 20))
    assert set(bad.values()) == {"warning"}
    assert verdicts({}, "utf8", None)["size"] == "unknown"


def test_a_host_is_judged_by_its_link_and_facts() -> None:
    down = Host("a", "u", Link(LinkStatus.DOWN, error="refused.", hint="Start it."))
    (check,) = host_checks(down)
    assert (check.verdict, check.found, check.cure) == (
        Grade.FAILED,
        "refused.",
        "Start it.",
    )
    facts = HostFacts(
        hypervisor="QEMU", hypervisor_version="7.2.0", libvirt_version="5.0.0",
        limitations=(Limitation("migrate", "no transport", "Get one."),),
    )  # fmt: skip
    up = Host("a", "u", Link(LinkStatus.UP, read_only=True), facts=facts)
    found = {check.what: check for check in host_checks(up)}
    assert found["libvirt"].verdict is Grade.WARNING
    assert found["access"].verdict is Grade.WARNING
    assert found["limitation"].found == "cannot migrate: no transport"
    assert {check.what for check in host_checks(Host("a", "u", Link(LinkStatus.UP)))} == {
        "link",
        "facts",
    }


def test_a_check_is_a_line_and_its_cure_another() -> None:
    wrong = DoctorCheck("machine", "kvm", Grade.WARNING, "it hangs", "Mend it.")
    assert list(lines_of(wrong)) == ["warning  machine kvm: it hangs", "           Mend it."]
    fine = DoctorCheck("machine", "kvm", Grade.OK, "runs", "Never mind.")
    assert list(lines_of(fine)) == ["ok       machine kvm: runs"]

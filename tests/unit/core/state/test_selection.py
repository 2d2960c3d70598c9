"""The filter language."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console import format as fmt
from console.cli.instances import instances_of
from console.screens.instances.columns import instance_columns
from console.screens.view import View
from console.widgets.columns import Cell
from core.errors import UsageError
from core.model import Counters, Instance, Interface, Volume
from core.model import event as ev
from core.model.observation import HostAdded, LinkChanged, Listed, Sampled
from core.state.figures import used_fraction
from core.state.query import quoted
from core.state.selection import parse_event_filter, parse_filter, parse_volume_filter
from core.state.store import Store
from tests.unit.state_builders import (
    HOST,
    PAUSED,
    SHUTOFF,
    UP,
    disk,
    instance,
    lifecycle,
    listed,
    store,
    volume,
)

GIB = 2**30


def on(*networks, kind="network"):
    return tuple(Interface(f"52:54:00:00:00:0{n}", kind, one) for n, one in enumerate(networks))


def fleet():
    made = store(
        listed(
            instance("web", title="Shop front", disks=(disk(),), interfaces=on("LAN")),
            instance("db", state=PAUSED, reason="I/O error", interfaces=on("lan", '!a "b" c')),
            instance("my cache", state=SHUTOFF, memory=4 * GIB, uuid="abcdef01"),
            instance("state:odd", state=SHUTOFF, interfaces=on("vlan", "a\nb", kind="bridge")),
            volumes=(volume(), volume("old.raw", format="raw", capacity=3 * GIB, allocation=GIB)),
        ),
        Sampled(HOST, 3.0, {"web-uuid": Counters(1, 1, 0, balloon=2 * GIB),
                            "db-uuid": Counters(3, 5)}),
        Sampled(HOST, 4.0, {"web-uuid": Counters(1, 1, 10**9, balloon=2 * GIB),
                            "db-uuid": Counters(3, 5)}),
        ev.MigrationIteration(HOST, 5.0, "web-uuid", "web", 2),
    )  # fmt: skip
    return made.state


STATE = fleet()
WEB, DB, CACHE, ODD = "web", "db", "my cache", "state:odd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [WEB, DB, CACHE, ODD]),
        ("   ", [WEB, DB, CACHE, ODD]),
        ("SHOP", [WEB]),
        ("shop front", [WEB]),
        ("front web", [WEB]),
        ("web db", []),
        ('"y c"', [CACHE]),
        ("abcd", [CACHE]),
        ("!web", [DB, CACHE, ODD]),
        ("-web", [DB, CACHE, ODD]),
        ("state:paused", [DB]),
        ("state:pau", [DB]),
        ("!state:shutoff", [WEB, DB]),
        ("-state:s", [WEB, DB]),
        ("STATE:Paused", [DB]),
        ("host:alp", [WEB, DB, CACHE, ODD]),
        ("host:beta", []),
        ("name:db", [DB]),
        ("network:lan", [WEB, DB]),
        ("network:la", []),
        ("network:vlan", []),
        ("!network:lan", [CACHE, ODD]),
        ('network:"!a ""b"" c"', [DB]),
        ("alert:yes", [DB]),
        ("alert:no", [WEB, CACHE, ODD]),
        ("alert:io-error", [DB]),
        ("alert:crashed", []),
        ("job:yes", [WEB]),
        ("job:iteration", [WEB]),
        ("!job:yes", [DB, CACHE, ODD]),
        ("cpu>49", [WEB]),
        ("cpu>=50%", [WEB]),
        ("cpu<50", []),
        ("cpu=50", [WEB]),
        ("memory>1G", [WEB]),
        ("mem>1G", [WEB]),
        ("given>3G", [CACHE]),
        ("state:off", [CACHE, ODD]),
        ('state:"shut off"', [CACHE, ODD]),
        ("state:shut-off", [CACHE, ODD]),
        ("memory<=2.0GiB memory>1024M", [WEB]),
        ('"state:odd"', [ODD]),
        ('!"state:odd"', [WEB, DB, CACHE]),
        ('name:"y c"', [CACHE]),
        ("52:54:00", []),
    ],
)
def test_instances(text, expected):
    found = parse_filter(text)
    assert [one.name for one in STATE.instances.values() if found(one, STATE)] == expected
    assert found.text == text
    assert found.empty is (not text.strip())


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("colour:red", "There is no filter key 'colour'.", "state:"),
        ("colour>3", "There is no figure to compare 'colour'.", "cpu>"),
        ("cpu:3", "There is no filter key 'cpu'.", "cpu>"),
        ("state:", "'state:' needs a value.", "Known"),
        ("state:asleep", "state: cannot be 'asleep'.", "paused"),
        ("alert:fire", "alert: cannot be 'fire'.", "io-error"),
        ("cpu>much", "'much' is not a number for cpu.", "Write cpu>50."),
        ("memory>1X", "'1x' is not a number for memory.", "1.5G"),
        ("cpu>", "'cpu>' needs a value.", "Known"),
        ('web "db', "The filter has an opening quote without a closing one.", '"'),
    ],
)
def test_what_makes_no_sense_says_what_would(text, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_filter(text)
    assert caught.value.message == message
    assert hint in caught.value.hint


COLUMN_TITLES = {"cpu": "CPU%", "memory": "MEM", "received": "RX", "sent": "TX"}


@pytest.mark.parametrize(
    "name", ["cpu", "memory", "disk", "read", "write", "net", "received", "sent"]
)
def test_a_figure_is_filtered_by_what_its_column_shows(name):
    columns = {column.id: column for column in instance_columns(View(lambda: 4.0, None, STATE))}
    column = columns[name]
    assert column.title == COLUMN_TITLES.get(name, name.upper())
    passes = parse_filter(f"{name}>=0")
    for one in STATE.instances.values():
        shown = column.render(one)
        text = shown.text if isinstance(shown, Cell) else shown
        assert passes(one, STATE) is (text != fmt.UNKNOWN)
        value = column.sort_key(one)
        if value is not None:
            assert parse_filter(f"{name}={value:.6f}")(one, STATE)
            assert not parse_filter(f"{name}>{value:.6f}")(one, STATE)


def test_the_commands_columns_show_what_the_filter_compares():
    titles = {column.title.lower(): column for column in instances_of(STATE, True).columns}
    for name in ("cpu", "memory", "given", "read", "write", "received", "sent"):
        passes = parse_filter(f"{name}>=0")
        for one in STATE.instances.values():
            assert passes(one, STATE) is (titles[name].cell(one) not in ("", fmt.UNKNOWN))


def test_a_filter_says_which_figures_it_compares():
    assert parse_filter('cpu>1 !rx<2 state:paused "disk>3"').figures == {"cpu", "rx"}


def test_events():
    events = [
        lifecycle("suspended", "ioerror"),
        lifecycle("started", "booted", name="db"),
        ev.PoolRefreshed(HOST, 3.0, "p1", "images"),
        ev.LinkEvent("beta", 3.0, "", "beta", "down", "Refused."),
    ]

    def found(text):
        wanted = parse_event_filter(text)
        return [index for index, one in enumerate(events) if wanted(one, STATE)]

    assert found("") == [0, 1, 2, 3]
    assert found("paused") == [0]
    assert found("kind:pool") == [2]
    assert found("kind:instance-lifecycle !db") == [0]
    assert found("host:beta") == [3]
    assert found("severity:error") == [0, 3]
    assert found("name:images") == [2]
    assert found("refused") == [3]
    with pytest.raises(UsageError):
        parse_event_filter("kind:nonsense")


def test_volumes():
    def found(text):
        wanted = parse_volume_filter(text)
        return [one.name for one in STATE.volumes.values() if wanted(one, STATE)]

    assert found("used:yes") == ["web.qcow2"]
    assert found("used:no") == ["old.raw"]
    assert found("format:raw pool:images") == ["old.raw"]
    assert found("capacity>2G") == found("size>2G") == ["old.raw"]
    used = {one.name: used_fraction(one) for one in STATE.volumes.values()}
    assert found("used>10%") == [name for name, part in used.items() if (part or 0) > 0.1] != []
    assert found("/pool/web") == ["web.qcow2"]
    with pytest.raises(UsageError):
        parse_volume_filter("used:perhaps")


@given(st.text(alphabet='abc:><=!-"% 19GM', max_size=20) | st.text(max_size=20))
def test_any_text_is_a_filter_or_a_usage_error(text):
    for parser in (parse_filter, parse_event_filter, parse_volume_filter):
        with contextlib.suppress(UsageError):
            parser(text)


@given(st.text(alphabet='abc:><=!-"% \t', min_size=1) | st.text(min_size=1))
@example("!odd").via("a sign that inverts where it stands first")
@example('a "b"').via("blanks and quotes")
def test_any_name_of_a_network_is_found_as_it_is_quoted(name):
    (one,) = listed(instance(interfaces=on("other", name))).instances
    passes = parse_filter(f"host:alpha network:{quoted(name)} name:web")
    assert passes(one, STATE)
    assert not passes(instance(interfaces=on(f"{name}2")), STATE)


@given(st.sampled_from(["web", "state:paused", "alert:yes", "host:alpha", '"y c"', "memory>1G"]))
def test_an_inverse_is_the_complement(text):
    plain, inverse = parse_filter(text), parse_filter(f"!{text}")
    for one in STATE.instances.values():
        assert plain(one, STATE) is not inverse(one, STATE)


def test_a_group_is_the_hosts_the_operator_put_in_it():
    two = Store()
    for name, groups in (("alpha", ("Prod", "west")), ("beta", ("west",)), ("gamma", ())):
        two.apply(HostAdded(name, 1.0, "qemu:///x", groups))
        two.apply(LinkChanged(name, 1.0, UP))
        two.apply(Listed(name, 2.0, (Instance(name, f"{name}-1", f"vm-{name}"),)))
    state = two.state

    def found(text: str) -> list[str]:
        wanted = parse_filter(text)
        return [item.host for item in state.instances.values() if wanted(item, state)]

    assert found("group:prod") == ["alpha"]
    assert found("group:west") == ["alpha", "beta"]
    assert found("!group:west") == ["gamma"]
    assert found("group:wes") == []  # a group is named whole: it is no search
    event = ev.Rebooted("beta", 3.0, "beta-1", "vm-beta")
    assert parse_event_filter("group:west")(event, state)
    assert not parse_event_filter("group:prod")(event, state)
    disk_ = Volume("alpha", "p", "images", "a.img")
    assert parse_volume_filter("group:prod")(disk_, state)
    assert not parse_volume_filter("!group:prod")(disk_, state)

"""Subjects of every kind by name, HOST/NAME and id."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from console.cli import lookup
from console.cli.subjects import subjects
from core.errors import AmbiguousError, NotFoundError
from core.model import (
    Host,
    Instance,
    Link,
    LinkStatus,
    Migration,
    Network,
    Pool,
    Snapshot,
    State,
    Volume,
)

UP = Link(LinkStatus.UP)
WEB, DB = Instance("alpha", "u-web", "web"), Instance("beta", "u-db", "db")
ONE = Snapshot("before/now", host="alpha", uuid="u-web")
TWO, THREE = (Snapshot(name, host="beta", uuid="u-db") for name in ("daily-1", "daily-2"))
POOL, NET = Pool("alpha", "u-pool", "images"), Network("beta", "u-net", "lan")
VOLUME = Volume("alpha", "u-pool", "images", "web.qcow2", "/images/web.qcow2")
MOVE = Migration("m-1", "alpha", "u-web", "web", to="beta")
STATE = State(
    hosts={name: Host(name, "test:///x", UP) for name in ("alpha", "beta")},
    instances={row.key: row for row in (WEB, DB)},
    pools={POOL.key: POOL},
    volumes={VOLUME.key: VOLUME},
    networks={NET.key: NET},
    snapshots={WEB.key: (ONE,), DB.key: (TWO, THREE)},
    migrations={MOVE.id: MOVE},
)


@pytest.mark.parametrize(
    ("kind", "words", "meant"),
    [
        ("instance", ("web", "u-web", "alpha/web", "alpha:web"), WEB),
        ("host", ("alpha",), STATE.hosts["alpha"]),
        ("pool", ("images", "u-pool", "alpha/images"), POOL),
        ("network", ("lan", "u-net", "beta/lan"), NET),
        ("volume", ("images/web.qcow2", "/images/web.qcow2", "alpha/images/web.qcow2"), VOLUME),
        ("snapshot", ("web/before/now", "alpha/web/before/now", "u-web/before/now"), ONE),
        ("migration", ("m-1", "web", "alpha/web", "beta/web", "u-web"), MOVE),
    ],
)
def test_each_kind_by_each_of_its_names(kind, words, meant):
    for word in words:
        assert lookup.named(STATE, kind, word) is meant, word
        if kind not in ("host", "migration"):
            assert lookup.named(STATE, kind, f"{kind}:{word}") is meant, "as candidates are told"
        assert subjects(STATE, kind, [word]) == [meant.key], word
        assert lookup.anything(STATE, f"{kind}:{word}") == (kind, meant), word


def test_a_snapshot_is_shown_by_its_instance_and_name():
    assert lookup.anything(STATE, "web/before/now") == ("snapshot", ONE)
    with pytest.raises(NotFoundError):
        lookup.anything(STATE, "before/now")


def test_patterns_mean_snapshots_volumes_and_networks_too():
    assert subjects(STATE, "snapshot", ["db/daily-*"]) == [TWO.key, THREE.key]
    assert subjects(STATE, "snapshot", ["*/daily-2"]) == [THREE.key]
    assert subjects(STATE, "volume", ["images/*"]) == [VOLUME.key]
    assert subjects(STATE, "network", ["l*"]) == [NET.key]
    with pytest.raises(NotFoundError):
        subjects(STATE, "snapshot", ["web/daily-*"])
    with pytest.raises(NotFoundError) as caught:
        lookup.named(STATE, "snapshot", "web/none-like-it")
    assert "virtdeck show INSTANCE" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "owners"),
    [
        ("web/one", [WEB]),
        ("snapshot:web/one", [WEB]),
        ("alpha/web/one/two", [WEB]),
        ("*/daily-1", [WEB, DB]),
        ("web", []),
        ("none/one", []),
    ],
)
def test_whose_snapshots_are_read_before_one_is_looked_up(word, owners):
    assert lookup.instances_before_slash(STATE, word) == owners


def test_two_of_one_name_are_told_apart():
    other = Instance("beta", "u-web2", "web")
    twins = {**STATE.snapshots, other.key: (Snapshot("before/now", host="beta", uuid="u-web2"),)}
    state = State(hosts=STATE.hosts, instances={**STATE.instances, other.key: other},
                  snapshots=twins)  # fmt: skip
    with pytest.raises(AmbiguousError, match="alpha/u-web/before/now, beta/u-web2/before/now"):
        lookup.named(state, "snapshot", "web/before/now")
    assert lookup.named(state, "snapshot", "alpha/web/before/now") == ONE


def test_candidates_are_told_as_they_can_be_typed():
    other = Pool("beta", "u-pool", "images")
    state = replace(STATE, pools={POOL.key: POOL, other.key: other})
    with pytest.raises(AmbiguousError) as caught:
        lookup.named(state, "pool", "images")
    assert "alpha/images, beta/images" in str(caught.value)
    for pool in (POOL, other):
        assert lookup.named(state, "pool", f"{pool.host}/{pool.name}") is pool


def test_halves_of_a_move_are_told_apart_by_their_host_and_not_by_their_uuid():
    half = msgspec.structs.replace(WEB, host="beta")
    state = replace(STATE, instances={**STATE.instances, half.key: half})
    for word in ("web", "u-web"):
        for find in (lookup.instance, lookup.anything):
            with pytest.raises(AmbiguousError, match=r"alpha/web, .*beta/web") as caught:
                find(state, word)
            assert "alpha/web: the UUID is of several." in caught.value.hint
        assert lookup.halves(state, word) == [WEB, half]
    assert lookup.halves(state, "db") == []
    assert lookup.halves(state, "alpha/web") == []
    other = msgspec.structs.replace(half, uuid="u-other")
    named_alike = replace(STATE, instances={**STATE.instances, other.key: other})
    assert lookup.halves(named_alike, "web") == []
    with pytest.raises(AmbiguousError) as caught:
        lookup.instance(named_alike, "web")
    assert "or by its UUID" in caught.value.hint

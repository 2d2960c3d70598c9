"""Every verb in every state its subject can be in: it is carried out, or refused with a cure.

Never an error of libvirt's that nobody expected, and nothing that is left open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotFoundError, VirtdeckError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import (
    Instance,
    InstanceState,
    LinkStatus,
    Network,
    ObjectKey,
    OperationStatus,
    Pool,
    Request,
)
from core.model.secret_value import Secret
from core.state.subject import subject_of
from core.verbs.registry import VERBS
from core.verbs.verb import Verb
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import instance_xml, uuid_of
from tests.patience import PATIENCE

S = InstanceState
STATES = {
    "running": (S.RUNNING, "<test:runstate>1</test:runstate>"),
    "paused": (S.PAUSED, "<test:runstate>3</test:runstate>"),
    "shutting-down": (S.SHUTTING_DOWN, "<test:runstate>4</test:runstate>"),
    "shutoff": (S.SHUTOFF, "<test:runstate>5</test:runstate>"),
    "crashed": (S.CRASHED, "<test:runstate>6</test:runstate>"),
    "suspended": (S.SUSPENDED, "<test:runstate>7</test:runstate>"),
    "saved": (S.SHUTOFF, "<test:runstate>5</test:runstate><test:hasmanagedsave/>"),
    "transient": (S.RUNNING, "<test:transient/>"),
    "transient-paused": (S.PAUSED, "<test:transient/><test:runstate>3</test:runstate>"),
}
"""What the test driver is told of an instance, and what is then seen of it."""
OPTIONS: dict[str, dict[str, Any]] = {
    "shutdown": {"timeout": 1.0},
    "reboot": {"timeout": 1.0},
    "rename": {"to": "other-{name}"},
    "snapshot-create": {"name": "one"},
    "edit": {"xml": "{xml}"},
    "clone": {"to": "clone-of-{name}"},
    "cold-migrate": {"to": "nowhere"},
    "resize": {"vcpus": 2},
    "rescue": {"image": "/srv/rescue.iso"},
    "set-boot-order": {"devices": ("hd",)},
    "set-cpu-mode": {"mode": "host-model"},
    "set-graphics": {"type": "vnc", "password": Secret("a")},
    "set-cpu-limits": {"shares": 512},
    "set-memory-limits": {"hard": 1024},
    "set-disk-limits": {"disk": "vda", "total_iops": 0},
    "set-network-limits": {"interface": "52:54:00:00:00:01", "inbound": 100},
    "set-link": {"interface": "52:54:00:00:00:01", "state": "down"},
    "volume-attach": {"volume": "/nowhere/{name}.raw", "format": "raw"},
    "volume-detach": {"disk": "vda"},
    "interface-attach": {"network": "user"},
    "device-attach": {"device": "rng:/dev/urandom"},
    "device-share": {"directory": "/srv", "tag": "data"},
    "device-detach": {"device": "rng:/dev/urandom"},
    "change-media": {"drive": "sda"},
    "interface-detach": {"interface": "52:54:00:00:00:01"},
    "title": {"text": "a"},
    "description": {"text": "a"},
    "set-metadata": {"uri": "urn:a", "xml": "<a/>"},
    "set-vcpus": {"count": 2},
    "set-memory": {"size": 64},
    "core-dump": {"to": "{directory}/{name}.core"},
    "screenshot": {"to": "{directory}/{name}.ppm"},
    "exec": {"command": "true"},
    "guest-vcpus": {"cpus": "1"},
    "set-password": {"password": Secret("a")},
    "add-ssh-key": {"key": "ssh-ed25519 AAAA"},
    "remove-ssh-key": {"key": "ssh-ed25519 AAAA"},
    "image": {"to": "/nowhere/{name}.qcow2"},
    "block-copy": {"disk": "vda", "to": "/nowhere/{name}.qcow2"},
    "volume-swap": {"disk": "vda", "to": "/nowhere/{name}.moved"},
    "volume-extend": {"disk": "vda", "size": "1G"},
    "block-pull": {"disk": "vda"},
    "block-commit": {"disk": "vda"},
    "backup": {"to": "/nowhere"},
    "backup-pull": {"to": "/nowhere"},
    "checkpoint-create": {"name": "one"},
    "checkpoint-delete": {"name": "one"},
    "block-job-speed": {"disk": "vda", "speed": 1.0},
    "block-job-pivot": {"disk": "vda"},
    "block-job-abort": {"disk": "vda"},
}
TRIED = [verb for verb in VERBS.values() if verb.subject == "instance" and verb.decide is not None]
NAMES = [f"{verb.name}-{state}" for verb, state in product(TRIED, STATES)]
QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)
NOT_HERE = {
    *("core-dump", "resume", "set-cpu-limits", "set-link", "clone"),
    *("volume-attach", "volume-detach", "interface-attach", "interface-detach"),
    *("device-attach", "device-detach", "device-share"),
}
"""The test driver dumps all of the memory or nothing, wakes none that sleeps, limits no CPUs and
changes, attaches and
detaches no devices: it says so. Its instances' disks are in no pool, so they are not cloned."""

SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
"""Of all instances: nothing is shared with one that has no such memory."""


def _xml(number: int, name: str) -> str:
    _, how = STATES[name.removeprefix(f"{TRIED[number // len(STATES)].name}-")]
    more = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    xml = instance_xml(number, name).replace("<domain ", f"<domain {more} ", 1)
    return xml.replace("</domain>", f"{SHARED}{how}</domain>")


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """A host with an instance of its own for each verb in each state."""
    world = tmp_path / "world.xml"
    world.write_text(f"<node>{''.join(_xml(*each) for each in enumerate(NAMES))}</node>")
    opened = Fleet.open([f"t=test://{world}"], journal=tmp_path / "j.db", options=QUIET)
    async with opened as found:
        assert await found.ready(10 * PATIENCE)
        await until(lambda: len(found.state.instances) == len(NAMES))
        await until(lambda: all(row.described for row in found.state.instances.values()))
        yield found


async def _complaint(fleet: Fleet, verb: Verb, row: Instance, directory: Path) -> str:
    """Try a verb on an instance; return what is wrong with what comes of it."""
    given = OPTIONS.get(verb.name, {})
    xml = await _edited(fleet, row) if "{xml}" in given.values() else ""
    options = {
        name: value.format(name=row.name, directory=directory, xml=xml)
        if isinstance(value, str)
        else value
        for name, value in given.items()
    }
    return await _complaint_of(fleet, verb.request(subject=row.key, **options))


async def _edited(fleet: Fleet, row: Instance) -> str:
    """Return the definition of an instance with something changed; of a transient one any XML."""
    try:
        document = await fleet.definitions.document(row.key)
    except NotFoundError:
        return instance_xml(1)
    return document.replace(">destroy</on_poweroff>", ">preserve</on_poweroff>")


async def _complaint_of(fleet: Fleet, request: Request) -> str:
    reasons = fleet.check(request)
    if reasons:
        bare = [str(reason) for reason in reasons if not (reason.code and reason.cure)]
        return f"refused without a cure: {bare}" if bare else ""
    operation = await fleet.submit(request)
    try:
        record = await operation
    except VirtdeckError:
        record = operation.record
    if record.status is OperationStatus.DONE:
        return ""
    words = ("cannot do", "is in no pool", "live attach of device")
    told = record.status is OperationStatus.FAILED and record.hint
    told = told and any(word in record.outcome for word in words)
    if told and request.verb in NOT_HERE:
        return ""
    if request.verb == "device-detach" and "has no device" in record.outcome:
        return ""  # what runs may be defined with one: that was looked for
    return f"{record.status}: {record.outcome}"


@pytest.mark.parametrize("verb", TRIED, ids=lambda verb: verb.name)
async def test_a_verb_is_carried_out_or_refused_in_every_state(
    verb: Verb, fleet: Fleet, tmp_path: Path
) -> None:
    complaints = {}
    for name, (state, _) in STATES.items():
        row = fleet.state.instances[
            next(key for key in fleet.state.instances
                 if key.id == uuid_of(NAMES.index(f"{verb.name}-{name}")))
        ]  # fmt: skip
        assert row.state is state, name
        if found := await _complaint(fleet, verb, row, tmp_path):
            complaints[name] = found
    assert not complaints


KEPT = [verb for verb in VERBS.values() if verb.subject in ("pool", "network")]
XML = {
    "pool": "<pool type='dir'><name>{}</name><target><path>/pools/{}</path></target></pool>",
    "network": "<network><name>{}</name><bridge name='br-{}'/><ip address='10.9.0.1' prefix='24'>"
    "<dhcp><range start='10.9.0.2' end='10.9.0.99'/></dhcp></ip></network>",
}
KEPT_STATES = ("active", "inactive", "marked", "inactive-marked", "transient")
ENTRIES = ("dhcp-host", "dns-host", "port-group")
OUTCOMES: dict[str, set[str]] = {
    "start": {"inactive", "inactive-marked"},
    "stop": {"active", "marked", "transient"},
    "refresh": {"active", "marked", "transient"},
    "autostart": {"active", "inactive", "marked", "inactive-marked"},
    "create": {"active", "marked", "transient"},
    "edit": {"active", "inactive", "marked", "inactive-marked"},
    **{name: set(KEPT_STATES) for name in ("delete", *(f"add-{one}" for one in ENTRIES))},
    **{f"remove-{one}": set[str]() for one in ENTRIES},
    "build": {"inactive", "inactive-marked"},
    "undefine": {"inactive", "inactive-marked"},
    "pool-delete": {"active", "marked"},
}
"""In which of the states a verb is carried out; in the others it is refused."""


def _make(keeper: Any, kind: str, state: str) -> str:
    """Make a pool or network in a state; return its UUID."""
    xml = XML[kind].format(state, state)
    if state == "transient":
        made = keeper.storagePoolCreateXML(xml) if kind == "pool" else keeper.networkCreateXML(xml)
        return str(made.UUIDString())
    made = keeper.storagePoolDefineXML(xml) if kind == "pool" else keeper.networkDefineXML(xml)
    if not state.startswith("inactive"):
        made.create()
    made.setAutostart(int("marked" in state))
    return str(made.UUIDString())


def _described(fleet: Fleet, key: ObjectKey) -> bool:
    found = subject_of(fleet.state, key)
    return found is not None and getattr(found, "described", True)


NEEDED: dict[str, dict[str, Any]] = {
    "volume-create": {"name": "made.raw", "size": "1M"},
    "pool-edit": {"xml": "<pool type='dir'><target><path>/pools/new-{}</path></target></pool>"},
    "network-edit": {"xml": "<network><mtu size='1400'/></network>"},
    "network-add-dhcp-host": {"address": "10.9.0.100", "mac": "52:54:00:00:00:01"},
    "network-add-dns-host": {"address": "10.9.0.100", "names": ("a",)},
    "network-add-port-group": {"name": "red"},
    "network-remove-dhcp-host": {"address": "10.9.0.100"},
    "network-remove-dns-host": {"address": "10.9.0.100"},
    "network-remove-port-group": {"name": "red"},
}
"""What a request of one of them cannot be without."""
TRIALS = [(verb, NEEDED.get(verb.name, {})) for verb in KEPT]
TRIALS += [(verb, {"off": True}) for verb in KEPT if verb.name.endswith("autostart")]


@pytest.mark.parametrize(
    ("verb", "options"), TRIALS, ids=lambda each: each.name if isinstance(each, Verb) else len(each)
)
async def test_pools_and_networks_too(verb: Verb, options: dict[str, Any], tmp_path: Path) -> None:
    kind = verb.subject
    with PrivateDaemon(instances=0) as daemon:
        keys = {
            state: ObjectKey(kind, "t", _make(daemon.keeper, kind, state)) for state in KEPT_STATES
        }
        opened = Fleet.open([f"t={daemon.uri}"], journal=tmp_path / "j.db", options=QUIET)
        async with opened as fleet:
            assert await fleet.ready(10 * PATIENCE)
            await until(lambda: all(_described(fleet, key) for key in keys.values()))
            await until(lambda: all(row.described for row in fleet.state.instances.values()))
            for state, key in keys.items():
                found = subject_of(fleet.state, key)
                assert isinstance(found, Pool | Network)
                assert found.active is not state.startswith("inactive"), state
                assert found.persistent is (state != "transient"), state
                assert found.autostart is ("marked" in state), state
            able, complaints = set(), {}
            for state, key in keys.items():
                given = {
                    name: value.format(state) if name == "xml" else value
                    for name, value in options.items()
                }
                request = verb.request(subject=key, **given)
                if not fleet.check(request):
                    able.add(state)
                if wrong := await _complaint_of(fleet, request):
                    complaints[state] = wrong
    assert not complaints
    assert able == OUTCOMES[verb.name if verb.name in OUTCOMES else verb.name.partition("-")[2]]


async def test_a_host_is_drained_or_says_why_not_in_each_of_its_states(tmp_path: Path) -> None:
    """Its instances are off: the test driver migrates none."""
    drain = VERBS["drain"].request
    key = ObjectKey("host", "a", "a")
    with PrivateDaemon(instances=1) as one, PrivateDaemon(instances=1) as other:
        for daemon in (one, other):
            daemon.keeper.lookupByName("test").destroy()
        journal = tmp_path / "j.db"
        quick = LinkOptions(statistics_interval=3600, sweep_interval=0, backoff_first=3600)

        def cures(fleet: Fleet) -> list[str]:
            return [reason.cure for reason in fleet.check(drain(subject=key))]

        async with Fleet.open([f"a={one.uri}"], journal=journal, options=quick) as fleet:
            assert await fleet.ready(10 * PATIENCE)
            assert cures(fleet) == ["open one to move its instances to"]
            assert await _complaint_of(fleet, drain(subject=key)) == ""
        uris = [f"a={one.uri}", f"b={other.uri}"]
        async with Fleet.open(uris, journal=journal, options=quick) as fleet:
            assert await fleet.ready(10 * PATIENCE)
            assert cures(fleet) == []
            assert await _complaint_of(fleet, drain(subject=key)) == ""
            other.kill()
            await until(lambda: fleet.state.hosts["b"].link.status is not LinkStatus.UP)
            assert cures(fleet) == ["there is nowhere to move to"]
            one.kill()
            await until(lambda: fleet.state.hosts["a"].link.status is not LinkStatus.UP)
            assert len(cures(fleet)) == 2
            assert all(cures(fleet))
        one.start()
        async with Fleet.open(
            [f"a={one.uri}"], journal=journal, options=quick, read_only=True
        ) as fleet:
            assert await fleet.ready(10 * PATIENCE)
            assert "open it without --read-only to change anything" in cures(fleet)

"""What commands that read once ask of a host: counted on the wire, to the last call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.hypervisor.connection.binding import libvirt
from tests.driver.command import Virtdeck, loaded_by
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.worlds import wait_for
from tests.slow_link import SlowLink

OPEN, CLOSE, TYPE, VERSION = 1, 2, 3, 157
LIST_DOMAINS, STATISTICS, XML, INFO, CONTROL_INFO = 273, 344, 14, 16, 229
LIST_POOLS, POOL_XML, POOL_INFO, LIST_VOLUMES = 281, 88, 87, 282
LIST_NETWORKS, NETWORK_XML = 283, 43
# REMOTE_PROC_CONNECT_OPEN and so on: src/remote/remote_protocol.x
CONNECTION = Counter({OPEN: 1, CLOSE: 1, 60: 3, 66: 1})
"""What libvirt itself calls for each connection: its features and how to authenticate, too."""
MAIN = CONNECTION + Counter({360: 1, 361: 1})
"""The same for a link's own, with its close callback."""
LISTING = MAIN + Counter({LIST_DOMAINS: 3, STATISTICS: 2})
"""Instances with their flags and states, and the sizes of those that are off."""
SAMPLE = CONNECTION + Counter({STATISTICS: 1})
HELP = CONNECTION + Counter({LIST_DOMAINS: 1})
"""A lane that helps to read every XML, where a busy machine makes calls slow."""
FACTS = Counter((3, 4, 6, 7, 52, 59, 71, 102, 139, VERSION, 228, 342))
"""What a host says of itself, a call each: versions, capabilities, processors, memory..."""
REGISTER = (313, 316, 368, 374, 380)
"""Registrations for events of connections, instances, networks, pools, devices and secrets."""
POOLS = MAIN + CONNECTION + Counter({LIST_POOLS: 3, POOL_XML: 1, POOL_INFO: 1})


def each(procedure: int, number: int) -> Counter[int]:
    """A call for each instance; the test driver's own is one more."""
    return Counter({procedure: number + 1})


def looks(number: int) -> Counter[int]:
    """Whether a process hangs, for each that runs: where its XML would be waited for."""
    return each(CONTROL_INFO, number // 2) if libvirt.getVersion() > 9_000_999 else Counter()


@pytest.fixture(params=[6, 60])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[SlowLink, int]]:
    """A link to a daemon with so many instances, half of them running."""
    number: int = request.param
    with (
        PrivateDaemon(instances=number, running=number // 2) as daemon,
        SlowLink(daemon.directory / "far", daemon.socket) as link,
    ):
        yield link, number


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("instances --json", lambda _: LISTING + SAMPLE),
        # the test driver's bulk statistics do not tell vCPUs and memory, QEMU's do
        ("instances", lambda n: LISTING + SAMPLE + Counter({TYPE: 1}) + each(INFO, n)),
        (
            "instances --json --details",
            lambda n: LISTING + SAMPLE + Counter({VERSION: 1}) + each(XML, n) + looks(n),
        ),
        ("hosts", lambda _: MAIN + FACTS),
        ("pools", lambda _: POOLS),
        ("volumes", lambda _: POOLS + Counter({LIST_VOLUMES: 1})),
        ("networks", lambda _: MAIN + Counter({LIST_NETWORKS: 4, NETWORK_XML: 1})),
    ],
)
def test_a_command_asks_for_what_it_prints(
    words: str,
    expected: Callable[[int], Counter[int]],
    host: tuple[SlowLink, int],
    virtdeck: Virtdeck,
) -> None:
    link, number = host
    before = link.calls()
    result = virtdeck("-c", f"test+unix:///default?socket={link.path}", *words.split())
    assert (result.status, result.err) == (0, "")

    def all_closed() -> Counter[int] | None:
        calls = link.calls()
        return calls - before if calls[OPEN] == calls[CLOSE] else None

    found = wait_for(all_closed)
    helpers = found[OPEN] - expected(number)[OPEN]
    # How many help is a matter of how slow the calls are: on a busy machine one may open twice.
    assert helpers >= 0 if "--details" in words else helpers == 0
    assert found == expected(number) + Counter({call: HELP[call] * helpers for call in HELP})


def test_the_json_of_hosts_tells_the_events_they_offer_and_nothing_of_what_is_on_them(
    host: tuple[SlowLink, int], virtdeck: Virtdeck
) -> None:
    link, _ = host
    result = virtdeck("-c", f"test+unix:///default?socket={link.path}", "hosts", "--json")
    (row,) = result.rows
    assert any("events" in limit["what"] for limit in row["facts"]["limitations"])
    asked = link.calls()
    assert asked.keys() & set(REGISTER)
    assert not asked.keys() & {LIST_DOMAINS, STATISTICS, XML, INFO, LIST_POOLS, LIST_NETWORKS}


def test_what_changes_an_instance_looks_at_no_network_and_no_storage(
    host: tuple[SlowLink, int], virtdeck: Virtdeck
) -> None:
    link, _ = host
    uri = f"test+unix:///default?socket={link.path}"
    assert virtdeck("-c", uri, "pause", "vm0001").status == 0
    asked = link.calls()
    assert asked[LIST_DOMAINS]
    assert not asked.keys() & {LIST_POOLS, LIST_NETWORKS}


@pytest.mark.parametrize("words", ["instances", "instances --json", "hosts", "pools"])
def test_a_command_loads_what_it_needs(words: str, tmp_path: Path) -> None:
    loaded = loaded_by(Virtdeck(tmp_path), "-c", "test:///default", *words.split())
    assert "libvirt" in loaded
    parts = {".".join(name.split(".")[:2]) for name in loaded}
    assert not parts & {"textual", "rich", "sqlite3", "core.engine", "core.verbs",
                        "core.journal", "core.migration"}  # fmt: skip
    assert "getpass" not in loaded
    if words.startswith("instances"):
        of_hypervisor = {
            f"core.hypervisor.observe.{name}" for name in ("detail", "events", "facts")
        }
        assert not loaded & {"lxml", "core.xml.tree", *of_hypervisor}

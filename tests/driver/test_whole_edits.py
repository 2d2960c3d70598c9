"""The definitions of networks and pools edited by command, on libvirt's test driver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import NotFoundError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import ObjectKey
from core.verbs.registry import VERBS
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.test_edit import Terminal
from tests.driver.watching import until
from tests.patience import PATIENCE

QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
async def fleet(daemon: PrivateDaemon, virtdeck: Virtdeck) -> AsyncIterator[Fleet]:
    """A host with the network `lab`, and the pool `kept`, both off."""
    journal = virtdeck.home / "journal.db"
    opened = Fleet.open([f"alpha={daemon.uri}"], journal=journal, options=QUIET)
    async with opened as made:
        assert await made.ready(20 * PATIENCE)
        await until(lambda: bool(made.state.networks and made.state.pools))  # those it begins with
        lab = {"name": "lab", "subnet": "10.9.0.0/24", "domain": "a.example"}
        await make(made, "network-create", **lab, start=False, autostart=False)
        await make(
            made, "pool-create", name="kept", path="/pools/kept", start=False, autostart=False
        )
        yield made


async def make(fleet: Fleet, verb: str, **options: str | bool) -> None:
    request = VERBS[verb].at(ObjectKey("host", "alpha", "alpha"), str(uuid4()), options)
    await (await fleet.submit(request))
    kind = "networks" if verb == "network-create" else "pools"
    await until(lambda: request.subject in getattr(fleet.state, kind))  # the newest picture


def network(daemon: PrivateDaemon) -> str:
    """Of one that is off: of one that runs the test driver tells nothing else than how it runs."""
    return str(daemon.keeper.networkLookupByName("lab").XMLDesc(0))


def pool(daemon: PrivateDaemon) -> str:
    return str(daemon.keeper.storagePoolLookupByName("kept").XMLDesc(0))


async def test_the_core_reads_what_is_edited_by_the_kind_of_its_key(
    daemon: PrivateDaemon, fleet: Fleet
) -> None:
    for rows, root in ((fleet.state.networks, "network"), (fleet.state.pools, "pool")):
        key = next(key for key, row in rows.items() if row.name in ("lab", "kept"))
        document = await fleet.definitions.document(key)
        assert document.startswith(f"<{root}")
        assert f"<uuid>{key.id}</uuid>" in document
        with pytest.raises(NotFoundError, match="It has no definition: it is gone"):
            await fleet.definitions.document(ObjectKey(root, "alpha", str(uuid4())))


async def test_a_network_opens_in_the_editor_until_libvirt_takes_it(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    terminal = Terminal(
        virtdeck,
        ("</dhcp>", "</dhpc>"),
        ("</dhpc>", "</dhcp>"),
        ("a.example", "b.example"),
        ("b.example", "c.example"),
    )
    command = ("-c", f"alpha={daemon.uri}", "network", "edit", "lab")
    status, wrote = terminal.run("y\n" * 4, *command)
    # the second draft is as it was defined
    assert (status, "lab was not changed." in wrote) == (0, True), wrote
    assert "Opening and ending tag mismatch" in wrote
    status, wrote = terminal.run("y\n", *command)
    assert status == 0, wrote
    assert '-  <domain name="a.example"' in wrote
    assert '+  <domain name="b.example"' in wrote
    assert "runs on as it is" not in wrote
    assert "<domain name='b.example'" in network(daemon)
    daemon.keeper.networkLookupByName("lab").create()
    status, wrote = terminal.run("", *command, "--dry-run")
    assert (status, '+  <domain name="c.example"' in wrote) == (0, True), wrote
    assert "lab runs on as it is until it is stopped and started." in wrote
    assert "c.example" not in network(daemon)
    assert not list(terminal.drafts.iterdir())


async def test_a_pool_opens_in_the_editor_and_what_libvirt_refuses_opens_again(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    terminal = Terminal(
        virtdeck,
        ("</name>", "</name><wombat/>"),
        ("<wombat/>", ""),
        ("/pools/kept", "/pools/other"),
    )
    command = ("-c", f"alpha={daemon.uri}", "pool", "edit", "kept")
    status, wrote = terminal.run("y\n" * 4, *command)
    assert (status, "kept was not changed." in wrote) == (0, True), wrote
    assert "Line 2: libvirt's schema refuses it" in wrote
    status, wrote = terminal.run("n\n", *command)
    assert (status, "Nothing was changed." in wrote) == (1, True), wrote
    assert "+    <path>/pools/other</path>" in wrote
    assert "/pools/kept" in pool(daemon)


async def test_a_file_is_taken_as_before_and_its_diff_is_shown(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    base, file = virtdeck.home / "base.xml", virtdeck.home / "new.xml"
    base.write_text(network(daemon))
    file.write_text(network(daemon).replace("a.example", "b.example"))
    command = ("-c", f"alpha={daemon.uri}", "network", "edit", "lab", "--xml-file", str(file))
    dry = virtdeck(*command, "--dry-run")
    assert '+  <domain name="b.example"' in dry.out
    assert "net-define FILE --validate" in dry.out
    assert not [line for line in dry.out.splitlines() if line.startswith(("-  <ip", "+  <ip"))]
    (row,) = virtdeck(*command, "--dry-run", "--json").rows
    assert row["verb"] == "network-edit"
    assert "a.example" in network(daemon)
    taken = virtdeck(*command, "--base", str(base))  # nothing is asked of a network
    assert (taken.status, '+  <domain name="b.example"' in taken.out) == (0, True), taken
    assert "b.example" in network(daemon)
    file.write_text(network(daemon).replace("b.example", "c.example"))
    late = virtdeck(*command, "--base", str(base), "--yes")
    assert (late.status, "was changed meanwhile, and is not overwritten" in late.out) == (
        1,
        True,
    ), late


async def test_a_pools_file_wants_a_yes_and_the_older_word_is_understood(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    file = virtdeck.home / "new.xml"
    file.write_text("<pool type='dir'><target><path>/pools/other</path></target></pool>")
    command = ("-c", f"alpha={daemon.uri}", "pool", "edit", "kept", "--xml", str(file))
    asked = virtdeck(*command)
    assert (asked.status, "Add --yes to do it." in asked.err) == (1, True)
    done = virtdeck(*command, "--yes", "--json")
    assert done.status == 0, done
    assert done.rows[-1]["outcome"] == "the pool kept is defined anew"
    assert "/pools/other" in pool(daemon)


@pytest.mark.parametrize("kind", ["network", "pool"])
def test_without_a_terminal_a_file_must_be_given(virtdeck: Virtdeck, kind: str) -> None:
    result = virtdeck("-c", "test:///default", kind, "edit", "default")
    assert (result.status, "--xml-file" in result.err) == (2, True)
    result = virtdeck("-c", "test:///default", kind, "edit", "default", "--base", "/dev/null")
    assert result.status == 2


def test_what_the_file_was_made_from_is_a_definition(virtdeck: Virtdeck) -> None:
    file = virtdeck.home / "new.xml"
    file.write_text("<domain>")
    words = ("-c", "test:///default", "edit", "test", "--xml-file", str(file))
    result = virtdeck(*words, "--base", str(file))
    assert result.status == 2
    assert "--base is no definition" in result.err

"""The editor of a network's definition, and of a pool's: the same as that of an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.question import QuestionDialog
from console.screens.networks.networks import NetworksScreen
from console.screens.storage.pool import PoolScreen
from console.shell.app import VirtdeckApp
from core.model import OperationStatus
from core.verbs.network.requests import EditNetwork
from core.verbs.pool_editing import EditPool
from tests.screens.conftest import MOMENTS, SIZES, press, settled, until
from tests.screens.editing_source import Editing
from tests.screens.editor_pilot import opened, put, shown_diff
from tests.screens.test_networks_screen import tape_with
from tests.screens.test_verb_menu import text

Compare = Callable[..., bool]
DEFAULT = ("7", "slash", *"alpha default", "enter")
"""To the active network of alpha."""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Editing]:
    source = Editing.at(tape_with(tmp_path / "networks.jsonl", {}), MOMENTS["loaded"])
    source.ending = OperationStatus.DONE, "the network default is defined anew"
    yield source
    source.close()


@pytest.mark.parametrize("keys", [("e",), ("enter", "e"), ("a", "n", "e")], ids="".join)
async def test_a_network_is_edited_from_its_row_its_page_and_the_menu(
    app: VirtdeckApp, source: Editing, keys: tuple[str, ...]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *DEFAULT, *keys)
        assert any("It runs on as it is until it is stopped and started." in x for x in text(app))
        await put(pilot, screen, 'name="lab.example"', 'name="lab.test"')
        shown = await shown_diff(pilot, app)
        assert '-  <domain name="lab.example"/>' in shown
        assert '+  <domain name="lab.test"/>' in shown
        assert "name: lab.example → lab.test." in shown
        assert "default runs on as it is until it is stopped and started." in shown
        assert not source.submitted
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, NetworksScreen))
        (request,) = source.submitted
        assert isinstance(request, EditNetwork)
        assert "lab.test" in request.xml
        assert "lab.example" in request.base


async def test_what_is_wrong_with_a_network_is_told_and_nothing_is_lost(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *DEFAULT, "e")
        await put(pilot, screen, "</dhcp>", "</dhpc>")
        await press(pilot, "ctrl+s")
        assert any("Line 11: Opening and ending tag mismatch" in line for line in text(app))
        await put(pilot, screen, "</dhpc>", "</dhcp>")
        await put(pilot, screen, "<name>default<", "<name>other<")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: any("of another network, other" in line for line in text(app)))
        assert app.screen is screen
        await press(pilot, "escape")
        assert isinstance(app.screen, QuestionDialog)
        assert any("name: default → other" in line for line in text(app))
        assert not source.submitted


async def test_what_others_changed_of_a_network_comes_into_the_text(
    app: VirtdeckApp, source: Editing
) -> None:
    source.ending = OperationStatus.FAILED, "The network default was changed meanwhile"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *DEFAULT, "e")
        await put(pilot, screen, 'name="lab.example"', 'name="lab.test"')
        others = source.documents.others
        others["network"] = others["network"].replace("122.99", "122.50")
        await press(pilot, "ctrl+s", "y")
        await until(pilot, lambda: any("It was changed meanwhile" in line for line in text(app)))
        assert "lab.test" in screen._area.text
        assert "192.168.122.50" in screen._area.text


async def test_a_pool_is_edited_from_its_page(source: Editing, app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await settled(pilot)
        pools = app.view.state.pools
        key = next(key for key in app.screen.rows() if key in pools)  # type: ignore[attr-defined]
        source.documents.pool_name = pools[key].name
        await app.push_screen(PoolScreen(key))
        screen = await opened(pilot, app, "e")
        await put(pilot, screen, "/srv/images", "/srv/other")
        await shown_diff(pilot, app)
        assert "+    <path>/srv/other</path>" in "\n".join(text(app))
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, PoolScreen))
        (request,) = source.submitted
        assert isinstance(request, EditPool)
        assert request.subject == key


CASES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "text": ("lab.example", "lab.test", ("ctrl+n",)),
    "fault": ("</dhcp>", "</dhpc>", ("ctrl+s",)),
    "diff": ("lab.example", "lab.test", ("ctrl+s",)),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_network(snap_compare: Compare, app: VirtdeckApp, case: str, size: Any) -> None:
    before, after, keys = CASES[case]

    async def run_before(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, app, *DEFAULT, "e")
        await put(pilot, screen, before, after)
        await press(pilot, *keys)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)

"""Draining a host from the hosts screen: what is looked at, what is asked, what is submitted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.menu import MenuDialog
from console.screens.dialogs.question import TypedQuestionDialog
from console.screens.instances.instances import InstancesScreen
from console.screens.migrations import draining
from console.screens.storage.volumes import VolumesScreen
from console.shell.app import VirtdeckApp
from core.model import InstanceState, ObjectKey, OperationRecord, OperationStatus, Preflight
from core.model.observation import OperationChanged
from core.model.operation import OperationStep
from core.verbs.migration.requests import Drain, Migrate
from tests.screens.conftest import SIZES, press, settled, until
from tests.screens.migrate_source import BLOCKERS, FINE, Answering, answer
from tests.screens.test_migrate_dialog import messages, shown

ALPHA = ObjectKey("host", "alpha", "alpha")
DRAIN = ("2", "slash", *"alpha", "enter", "D")
"""The keys that ask for a drain of alpha."""


def running(source: Answering) -> list[str]:
    return [row.name for row in source.state.instances.values()
            if row.host == "alpha" and row.state.active]  # fmt: skip


async def test_it_names_who_goes_where_and_wants_the_hosts_name(
    app: VirtdeckApp, source: Answering
) -> None:
    names = running(source)
    stays = names[0]

    def look(request: Migrate) -> Preflight:
        mine = source.state.instances[request.subject].name == stays
        return answer(*(BLOCKERS if mine else FINE))(request)

    source.answers = look
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *DRAIN)
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await pilot.pause()
        text = shown(app)
        assert "Drain alpha?" in text
        for name in names[1:]:
            assert f"{name} " in text
        assert "to beta" in text
        assert "1 cannot be moved:" in text
        assert "beta has no network blue." in text
        await press(pilot, "enter", *"alph", "enter")
        assert isinstance(app.screen, TypedQuestionDialog)  # that is not its name
        assert app.screen.query_one("#yes", Button).disabled
        assert source.submitted == []
        await press(pilot, "a", "enter")
        await until(pilot, lambda: source.submitted)
        assert source.submitted == [Drain(ALPHA)]
        await until(pilot, lambda: app.current_mode == "operations")


async def test_escape_touches_nothing(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *DRAIN)
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await press(pilot, "escape")
        assert source.submitted == []
        assert app.current_mode == "hosts"


async def test_a_question_that_comes_too_late_is_not_just_lost(
    app: VirtdeckApp, source: Answering
) -> None:
    source.hold = hold = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *DRAIN[:-1])
        await pilot.press("D")
        await until(pilot, lambda: bool(source.asked))
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "instances")
        loop = app.bridge._loop
        assert loop is not None
        loop.call_soon_threadsafe(hold.set)
        await until(pilot, lambda: "Drain alpha: looked at." in messages(app))
        assert not isinstance(app.screen, TypedQuestionDialog)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await press(pilot, "escape", "1", "2")
        assert not isinstance(app.screen, TypedQuestionDialog)  # asked once


async def test_a_verb_pressed_twice_asks_once(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"name:web", "enter")
        screen = app.screen
        assert isinstance(screen, InstancesScreen)
        for _ in range(2):  # the second key before the core answered the first
            screen.action_verb("stop")
        await until(pilot, lambda: "Force off: not asked" in messages(app))
        assert len([one for one in app.screen_stack if isinstance(one, ConfirmDialog)]) == 1
        assert source.submitted == []


@pytest.mark.parametrize("keys", [("D",), ("a", "m", "d")], ids=["key", "menu"])
async def test_of_several_marked_hosts_none_is_drained(
    app: VirtdeckApp, source: Answering, keys: tuple[str, ...]
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "asterisk", *keys)
        said = "Drain is done to one at a time, and 2 hosts are marked."
        assert said in messages(app) or said in shown(app)
        assert source.asked == []
        assert source.submitted == []
        assert not isinstance(app.screen, TypedQuestionDialog)


async def test_marked_hosts_are_all_connected_again(app: VirtdeckApp, source: Answering) -> None:
    asked: list[str] = []

    async def reconnect(host: str) -> None:
        asked.append(host)

    source.links.reconnect = reconnect  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "asterisk", "R")
        await until(pilot, lambda: "Connecting to alpha and beta again." in messages(app))
        assert asked == ["alpha", "beta"]


async def test_one_migration_is_watched_at_a_time(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "asterisk", "w")
        assert "One migration is watched at a time" in messages(app)


async def test_pools_and_volumes_marked_together_are_not_taken_for_one_of_them(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "3", "asterisk", "a")
        assert not isinstance(app.screen, MenuDialog)
        assert "leave one kind marked" in messages(app)
        app.clear_notifications()
        screen = app.screen
        assert isinstance(screen, VolumesScreen)
        screen.action_verb("pool-start")
        await settled(pilot)
        assert "Start is done to a pool, and " in messages(app)
        assert source.submitted == []


async def test_what_cannot_be_is_said_at_once(app: VirtdeckApp, source: Answering) -> None:
    source.refusals = ("alpha is being drained already (by bob@desk).",)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *DRAIN)
        await until(pilot, lambda: "drained already" in messages(app))
        assert source.asked == []


async def test_with_everything_blocked_the_reasons_are_told(
    app: VirtdeckApp, source: Answering
) -> None:
    source.answers = answer(*BLOCKERS)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *DRAIN)
        await until(pilot, lambda: "no network blue" in messages(app))
        assert not isinstance(app.screen, TypedQuestionDialog)


async def test_a_drain_is_shown_with_its_steps_and_where_it_happens(
    app: VirtdeckApp, source: Answering
) -> None:
    at = source.state.at
    record = OperationRecord(
        "zz-drain", "drain", "alpha", ALPHA, "alpha", "ann@desk", at, OperationStatus.RUNNING,
        started=at, progress=0.25, steps=(OperationStep(at, "keeper stays: it has a snapshot"),),
        options={"bandwidth": 100, "options": {"verb": "migrate", "subject": ["", "", ""],
                                               "post_copy": "allow"}},
        doing="draining",
    )  # fmt: skip
    source._mailroom.post(source.player._store.apply(OperationChanged("alpha", at, record)))
    async with app.run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "4", "slash", *"drain", "enter")
        text = shown(app)
        assert "keeper stays: it has a snapshot" in text
        assert "25%" in text
        assert "bandwidth 100 MiB/s, post-copy allow" in text
        await press(pilot, "X")
        await pilot.pause()
        assert "No further instance is begun" in shown(app)
        await press(pilot, "escape", "2", "slash", *"alpha", "enter")
        assert "draining 25%" in shown(app)
        await press(pilot, "4", "enter")  # opens what it is about: the instances of the host
        await until(pilot, lambda: app.current_mode == "instances")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_question(
    snap_compare: Callable[..., bool],
    app: VirtdeckApp,
    source: Answering,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining, "PATIENCE", 600.0)
    stays = running(source)[0]

    def look(request: Migrate) -> Preflight:
        mine = source.state.instances[request.subject].name == stays
        return answer(*(BLOCKERS if mine else FINE))(request)

    source.answers = look

    async def asked(pilot: Pilot[None]) -> None:
        await press(pilot, *DRAIN)
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=asked)


def test_the_tape_has_what_these_tests_are_about(source: Answering) -> None:
    states = [row.state for row in source.state.instances.values() if row.host == "alpha"]
    assert states.count(InstanceState.RUNNING) >= 2

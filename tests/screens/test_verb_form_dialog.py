"""The form of a verb on a screen: from the menu through the fields to what is submitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec.structs import replace as evolve
from textual.pilot import Pilot
from textual.widgets import Input

from console.actions.registry import action
from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.form_panel import FormPanel
from console.screens.dialogs.verb_form import VerbFormDialog
from console.screens.form_choices import choices_of
from console.screens.instances.instances import InstancesScreen
from console.shell.app import VirtdeckApp
from core.model.secret_value import Secret
from core.state.usage import overlays_of, users_of
from core.verbs.agent.accounts import SetPassword
from core.verbs.definition import Rename
from core.verbs.power.requests import Shutdown
from tests.declared import POKE, Poke, declared
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, TAPE, press, settled, until
from tests.screens.test_migrate_dialog import messages
from tests.screens.test_verb_menu import ONE, text

WRONG = "A times of 10 makes no sense: give 1 to 9."


@pytest.fixture
def source() -> Iterator[Checking]:
    source = Checking.at(TAPE, MOMENTS["loaded"])
    with declared(POKE):
        yield source
    source.close()


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> VerbFormDialog:
    """The form of the verb declared for this, by the menu."""
    group = action("power.poke").menu[0]
    await press(pilot, *(keys or ONE), "a", group)
    for _ in range(20):
        if any(line.strip(" │").startswith("> ") and "Poke" in line for line in text(app)):
            break
        await press(pilot, "down")
    await press(pilot, "tab")
    await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
    form = app.screen
    assert isinstance(form, VerbFormDialog)
    await rest(pilot, form)
    return form


async def rest(pilot: Pilot[None], form: VerbFormDialog) -> None:
    await until(pilot, lambda: form.at_rest)
    await settled(pilot)


async def test_what_the_fields_say_is_asked_confirmed_and_submitted(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, app)
        await press(pilot, "right", "down", "backspace", "3", "down", "right", "down", *"why")
        await rest(pilot, form)
        shown = "\n".join(text(app))
        assert "virtdeck poke web --finger thumb --times 3 --hard --reason why" in shown
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        key = source.submitted[0].subject
        assert source.submitted == [
            Poke(subject=key, finger="thumb", times=3, hard=True, reason="why")
        ]


async def test_a_wrong_value_is_told_below_its_field_and_nothing_is_asked(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await press(pilot, "down", "1", "0")
        await until(pilot, lambda: any(WRONG in line for line in text(app)))
        lines = text(app)
        at = next(number for number, line in enumerate(lines) if " Times " in line)
        assert WRONG in lines[at + 1]
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, VerbFormDialog)
        assert WRONG in messages(app)
        await press(pilot, "backspace")
        await until(pilot, lambda: WRONG not in text(app)[at + 1])
        assert source.submitted == []


async def test_a_refusal_that_is_told_again_stands_once(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await press(pilot, "right", "down", "backspace", *"10")
        for _ in range(3):
            await press(pilot, "ctrl+s")
        assert messages(app).count(WRONG) == 1


async def test_a_new_form_marks_nothing_and_a_password_is_typed_twice(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE, "a", *action("power.set-password").menu)
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        await rest(pilot, form)
        shown = "\n".join(text(app))
        assert "Fill in what is missing." in shown
        assert "must be given" not in shown
        await press(pilot, *"tell", "down", *"tel")
        await until(pilot, lambda: "It is not the password above." in "\n".join(text(app)))
        await press(pilot, "l")
        await rest(pilot, form)
        shown = "\n".join(text(app))
        assert "It is not the password above." not in shown
        assert "virtdeck set-password web --password-file FILE" in shown
        assert "tell" not in shown
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Replaces the password of root in the guest of web" in "\n".join(text(app))
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        assert source.submitted == [SetPassword(source.submitted[0].subject, Secret("tell"))]


async def test_what_only_the_check_finds_missing_is_not_told_of_a_new_form(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE, "a", *action("power.volume-swap").menu)
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        await rest(pilot, form)
        shown = "\n".join(text(app))
        assert "Fill in what is missing." in shown
        assert "is no place for a disk" not in shown
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "nothing is no place for a disk" in "\n".join(text(app)))
        assert source.submitted == []


async def test_a_value_that_the_host_refuses_is_named_and_the_form_stays(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE, "a", *action("power.set-vcpus").menu)
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        await press(pilot, "9", "9", "ctrl+s")
        await until(pilot, lambda: "not 99" in messages(app))
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        assert source.submitted == []
        await press(pilot, "backspace", "backspace", "1", "ctrl+s")
        await until(pilot, lambda: app.screen is not form)


async def test_what_the_check_needs_of_the_xml_is_read_for_the_form(
    app: VirtdeckApp, source: Checking
) -> None:
    rows = source.state.instances
    web = next(row for row in rows.values() if row.name == "web")
    told = evolve(web, described=True, vcpus=1, vcpus_maximum=2)
    source.unread = replace(source.state, instances={**rows, web.key: told})
    source.crowd = replace(
        source.state, instances={**rows, web.key: evolve(web, described=False, vcpus_maximum=0)}
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE, "a", *action("power.set-vcpus").menu)
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        await press(pilot, "7")
        await rest(pilot, form)
        lines, wrong = text(app), "web may have 2 vCPUs, not 7"
        at = next(number for number, line in enumerate(lines) if " Count " in line)
        assert wrong in lines[at + 1], lines
        assert sum(wrong in line for line in lines) == 1, "it is not said at the foot again"


async def test_a_secret_is_never_on_the_screen(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, app)
        await press(pilot, *["down"] * 4, "right", "down", *"S3CRET")
        await rest(pilot, form)
        assert isinstance(app.focused, Input)
        assert app.focused.value == "S3CRET"
        shown = "\n".join(text(app))
        assert "--pin-file FILE" in shown
        assert "S3CRET" not in shown
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "S3CRET" not in "\n".join(text(app))
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        assert isinstance(source.submitted[0], Poke)
        assert source.submitted[0].pin == Secret("S3CRET")


async def test_escape_peels_the_options_then_the_form(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await press(pilot, *["down"] * 4, "right")
        assert any("Pin" in line for line in text(app))
        await press(pilot, "escape")
        assert not any("Pin" in line for line in text(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, InstancesScreen)
        assert source.submitted == []


async def test_of_several_it_says_how_many_it_can_be_done_to(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "asterisk")
        assert any("It can be done to 5 of 6." in line for line in text(app))
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: len(source.submitted) == 5)


async def test_a_verb_that_needs_a_value_has_its_form_without_being_asked(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"state:shutoff", "enter", "colon", *"rename", "enter")
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        await press(pilot, *"attic")
        await rest(pilot, form)
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: bool(source.submitted))
        assert source.submitted == [Rename(subject=source.submitted[0].subject, to="attic")]


async def test_a_key_of_its_own_asks_with_the_defaults_and_no_form(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE, "f")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        assert source.submitted == [Shutdown(subject=source.submitted[0].subject)]


async def test_what_was_typed_and_is_told_late_takes_no_wish_back(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, app)
        form.action_do()
        form.query_one(FormPanel).post_message(FormPanel.Changed("times"))  # as it stood already
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))


async def test_volumes_that_nothing_uses_are_proposed_first(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        state = app.bridge.state
        web = next(key for key, row in state.instances.items() if row.name == "web")
        named = {
            f"{volume.pool_name}/{volume.name}": bool(
                users_of(state, volume) or overlays_of(state, volume)
            )
            for volume in state.volumes.values()
            if volume.host == web.host
        }
        proposed = [name for name, _ in choices_of(state, web, "volumes")]
        assert sorted(proposed) == sorted(named)
        used = [named[name] for name in proposed]
        assert used == sorted(used)
        assert {True, False} == set(used)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_keys_stay_below_the_longest_hint_and_nothing_below_them(
    app: VirtdeckApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *ONE, "a", "d", "a", *["tab"] * 5, "right")
        form = app.screen
        assert isinstance(form, VerbFormDialog)
        for _ in range(9):
            await press(pilot, "tab")
            await settled(pilot)
            dialog = form.query_one(".dialog")
            keys = list(dialog.children)[-1]
            assert keys.region.bottom == dialog.region.bottom - 1
            assert form.focused is not None
            assert form.query_one(FormPanel).region.contains_region(form.focused.region)

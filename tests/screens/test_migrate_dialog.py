"""The Migrate dialog on a tape: choosing, the live preflight, overriding, starting."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Button, Input

from console.screens.base import ConsoleScreen
from console.screens.dialogs.migrate import MigrateDialog
from console.screens.instances.instances import InstancesScreen
from console.screens.migrations.migrate_form import FIELDS
from console.screens.migrations.migration import MigrationScreen
from console.screens.page import Page
from console.shell.app import VirtdeckApp
from console.widgets.choice import Choice
from core.errors import UnreachableError
from core.model import Delta, Finding, Level, LinkStatus
from core.verbs.migration.requests import Migrate
from tests.screens.conftest import press, settled, until
from tests.screens.migrate_source import BLOCKERS, DOUBTS, FINE, FORESEEN, Answering, answer, names

WEB = ("slash", *"name:web", "enter", "m")
"""The keys that open the dialog on `web`, which runs on alpha."""


def dialog(app: VirtdeckApp) -> MigrateDialog:
    assert isinstance(app.screen, MigrateDialog)
    return app.screen


def found(app: VirtdeckApp) -> str:
    """What the dialog says it found, as one text."""
    page = dialog(app).query_one("#found", Page)
    lines = page.lines(200)
    return "\n".join(
        line if isinstance(line, str) else line.text
        if hasattr(line, "text") else "".join(cell.text for cell in line)
        for line in lines
    )  # fmt: skip


def shown(app: VirtdeckApp) -> str:
    """Everything on the screen, as text."""
    width, height = app.size
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips()[:height]).ljust(
        width
    )


def chosen(app: VirtdeckApp, field: str) -> str:
    return dialog(app).query_one(f"#{field}", Choice).value


def messages(app: VirtdeckApp) -> str:
    return "\n".join(str(toast.message) for toast in app._notifications)


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> None:
    *before, last = keys or WEB
    await press(pilot, *before)
    await pilot.press(last)  # without waiting for its answer, which may be held back
    await until(pilot, lambda: isinstance(app.screen, MigrateDialog))
    await pilot.pause()


async def looked(pilot: Pilot[None], app: VirtdeckApp) -> None:
    """Wait until what is chosen now was looked at."""
    shows = dialog(app)
    await until(pilot, lambda: shows.at_rest)
    await pilot.pause()


async def choose(pilot: Pilot[None], app: VirtdeckApp, field: str, *keys: str) -> None:
    dialog(app).query_one(f"#{field}").focus()
    await pilot.pause()
    await pilot.press(*keys)


async def test_the_least_is_three_keys(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert chosen(app, "to") == "beta"
        assert f"{len(FINE)} ok" in found(app)
        assert FORESEEN is not None
        assert FORESEEN.sentence in found(app)
        assert "migrate web" in found(app)
        assert "--live --p2p" in found(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: source.submitted)
        (request,) = source.submitted
        assert isinstance(request, Migrate)
        assert names([request], source) == ["web"]
        assert request == Migrate(subject=request.subject, to="beta")
        await until(pilot, lambda: isinstance(app.screen, MigrationScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))


async def test_a_host_that_comes_up_is_offered_to_an_open_dialog(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        up = app.view.state
        beta = up.hosts["beta"]
        down = replace(beta, link=replace(beta.link, status=LinkStatus.CONNECTING))
        app.view.state = dataclasses.replace(up, hosts={**up.hosts, "beta": down})
        await opened(pilot, app)
        await until(pilot, lambda: "wait until one is up" in found(app))
        assert chosen(app, "to") == ""
        app.view.state = up
        dialog(app).take_news(Delta(up.revision, up.at, changed=frozenset({beta.key})))
        await until(pilot, lambda: f"{len(FINE)} ok" in found(app))
        assert chosen(app, "to") == "beta"


async def test_every_line_can_be_reached_and_changed_by_keys(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("down", "right", "right", "right", "tab", *"300", "down", *"100")
        await pilot.press("enter", "right", "down", "space", "up")
        await looked(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: source.submitted)
        (request,) = source.submitted
        assert isinstance(request, Migrate)
        assert (request.policy, request.max_downtime, request.bandwidth) == ("manual", 300, 100)
        assert (request.post_copy, request.storage) == ("allow", "copy-all")


async def test_more_options_open_and_esc_peels_them_off(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        box = dialog(app).query_one("#parallel", Input)
        assert not box.parent or not box.parent.display
        await choose(pilot, app, "more", "right")
        await until(pilot, lambda: bool(box.parent and box.parent.display))
        await choose(pilot, app, "parallel", *"4")
        await pilot.press("escape")
        await until(pilot, lambda: not (box.parent and box.parent.display))
        await looked(pilot, app)
        assert source.asked[-1].parallel == 4
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConsoleScreen))
        assert not source.submitted


async def test_a_hint_that_is_cut_is_shown_whole_where_the_cursor_is(app: VirtdeckApp) -> None:
    def reads() -> str:
        return " ".join(shown(app).replace("│", " ").split())

    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "more", "right")
        for field in FIELDS[1:]:
            if not dialog(app).query(f"#{field.id}"):
                continue  # its libvirt has no such thing
            dialog(app).query_one(f"#{field.id}").focus()
            await pilot.pause()
            hints = [meaning for _, meaning in field.choices] or [field.note]
            at = (
                [name for name, _ in field.choices].index(chosen(app, field.id))
                if field.choices
                else 0
            )
            for hint in hints[at:] + hints[:at]:
                await until(pilot, lambda hint=hint: " ".join(hint.split()) in reads())
                await pilot.press("right")


async def test_a_blocker_keeps_it_from_starting_until_its_name_is_typed(
    app: VirtdeckApp, source: Answering
) -> None:
    source.answers = answer(*DOUBTS, BLOCKERS[0], *FINE)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        text = found(app)
        assert text.index("blocker network-blue") < text.index("unknown post-copy")
        assert text.index("unknown post-copy") < text.index("warning interface-")
        assert "Define it there" in text
        assert dialog(app).query_one("#yes", Button).disabled
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not started. network-blue: " in messages(app))
        await looked(pilot, app)
        await choose(pilot, app, "override", *"network", "enter")
        assert dialog(app).query_one("#yes", Button).disabled
        assert "network-blue" in messages(app)
        await pilot.press("escape")
        assert dialog(app).query_one("#override", Input).value == ""
        await pilot.press(*"network-blue", "enter")
        await until(pilot, lambda: not dialog(app).query_one("#yes", Button).disabled)
        assert "overridden network-blue" in found(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: source.submitted)
        (request,) = source.submitted
        assert isinstance(request, Migrate)
        assert request.overrides == ("network-blue",)


async def test_what_no_override_helps_against_offers_none(
    app: VirtdeckApp, source: Answering
) -> None:
    source.answers = answer(Finding("there", Level.BLOCKER, "It is there.", fixed=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert not dialog(app).query_one("#override-line").display
        assert dialog(app).query_one("#yes", Button).disabled


async def test_another_destination_forgets_the_overrides(
    app: VirtdeckApp, source: Answering
) -> None:
    source.answers = answer(BLOCKERS[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "asterisk", "m")
        await looked(pilot, app)
        await choose(pilot, app, "override", *"network-blue", "enter")
        assert dialog(app).ready
        await choose(pilot, app, "to", "right")
        await looked(pilot, app)
        assert not dialog(app).ready
        assert source.asked[-1].overrides == ()


async def test_an_answer_to_what_is_no_longer_chosen_is_dropped(
    app: VirtdeckApp, source: Answering
) -> None:
    def by_policy(request: Migrate) -> object:
        return answer(*(FINE if request.policy == "adaptive" else BLOCKERS))(request)

    source.answers = by_policy  # type: ignore[assignment]
    source.hold = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(source.asked) == 1)
        await choose(pilot, app, "policy", "right")
        assert not dialog(app).ready
        await pilot.press("ctrl+s")
        assert "Starts once both hosts are looked at" in found(app)
        loop = app.bridge._loop
        assert loop is not None
        loop.call_soon_threadsafe(source.hold.set)
        await looked(pilot, app)
        assert [request.policy for request in source.asked] == ["adaptive", "nova"]
        assert "blocker network-blue" in found(app)
        assert not dialog(app).ready
        assert not source.submitted


async def test_the_dirty_rate_is_measured_once_what_blocks_is_told(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert (len(source.asked), len(source.measured)) == (1, 1)
        await choose(pilot, app, "policy", "right")
        await looked(pilot, app)
        assert (len(source.asked), len(source.measured)) == (2, 1)


async def test_while_it_is_measured_it_can_be_started(app: VirtdeckApp, source: Answering) -> None:
    source.hold_measured = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(source.measured) == 1)
        await until(pilot, lambda: "Measuring how fast it writes..." in found(app))
        assert FORESEEN is not None
        assert FORESEEN.sentence not in found(app)
        assert dialog(app).ready
        loop = app.bridge._loop
        assert loop is not None
        loop.call_soon_threadsafe(source.hold_measured.set)
        await until(pilot, lambda: FORESEEN.sentence in found(app))
        assert "Measuring" not in found(app)


async def test_keys_that_follow_one_another_ask_once(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        asked = len(source.asked)
        await choose(pilot, app, "bandwidth", *"12345")
        await looked(pilot, app)
        assert [request.bandwidth for request in source.asked[asked:]] == [12345]


async def test_the_screen_does_not_wait_for_the_hosts(app: VirtdeckApp, source: Answering) -> None:
    source.hold = asyncio.Event()  # never set: a host that hangs
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        assert "Looking at both hosts" in found(app)
        await choose(pilot, app, "policy", "right")
        assert chosen(app, "policy") == "nova"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConsoleScreen))


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("max_downtime", "0", "A max downtime of 0 ms makes no sense: give 1"),
        ("max_downtime", "soon", "Max downtime is a whole number, 1 to"),
        ("bandwidth", "-5", "A bandwidth of -5 MiB"),
        ("compression", "gzip", "gzip is none of"),
        ("compression", "zstd", "parallel connections only"),
        ("post_copy_bandwidth", "10", "needs post-copy"),
    ],
)
async def test_what_makes_no_sense_is_told_before_any_host_is_asked(
    app: VirtdeckApp, source: Answering, field: str, text: str, words: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        asked = len(source.asked)
        await choose(pilot, app, "more", "right")
        await choose(pilot, app, field, *text)
        await until(pilot, lambda: words in found(app))
        assert not dialog(app).ready
        await pilot.press("ctrl+s")
        assert len(source.asked) == asked
        assert not source.submitted


async def test_many_are_summed_up_and_what_is_there_is_left_out(
    app: VirtdeckApp, source: Answering
) -> None:
    def one_blocked(request: Migrate) -> object:
        name = names([request], source)[0]
        return answer(*((BLOCKERS[1],) if name == "batch" else ()), *DOUBTS, *FINE)(request)

    source.answers = one_blocked  # type: ignore[assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "asterisk", "m")
        await looked(pilot, app)
        assert chosen(app, "to") == "alpha"
        text = found(app)
        assert "2 of 3 can start, blocked: batch; 1 blocker, 3 unknown, 3 warnings" in text
        assert "3 instances left out: there already" in text
        assert "blocker snapshots" in text
        assert "(batch)" in text
        assert text.count("warning interface-") == 1
        assert not dialog(app).query("#destination_name")
        await choose(pilot, app, "override", *"snapshots", "enter", "ctrl+s")
        await until(pilot, lambda: len(source.submitted) == 3)
        assert sorted(names(source.submitted, source)) == ["archive", "batch", "mail"]
        await until(pilot, lambda: app.current_mode == "migrations")


async def test_what_the_core_refuses_cannot_be_overridden(
    app: VirtdeckApp, source: Answering
) -> None:
    source.refusals = ("shutdown of web is running: wait for it.",)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert "shutdown of web is running" in found(app)
        assert not dialog(app).query_one("#override-line").display
        assert not dialog(app).ready


async def test_a_host_that_cannot_be_looked_at_is_told(app: VirtdeckApp, source: Answering) -> None:
    source.error = UnreachableError("beta does not answer.", "See its link.")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert "beta does not answer. See its link." in found(app)
        assert not dialog(app).ready


async def test_what_is_off_is_moved_offline(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "slash", *"name:archive", "enter", "m")
        await looked(pilot, app)
        assert source.asked[-1].offline


async def test_the_mouse_does_it_too(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.click("#post_copy", offset=(6, 0))
        assert chosen(app, "post_copy") == "allow"
        await pilot.click("#post_copy", offset=(0, 0))
        assert chosen(app, "post_copy") == "never"
        await looked(pilot, app)
        await pilot.click("#yes")
        await until(pilot, lambda: source.submitted)


async def test_the_findings_can_be_read_to_their_end(app: VirtdeckApp, source: Answering) -> None:
    many = [Finding(f"disk-{n}", Level.WARNING, f"Disk {n}.", "Look.") for n in range(20)]
    source.answers = answer(*many)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        assert "Disk 19." not in shown(app)
        for _ in range(8):
            await pilot.press("pagedown")
        await pilot.pause()
        assert "virsh -c" in shown(app)
        await pilot.press(*["pageup"] * 8)
        await pilot.pause()
        assert "20 warnings" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_keys_and_buttons_are_in_sight_in_every_size(
    app: VirtdeckApp, source: Answering, size: tuple[int, int]
) -> None:
    source.answers = answer(*BLOCKERS, *DOUBTS, *FINE)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        for more in (False, True):
            if more:
                await choose(pilot, app, "more", "right")
                await pilot.pause()
            text = shown(app)
            for words in ("Migrate web from alpha", "Override", "Cancel", "Start", "esc cancel",
                          "2 blockers"):  # fmt: skip
                assert words in text, (words, more)


async def test_a_read_only_console_opens_none(app: VirtdeckApp, source: Answering) -> None:
    source.read_only = True
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *WEB)
        assert isinstance(app.screen, ConsoleScreen)
        assert "read-only" in messages(app)


async def test_one_instance_s_own_screen_has_it_too(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"name:web", "enter", "enter")
        await settled(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MigrateDialog))
        assert "Migrate web from alpha" in shown(app)


def test_the_fields_are_those_of_the_request() -> None:
    from console.screens.migrations.migrate_form import FIELDS

    elsewhere = {"subject", "overrides", "rewrites"}
    assert {field.id for field in FIELDS} | elsewhere == set(Migrate.__struct_fields__)

"""The screens of migrations: what they show in every status and at every size, what keys do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Button

from console.actions.registry import actions_on, footer_entries
from console.glyphs import glyphs
from console.screens.base import ConsoleScreen
from console.screens.dialogs.control import ChoiceDialog, ValueDialog
from console.screens.dialogs.question import QuestionDialog
from console.screens.instances.instance import InstanceScreen
from console.screens.migrations import log, panels
from console.screens.migrations.migration import MigrationScreen
from console.screens.migrations.migrations import MigrationsScreen
from console.screens.migrations.report import ReportScreen
from console.screens.page import Page
from console.screens.parts import PartsLine
from console.screens.table_text import plain
from console.screens.view import View
from console.shell.app import VirtdeckApp
from core.model import (
    Answer,
    Link,
    LinkStatus,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
    Steer,
    SteerKind,
)
from core.model.observation import LinkChanged, MigrationChanged, OperationChanged
from core.verbs.migration.requests import ResumeMigration
from tests.screens.conftest import press, settled, until
from tests.screens.migration_source import STATUSES, MigrationSource, app_of, several, the
from tests.unit.migration_builders import START, migration, record

SIZES = ((80, 24), (120, 40), (200, 50))
COCKPIT = ("6", "enter")


def text_of(app: VirtdeckApp) -> str:
    """Everything on the screen, line by line."""
    compositor = app.screen._compositor
    return "\n".join("".join(piece.text for piece in line) for line in compositor.render_strips())


def question_of(app: VirtdeckApp) -> str:
    """What the question says, as one line."""
    pages = [page for page in app.screen.query(".dialog Page") if isinstance(page, Page)]
    lines = ["".join(page.render_line(y).text) for page in pages for y in range(page.size.height)]
    return " ".join(" ".join(lines).split())


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def messages(app: VirtdeckApp) -> str:
    return "\n".join(f"{toast.title} {toast.message}" for toast in app._notifications)


def page_of(app: VirtdeckApp) -> str:
    """The whole page of the cockpit, what is below the fold too."""
    lines = []
    for widget in app.screen.query("#figures, #charts, #done, #controls, #log"):
        if widget.display:
            lines += ["".join(widget.render_line(y).text) for y in range(widget.size.height)]
    return "\n".join(lines)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("status", STATUSES)
async def test_the_cockpit_shows_every_status_at_every_size(
    status: str, size: tuple[int, int]
) -> None:
    app = app_of(MigrationSource(*the(status)))
    async with app.run_test(size=size) as pilot:
        await press(pilot, *COCKPIT)
        assert isinstance(app.screen, MigrationScreen)
        row = app.screen.migration
        assert row is not None
        lines = text_of(app).splitlines()
        assert all(len(line) <= size[0] for line in lines)
        above = "\n".join(lines)
        for word in (row.status.value, "web", "alpha", "beta", "source", "destination"):
            assert word in above, word


SAID = {
    "running": ("will not converge", "it needs 850 ms", "expected 812 ms !", "medium"),
    "copying-disks": ("disks", "300M of 900M left", "vda, vdb"),
    "post-copy": ("requests 321", "cannot be aborted", "P post-copy"),
    "completed": ("was 280 ms", "900M sent", "not seen", "still defined, on alpha"),
    "aborted": ("runs on at alpha",),
    "failed": ("The disk of beta is full.", "Make room on beta"),
    "interrupted": (
        "alpha lost the connection to beta",
        "by itself",
        "split brain",
        "cannot be aborted",
    ),
    "post-copy-failed": ("split brain", "R resumes", "postcopy-resume"),
    "lost": ("The link to alpha is not up", "10s old", "as of 10s ago"),
    "queued": ("not begun to copy",),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_the_cockpit_says_what_counts(status: str) -> None:
    app = app_of(MigrationSource(*the(status)))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *COCKPIT)
        page = " ".join(page_of(app).split())
        for words in SAID[status]:
            assert words in page, words


@pytest.mark.parametrize("theme", ["light", "high-contrast", "colour-blind-safe", "monochrome"])
async def test_it_can_be_drawn_in_every_theme(theme: str) -> None:
    app = app_of(MigrationSource(*the("running")), theme)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT)
        assert "will not converge" in text_of(app)


async def test_what_runs_comes_first_then_what_waits_then_what_is_over() -> None:
    app = app_of(MigrationSource(*several()))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6")
        assert isinstance(app.screen, MigrationsScreen)
        rows = app.screen.table.model
        names = [rows.rows[key].name for key in rows.order]
        assert names[0] == "mail", "post-copy: the one that cannot be taken back"
        assert set(names[1:4]) == {"cache", "theirs", "web"}
        assert names[4:] == ["db", "bad", "split", "gone", "old"]


async def test_the_list_is_filtered_by_words_and_to_what_is_not_over() -> None:
    app = app_of(MigrationSource(*several()))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "6", "slash", *"not converge", "enter")
        assert isinstance(app.screen, MigrationsScreen)
        assert app.screen.table.counts.visible == 1
        await press(pilot, "escape", "ctrl+z")
        assert app.screen.table.counts.visible == 5
        await press(pilot, "ctrl+z")
        assert app.screen.table.counts.visible == 9


async def test_an_empty_list_says_what_to_do() -> None:
    app = app_of(MigrationSource(*the("queued")[:-1]))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "6")
        assert "Nothing migrates" in text_of(app)
        await press(pilot, "X", "x", "r", "enter")
        assert "no migration to choose" in messages(app)


STEERED = [
    (("X", "y"), Steer(SteerKind.ABORT)),
    (("o", "y"), Steer(SteerKind.POST_COPY)),
    (("p", "y"), Steer(SteerKind.PAUSE)),
    (("d", *"800", "enter"), Steer(SteerKind.MAX_DOWNTIME, 800.0)),
    (("b", *"0", "enter"), Steer(SteerKind.BANDWIDTH, 0.0)),
    (("B", *"64", "enter"), Steer(SteerKind.POST_COPY_BANDWIDTH, 64.0)),
    (("plus",), Steer(SteerKind.MAX_DOWNTIME, 450.0)),
    (("minus",), Steer(SteerKind.MAX_DOWNTIME, 200.0)),
    (("m", "2"), Steer(SteerKind.POLICY, text="nova")),
]


@pytest.mark.parametrize("place", [("6",), COCKPIT], ids=["list", "cockpit"])
@pytest.mark.parametrize(("keys", "steer"), STEERED, ids=[keys[0] for keys, _ in STEERED])
async def test_a_key_steers(keys: tuple[str, ...], steer: Steer, place: tuple[str, ...]) -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *place, *keys)
        await until(pilot, lambda: bool(source.steered))
        await settled(pilot)
        assert source.steered == [("migration-of-web", steer)]
        assert "web: done" in messages(app)


@pytest.mark.parametrize("keys", [("escape",), ("n",), ("enter",), ("tab", "tab", "enter")])
@pytest.mark.parametrize("key", ["X", "o", "p", "m"])
async def test_the_way_of_least_effort_changes_nothing(key: str, keys: tuple[str, ...]) -> None:
    if key == "m" and "tab" in keys:
        keys = ("tab", "escape")
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, key)
        assert isinstance(app.screen, QuestionDialog)
        await press(pilot, *keys)
        assert isinstance(app.screen, MigrationScreen)
        assert source.steered == []


async def test_the_switch_to_post_copy_is_explained_before_it_is_made() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "o")
        said = question_of(app)
        assert "until that has followed it cannot be aborted" in said
        assert "it is lost when either host is" in said
        assert "virsh migrate-postcopy web" in said


async def test_an_abort_names_the_instance_and_where_it_runs_on() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "X")
        said = question_of(app)
        assert "Abort the migration of web?" in said
        assert "it runs on at alpha, and what was sent (43%) is thrown away" in said
        assert "virsh domjobabort web" in said


@pytest.mark.parametrize("status", [MigrationStatus.ABORTED, MigrationStatus.FAILED])
async def test_what_ended_early_does_not_look_nearly_done(status: MigrationStatus) -> None:
    row = migration(status=status, progress=0.95, started=START, ended=START + 9, policy="manual")
    lines = "\n".join(map(plain, panels.summary(View(lambda: START, None, State()), row, 80)))
    assert "stopped at 95%" in lines
    assert glyphs().gap not in lines
    done = [plain(one) for one in log.actions(View(lambda: START, None, State()), row)]
    assert done == [" What was done, policy manual", "  nothing"]


def told(app: VirtdeckApp) -> str:
    return "\n".join(str(toast.message) for toast in app._notifications)


@pytest.mark.parametrize("typed", ["", "x", "-5", "1.5", "0", "9999999999"])
async def test_what_is_no_downtime_is_not_set(typed: str) -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = ["minus" if sign == "-" else "full_stop" if sign == "." else sign for sign in typed]
        await press(pilot, *COCKPIT, "d", *keys, "enter")
        assert isinstance(app.screen, ValueDialog)
        assert "A whole number of ms, from 1." in told(app)
        assert source.steered == []


async def test_a_value_says_what_it_would_do_before_it_is_set() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "d", *"400")
        assert "still not finish" in text_of(app)
        assert "virsh migrate-setmaxdowntime web 400" in text_of(app)
        await press(pilot, *["backspace"] * 3, *"900")
        assert "It would finish." in text_of(app)
        assert "more than the 500 ms" in text_of(app)


async def test_a_policy_is_chosen_by_its_button_too() -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "m")
        assert isinstance(app.screen, ChoiceDialog)
        await press(pilot, "9")
        assert isinstance(app.screen, ChoiceDialog), "there are fewer"
        assert "Choose one with 1 to " in told(app)
        manual = [button for button in app.screen.query(Button) if button.name == "manual"]
        assert await pilot.click(manual[0])
        await until(pilot, lambda: bool(source.steered))
        assert isinstance(app.screen, MigrationScreen)
        assert source.steered == [("migration-of-web", Steer(SteerKind.POLICY, text="manual"))]


ANSWERS = [
    (Answer.REFUSED, "The domain has no job."),
    (Answer.NO_ANSWER, "may yet take effect"),
    (Answer.REQUESTED, "It was sent"),
]


@pytest.mark.parametrize(("answer", "said"), ANSWERS)
async def test_an_answer_is_told(answer: Answer, said: str) -> None:
    source = MigrationSource(*the("running"))
    source.answer = answer
    source.detail_text = said if answer is Answer.REFUSED else ""
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "X", "y")
        await until(pilot, lambda: bool(app._notifications))
        assert f"Abort web: {answer.value}" in messages(app)
        assert said in messages(app)


REFUSED = [
    ("completed", "X", "There is nothing to abort: it is completed."),
    ("aborted", "d", "There is nothing to steer: it is aborted."),
    ("copying-disks", "o", "Post-copy was not allowed at the start."),
    ("copying-disks", "B", "Post-copy was not allowed at the start."),
    ("post-copy", "X", "In post-copy it cannot be aborted"),
    ("post-copy", "plus", "no downtime left to limit"),
    ("queued", "o", "Post-copy was not allowed"),
    ("queued", "d", "not begun to copy"),
    ("lost", "X", "The link to alpha is lost"),
    ("running", "R", "Only a failed post-copy is resumed"),
    ("post-copy-failed", "X", "nothing to abort"),
    ("post-copy-failed", "u", "split brain"),
    ("post-copy", "u", "split brain"),
    ("completed", "u", "split brain"),
]


@pytest.mark.parametrize(("status", "key", "said"), REFUSED)
async def test_a_control_that_does_nothing_says_why(status: str, key: str, said: str) -> None:
    source = MigrationSource(*the(status))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, key)
        assert isinstance(app.screen, MigrationScreen)
        assert said in messages(app)
        assert source.steered == []
        assert source.submitted == []


async def test_a_failed_post_copy_is_resumed_after_a_yes() -> None:
    source = MigrationSource(*the("post-copy-failed"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "R")
        assert "--postcopy-resume" in text_of(app)
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        (request,) = source.submitted
        assert isinstance(request, ResumeMigration)
        assert request.subject.id == "web-uuid"


async def test_what_the_core_refuses_is_told() -> None:
    source = MigrationSource(*the("post-copy-failed"))
    source.reasons = ("beta runs a libvirt that cannot.",)
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "R", "y")
        await until(pilot, lambda: "cannot." in messages(app))
        assert source.submitted == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_migration_of_a_host_that_is_not_open_has_no_controls(
    size: tuple[int, int],
) -> None:
    row = migration(
        host="alpha (not open)", to="beta (not open)", not_open="qemu+ssh://root@h1/system"
    )
    source = MigrationSource(MigrationChanged(row.host, START, row))
    app = app_of(source)
    async with app.run_test(size=size) as pilot:
        await press(pilot, *COCKPIT)
        shown = " ".join(text_of(app).split())
        assert "Controls" not in shown
        assert "not open" in shown
        for key in ("X", "o", "d", "plus", "m", "p", "R", "u"):
            app.clear_notifications()
            await press(pilot, key)
            said = messages(app)
            assert "alpha (not open) is another host than those open here" in said, key
            assert "open qemu+ssh://root@h1/system to steer its migration" in said, key
        assert (source.steered, source.submitted) == ([], [])


async def test_an_operation_of_a_host_that_is_not_open_is_shown_as_such_and_not_cancelled() -> None:
    key = ObjectKey("instance", "alpha (not open)", "web-uuid")
    record = OperationRecord(
        *("op", "shutdown", key.host, key, "web", "ann@console", START, OperationStatus.RUNNING),
        not_open="qemu+ssh://root@h1/system",
    )
    app = app_of(MigrationSource(OperationChanged(key.host, START, record)))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "4", "X")
        said = "alpha (not open) is another host than those open here"
        assert said in messages(app)
        assert said in " ".join(text_of(app).split())
        assert not isinstance(app.screen, QuestionDialog)


async def test_a_read_only_console_steers_nothing_and_says_so() -> None:
    source = MigrationSource(*the("running"), read_only=True)
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *COCKPIT)
        for key in ("X", "o", "d", "plus", "m", "p", "R", "u"):
            app.clear_notifications()
            await press(pilot, key)
            assert "read-only" in messages(app), key
        footer = app.screen.query_one("#footer", PartsLine).render_line(0).text
        assert "Abort" not in footer
        assert source.steered == []


async def test_the_footer_keeps_its_promises() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(200, 50)) as pilot:
        for keys in (("6",), ("enter",), ("r",)):
            await press(pilot, *keys)
            screen = app.screen
            assert isinstance(screen, ConsoleScreen)
            bound = set(app.active_bindings)
            for _, title, entry in footer_entries(screen.registry_layer):
                assert entry.keys[0] in bound, (screen.registry_layer, title)


@pytest.mark.parametrize("place", [("6",), COCKPIT, (*COCKPIT, "r")])
async def test_every_action_of_the_registry_can_be_run(place: tuple[str, ...]) -> None:
    """From the palette or by a click: none of them may end the console."""
    app = app_of(MigrationSource(*the("completed"), read_only=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *place)
        screen = app.screen
        assert isinstance(screen, ConsoleScreen)
        for entry in actions_on(screen.registry_layer):
            if entry.scope in ("steer", "migrations", "migration"):
                await screen.action_run(entry.id)
                await settled(pilot)
                while app.screen is not screen:
                    await press(pilot, "escape")


async def test_keys_of_other_screens_say_where_they_work() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "f")
        assert "Shut down (on instances)" in messages(app)
        app.clear_notifications()
        await press(pilot, "1", "x")
        assert "What can be done (on operations, on migrations)" in messages(app)


async def test_an_instance_opens_its_migration_and_says_that_it_migrates() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(200, 50)) as pilot:
        await press(pilot, "1")
        assert "migrating to beta, 12 s left, will not converge" in text_of(app)
        assert "migrating from alpha, 12 s left" in text_of(app)
        await press(pilot, "w")
        assert isinstance(app.screen, MigrationScreen)
        await press(pilot, "i")
        assert isinstance(app.screen, InstanceScreen)
        await press(pilot, "w")
        assert isinstance(app.screen, MigrationScreen)
        await press(pilot, "escape", "escape", "escape")
        assert app.screen.query("LiveTable")


async def test_an_instance_without_one_says_so() -> None:
    app = app_of(MigrationSource(*the("queued")[:-1]))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "w")
        assert "No migration of it is remembered." in messages(app)


async def test_the_cockpit_goes_from_one_migration_to_the_next() -> None:
    app = app_of(MigrationSource(*several()))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT)
        screen = app.screen
        assert isinstance(screen, MigrationScreen)
        seen = set()
        for _ in range(5):
            assert screen.migration is not None
            seen.add(screen.migration.name)
            await press(pilot, "right_square_bracket")
        assert seen == {"mail", "cache", "theirs", "web", "db"}


async def test_the_cockpit_follows_to_the_end() -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT)
        over = migration(
            status=MigrationStatus.COMPLETED, ended=START + 19, outcome="web runs on beta."
        )

        async def tell(_: object) -> None:
            source.tell(MigrationChanged("alpha", START + 19, over))

        app.ask(tell, lambda _: None)
        await until(pilot, lambda: "completed" in text_of(app))
        assert "100%" in text_of(app)
        assert "x Abort" not in text_of(app)


async def test_the_list_can_be_drawn_again_at_any_size() -> None:
    app = app_of(MigrationSource(*several()))
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (("6",), ("enter",), ("r",)):
            await press(pilot, *keys)
            for size in ((40, 10), (200, 50), (80, 24)):
                await pilot.resize_terminal(*size)
                await settled(pilot)
                assert app.screen.size == size


@pytest.mark.parametrize("width", [80, 120])
async def test_a_destination_that_is_not_open_here_is_named_as_the_source_knows_it(
    width: int,
) -> None:
    theirs = migration(to="", uri="qemu+ssh://far.example/system", foreign=True, author="")
    source = MigrationSource(*the("queued")[:-1], MigrationChanged("alpha", START, theirs))
    app = app_of(source)
    async with app.run_test(size=(width, 40)) as pilot:
        await press(pilot, *COCKPIT)
        said = " ".join(page_of(app).split())
        assert "not open here qemu+ssh://far.example/system" in said
        assert "not started here" in said
        await press(pilot, "o")
        assert "Switch web to post-copy?" in text_of(app), "what they allowed is not known"


@pytest.mark.parametrize("width", [80, 120])
async def test_a_destination_out_of_reach_is_shown_as_old(width: int) -> None:
    down = Link(LinkStatus.DOWN, since=START + 5, error="It does not answer.")
    source = MigrationSource(*the("running"), LinkChanged("beta", START + 5, down))
    app = app_of(source)
    async with app.run_test(size=(width, 40)) as pilot:
        await press(pilot, *COCKPIT)
        said = " ".join(page_of(app).split())
        assert "beta" in said
        assert "down, 10s old" in said
        assert "will not converge" in said, "the source still tells"


async def test_what_a_policy_says_stands_on_top_until_something_is_done() -> None:
    asked = record(SteerKind.ADVISE, steer=Steer(SteerKind.ADVISE, reason="Allow 850 ms."),
                   answer=Answer.ADVISED)  # fmt: skip
    for steering, seen in (((asked,), True), ((asked, record()), False)):
        row = migration(steering=steering)
        app = app_of(MigrationSource(*the("queued")[:-1], MigrationChanged("alpha", START, row)))
        async with app.run_test(size=(80, 24)) as pilot:
            await press(pilot, *COCKPIT)
            assert ("! The policy adaptive says: Allow 850 ms." in text_of(app)) is seen


async def test_a_click_on_a_control_is_its_key() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(200, 50)) as pilot:
        await press(pilot, *COCKPIT)
        assert await pilot.click("#controls", offset=(8, 1))
        await settled(pilot)
        assert "Abort the migration of web?" in text_of(app)


async def test_the_text_of_a_guest_cannot_draw() -> None:
    evil = migration(
        name="web\x1b[31m[red]", outcome="\x1b]0;owned\x07 [bold]text", forecast=None, policy="nova"
    )
    source = MigrationSource(*the("queued")[:-1], MigrationChanged("alpha", START, evil))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (("6",), ("enter",), ("X",), ("escape", "x")):
            await press(pilot, *keys)
            assert "\x1b" not in text_of(app)
            assert "[red]" in text_of(app), "shown as it is written"


async def test_the_report_is_text_markdown_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_of(MigrationSource(*the("completed")))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *COCKPIT, "r")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        assert screen.written().startswith("Migration of web from alpha to beta\n")
        await press(pilot, "w", "tab")
        assert screen.written().startswith("# Migration of web")
        await press(pilot, "w", "tab")
        assert json.loads(screen.written())["downtime"]["within_limit"] is True
        await press(pilot, "w", "c")
        assert '"status": "completed"' in app.clipboard
        saved = files_in(tmp_path)
        assert saved == [f"migration-web-20231115-001318.{end}" for end in ("json", "md", "txt")]
        app.clear_notifications()
        await press(pilot, "w")
        assert "Not saved" in messages(app), "never over another file"
        await press(pilot, "tab", "escape")
        assert isinstance(app.screen, MigrationScreen)

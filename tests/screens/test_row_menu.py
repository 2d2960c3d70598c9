"""The menu of an operation and of a migration: what can be done, what cannot and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.question import QuestionDialog
from console.screens.dialogs.row_menu import RowMenu
from console.screens.instances.instance import InstanceScreen
from console.screens.migrations.migration import MigrationScreen
from console.screens.operations.calls import CallsScreen
from console.screens.operations.operations import OperationsScreen
from console.shell.app import VirtdeckApp
from core.model import ObjectKey, OperationRecord, OperationStatus, Steer, SteerKind
from core.model.observation import MigrationChanged, OperationChanged
from core.model.operation import AnswerChoice, OperationQuestion, OperationStep
from core.verbs.registry import VERBS
from tests.screens.conftest import SIZES, press, settled, until
from tests.screens.migration_source import START, MigrationSource, the
from tests.screens.test_migration_screens import COCKPIT, app_of, messages, text_of
from tests.unit.migration_builders import migration

KEY = ObjectKey("instance", "alpha", "web-uuid")
CALL = OperationStep(START, "asking the guest", "shutdown", "virsh shutdown web", 0.004)


def operation(verb: str, status: OperationStatus, **more: object) -> OperationRecord:
    return OperationRecord(
        *("op", verb, "alpha", KEY, "web", "bob@desk", START, status), **more
    )  # fmt: skip


def source_of(*records: OperationRecord, read_only: bool = False) -> MigrationSource:
    told = [OperationChanged("alpha", START, record) for record in records]
    return MigrationSource(*the("running"), *told, read_only=read_only)


def line_of(app: VirtdeckApp, title: str) -> str:
    return next(line for line in text_of(app).splitlines() if f"  {title}  " in line)


def chosen(app: VirtdeckApp, title: str) -> bool:
    """Whether the cursor is on a line."""
    return "│ >" in line_of(app, title)


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> RowMenu:
    await press(pilot, *keys, "x")
    await until(pilot, lambda: isinstance(app.screen, RowMenu))
    await settled(pilot)
    assert isinstance(app.screen, RowMenu)
    return app.screen


async def test_an_operation_under_way_is_cancelled_from_its_menu_after_a_yes() -> None:
    source = source_of(operation("shutdown", OperationStatus.RUNNING, steps=(CALL,)))
    cancelled: list[str] = []

    async def cancel(operation_id: str) -> None:
        cancelled.append(operation_id)

    source.cancel = cancel  # type: ignore[method-assign]
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        assert "shutdown web on alpha" in text_of(app)
        assert chosen(app, "Tell its end"), "enter alone cancels nothing"
        await press(pilot, "end")
        assert chosen(app, "Cancel"), "it comes last"
        shown = " ".join(text_of(app).replace("│", " ").split())
        assert "been sent yet: web stays as it is. Asks first." in shown, shown
        await press(pilot, "enter")
        assert isinstance(app.screen, QuestionDialog)
        assert cancelled == []
        await press(pilot, "y")
        await until(pilot, lambda: cancelled == ["op"])


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (operation("shutdown", OperationStatus.DONE), "It is over: done."),
        (operation("stop", OperationStatus.RUNNING), "has been sent and cannot be taken back"),
        (
            operation("shutdown", OperationStatus.RUNNING, not_open="qemu+ssh://h1/system"),
            "another host than those open here",
        ),
    ],
    ids=["over", "sent", "not open"],
)
async def test_what_cannot_be_cancelled_is_grey_says_why_and_stays(
    record: OperationRecord, why: str
) -> None:
    app = app_of(source_of(record))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "4")
        assert why in line_of(app, "Cancel")
        assert not chosen(app, "Cancel")
        await press(pilot, "X")
        assert isinstance(app.screen, RowMenu)
        assert text_of(app).count(why) >= 2, "on the line, and below"
        await press(pilot, "escape", "X")
        assert why in messages(app)
        assert not isinstance(app.screen, QuestionDialog)


async def test_the_end_of_somebody_elses_operation_can_be_waited_for() -> None:
    source = source_of(operation("shutdown", OperationStatus.RUNNING))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        await press(pilot, "w")
        assert "The end of shutdown web will be told." in messages(app)
        await opened(pilot, app)
        assert "tells its end already" in line_of(app, "Tell its end")
        await press(pilot, "escape")
        over = operation("shutdown", OperationStatus.DONE, outcome="web is off", ended=START + 9)
        app.bridge.ask(lambda _: _told(source, over))
        await until(pilot, lambda: "web is off" in messages(app))


async def _told(source: MigrationSource, record: OperationRecord) -> None:
    source.tell(OperationChanged("alpha", START + 9, record))


OPENED: list[tuple[str, type]] = [("i", InstanceScreen), ("l", CallsScreen)]


@pytest.mark.parametrize(("letter", "screen"), OPENED, ids=["instance", "calls"])
async def test_what_it_is_about_can_be_opened(letter: str, screen: type) -> None:
    app = app_of(source_of(operation("shutdown", OperationStatus.DONE, steps=(CALL,))))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        assert "no migration" in line_of(app, "Its migration")
        await press(pilot, letter)
        await until(pilot, lambda: isinstance(app.screen, screen))


async def test_the_calls_of_one_operation_have_its_menu_and_those_of_all_have_none() -> None:
    other = operation("start", OperationStatus.DONE, steps=(CALL,))
    app = app_of(
        source_of(operation("stop", OperationStatus.DONE, steps=(CALL,)), _as(other, "other"))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "at")
        assert "2 calls" in text_of(app)
        await press(pilot, "x")
        assert isinstance(app.screen, CallsScreen)
        assert "4 goes to those" in messages(app)
        await press(pilot, "escape", "4", "slash", *"stop", "enter")
        await opened(pilot, app)
        await press(pilot, "l")
        assert "1 call" in text_of(app)
        await opened(pilot, app)
        assert "stop web on alpha" in text_of(app)
        assert "These are its calls." in line_of(app, "Its calls")


def _as(record: OperationRecord, id_: str) -> OperationRecord:
    from msgspec.structs import replace

    return replace(record, id=id_)


async def test_an_operation_that_is_a_migration_leads_to_it() -> None:
    record = _as(operation("migrate", OperationStatus.RUNNING), "migration-of-web")
    app = app_of(source_of(record))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, MigrationScreen))


@pytest.mark.parametrize("place", [("6",), COCKPIT], ids=["list", "cockpit"])
async def test_a_migration_has_its_menu(place: tuple[str, ...]) -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *place)
        assert "migration of web" in text_of(app)
        assert "Only a failed post-copy is resumed" in line_of(app, "Resume post-copy")
        await press(pilot, "R")
        assert isinstance(app.screen, RowMenu), "what cannot be stays"
        await press(pilot, "X")
        assert "Abort the migration of web?" in text_of(app)
        assert source.steered == []
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.steered))
        assert source.steered == [("migration-of-web", Steer(SteerKind.ABORT))]


async def test_wrong_keys_say_so_and_do_nothing() -> None:
    source = MigrationSource(*the("running"))
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        menu = await opened(pilot, app, "6")
        for key, label in (("Z", "Z"), ("f5", "f5"), ("delete", "delete"), ("ctrl+r", "^r")):
            await press(pilot, key)
            assert f"{label} is nothing here: esc closes." in text_of(app)
            assert app.screen is menu
        assert source.steered == []


async def test_a_click_on_a_line_does_it() -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "6")
        await pilot.click("MenuList", offset=(5, 0))
        await settled(pilot)
        assert "Abort the migration of web?" in text_of(app)


async def test_a_console_that_only_reads_shows_it_and_opens_what_changes_nothing() -> None:
    record = operation("shutdown", OperationStatus.RUNNING)
    app = app_of(source_of(record, read_only=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        assert "This console is read-only" in line_of(app, "Cancel")
        await press(pilot, "X", "escape", "X")
        assert "read-only" in messages(app)
        await opened(pilot, app)
        await press(pilot, "i")
        await until(pilot, lambda: isinstance(app.screen, InstanceScreen))


@pytest.mark.parametrize(("place", "key"), [("4", "X"), ("4", "x"), ("6", "X"), ("6", "x")])
async def test_with_others_marked_it_is_not_done_to_the_one_under_the_cursor(
    place: str, key: str
) -> None:
    records = [_as(operation("shutdown", OperationStatus.RUNNING), name) for name in "ab"]
    source = MigrationSource(
        *(*the("running"), MigrationChanged("alpha", START, migration(id="other"))),
        *(OperationChanged("alpha", START, record) for record in records),
    )
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, place, "asterisk", key)
        assert "under the cursor, and 2 " in messages(app)
        assert not isinstance(app.screen, RowMenu | QuestionDialog)
        await press(pilot, "ctrl+backslash", key)
        assert isinstance(app.screen, RowMenu | QuestionDialog)


async def test_without_a_row_there_is_no_menu() -> None:
    app = app_of(MigrationSource(*the("queued")[:-1]))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "x", "X")
        assert isinstance(app.screen, OperationsScreen)
        assert "There is no operation to choose here." in messages(app)


MENUS = {"operation": ("4", "x"), "migration": ("6", "x"), "refused": ("4", "x", "X")}


@pytest.mark.parametrize("size", [SIZES[0], SIZES[2]], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("case", MENUS)
def test_row_menu(snap_compare: Callable[..., bool], case: str, size: tuple[int, int]) -> None:
    verb = "stop" if case == "refused" else "shutdown"
    app = app_of(source_of(operation(verb, OperationStatus.RUNNING, started=START, steps=(CALL,))))

    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *MENUS[case])

    assert snap_compare(app, terminal_size=size, run_before=run_before)


QUESTION = OperationQuestion(
    "nmi-1", "nmi of web was sent: its console ended as it was sent. Send it again?",
    (AnswerChoice("again", "send it again"),
     AnswerChoice("leave", "leave it as it is", harmless=True)),
)  # fmt: skip
LISTED = ("again", "leave", "Answer", "Tell its end", "Cancel")


async def test_what_an_operation_asks_is_shown_and_answered_from_its_menu() -> None:
    source = source_of(operation("nmi", OperationStatus.ASKING, steps=(CALL,), question=QUESTION))
    answers: list[tuple[str, str]] = []

    async def answer(operation_id: str, word: str) -> None:
        answers.append((operation_id, word))

    source.answer = answer  # type: ignore[method-assign]
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "4")
        await until(pilot, lambda: "asking" in text_of(app))
        assert "x answers: again or leave." in text_of(app)
        await opened(pilot, app)
        lines = [title for title in LISTED if f"  {title}  " in text_of(app)]
        assert lines == ["again", "leave", "Tell its end", "Cancel"], "the answers, at once"
        assert sorted(lines, key=text_of(app).index) == lines
        assert "Send it again?" in text_of(app)
        assert chosen(app, "leave"), "what leaves it as it is"
        await press(pilot, "enter")
        await until(pilot, lambda: answers == [("op", "leave")])
        await opened(pilot, app)
        await press(pilot, "a")
        await until(pilot, lambda: answers[1:] == [("op", "again")])


async def test_where_each_answer_takes_something_away_enter_gives_none() -> None:
    force = OperationQuestion(
        "wait-on-1", "force it now?", (AnswerChoice("force", "cut", "Lost."),)
    )
    app = app_of(source_of(operation("shutdown", OperationStatus.VERIFYING, question=force)))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        assert line_of(app, "force")
        assert chosen(app, "Tell its end")


async def test_an_operation_that_asks_nothing_cannot_be_answered() -> None:
    app = app_of(source_of(operation("shutdown", OperationStatus.RUNNING, steps=(CALL,))))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "4")
        assert "It asks nothing." in line_of(app, "Answer")


async def test_what_is_done_is_undone_and_forgotten_from_its_menu_after_a_yes() -> None:
    undo = {"verb": "title", "text": "old", "when": "both"}
    source = source_of(operation("title", OperationStatus.DONE, steps=(CALL,), undo=undo))
    forgotten: list[str] = []

    async def forget(operation_id: str) -> None:
        forgotten.append(operation_id)

    source.forget = forget  # type: ignore[method-assign]
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "4")
        assert "title web: title old" in line_of(app, "Undo")
        await press(pilot, "u")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        assert "Undo title web on alpha?" in text_of(app)
        await press(pilot, "y")
        await until(pilot, lambda: [one.verb for one in source.submitted] == ["title"])
        await opened(pilot, app)
        await press(pilot, "f")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        assert forgotten == []
        await press(pilot, "y")
        await until(pilot, lambda: forgotten == ["op"])


async def test_an_operation_of_every_verb_is_drawn_while_it_runs() -> None:
    records = [
        OperationRecord(
            f"op-{verb}", verb, "alpha", KEY, "web", "bob@desk", START, OperationStatus.RUNNING,
            started=START,
        )
        for verb in VERBS
    ]  # fmt: skip
    app = app_of(source_of(*records))
    async with app.run_test(size=(200, 2 * len(VERBS))) as pilot:
        await press(pilot, "4")
        await until(pilot, lambda: text_of(app).count(" running ") >= len(VERBS))
        assert "title" in text_of(app), "whose request needs more than a subject"

"""What can be done to an operation from a screen, and why it cannot. UI thread; the offers pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from console import format as fmt
from console.actions.verb_menu import letters
from console.screens.menu_lines import MenuLine
from console.screens.option_words import option_words
from console.screens.row_menu import Choices, Offer, open_row_menu
from console.screens.storage.opening import open_storage
from console.screens.subjects import READ_ONLY
from console.screens.submitting import submit_or_explain, tell_against
from console.widgets.columns import Cell
from core.model import OperationRecord, State
from core.model.operation import OperationQuestion
from core.model.text import clean
from core.state.calls import calls_made, calls_unknown, virsh_lines
from core.state.subject import owner_of, subject_of
from core.verbs import checks
from core.verbs.danger import danger, danger_of_answer, danger_of_cancel
from core.verbs.registry import VERBS
from core.verbs.undoing import against_forgetting, against_undo, undoing

if TYPE_CHECKING:
    from console.screens.base import ConsoleScreen
    from console.shell.app import VirtdeckApp


def operation_offers(
    state: State, record: OperationRecord, *, watched: bool
) -> Mapping[str, Offer]:
    """What can be done to an operation now; `watched`: its end will be told here."""
    return {
        "operations.answer": _answering(record),
        "operations.cancel": Offer(_against_cancel(record), danger_of_cancel(record).text),
        "operations.undo": _undoing(record),
        "operations.forget": Offer(against_forgetting(record)),
        "operations.wait": Offer(_over(record) or (_WATCHED if watched else "")),
        "operations.migration": Offer(
            "" if record.id in state.migrations else "It is no migration that is remembered."
        ),
        "operations.subject": Offer(_against_opening(state, record)),
        "operations.calls": Offer("" if calls_made(state, record.id) else no_calls(record)),
        "operations.copy": Offer(_against_copying(state, record)),
    }


_WATCHED = "This console tells its end already."


def _answering(record: OperationRecord) -> Offer:
    if record.question is None:
        return Offer(_over(record) or "It asks nothing.")
    against = not_here(record) if record.not_open else ""
    return Offer(against, clean(record.question.text))


def _undoing(record: OperationRecord) -> Offer:
    if against := against_undo(record):
        return Offer(against)
    if record.not_open:
        return Offer(not_here(record))
    return Offer("", f"Asks for {clean(undo_words(record))}")


def undo_words(record: OperationRecord) -> str:
    """What undoing an operation would ask for."""
    request = undoing(record)
    if request is None:
        return ""
    given = {name: value for name, value in record.undo.items() if name != "verb"}
    options = ", ".join(option_words(request.verb, given))
    return f"{request.verb} {record.name}{f': {options}' if options else ''}"


def _over(record: OperationRecord) -> str:
    return f"It is over: {record.status.value}." if record.status.final else ""


def _against_cancel(record: OperationRecord) -> str:
    if over := _over(record):
        return over
    if record.not_open:
        return not_here(record)
    error = checks.against_taking_back(record)
    return "" if error is None else str(error)


def _against_opening(state: State, record: OperationRecord) -> str:
    key = record.subject
    if key.kind not in ("instance", "host", "snapshot", "pool", "volume", "network"):
        return f"There is no page of a {key.kind}."
    there = subject_of(state, key) is not None
    return "" if there else f"{clean(record.name)} is not there any more."


def _against_copying(state: State, record: OperationRecord) -> str:
    if not calls_made(state, record.id):
        return no_calls(record)
    there = virsh_lines(state, record.id)
    return "" if there else "virsh has nothing that does the same."


def no_calls(record: OperationRecord) -> str:
    """Why an operation has no call to show, one sentence."""
    verb = VERBS.get(record.verb)
    unknown = calls_unknown(record, workflow=verb is None or verb.workflow is not None)
    if unknown:
        return "Which calls it made is not known: its journal entry tells of none."
    return "It has made no call." if not record.status.final else "It made no call."


def not_here(record: OperationRecord) -> str:
    """Why nothing can be done to an operation of a host that is not open."""
    return (
        f"{clean(record.host)} is another host than those open here: open "
        f"{clean(record.not_open)} to do something about it."
    )


def open_operation_menu(screen: ConsoleScreen, record: OperationRecord) -> None:
    """Show what can be done to an operation."""
    console = screen.console
    watched = console.watch_list.watches(record.id)
    offers = dict(operation_offers(console.view.state, record, watched=watched))
    if screen.registry_layer == "calls":
        offers["operations.calls"] = Offer("These are its calls.")
    place = clean(f"{record.verb} {record.name} on {record.host}")
    heading = (Cell(place, "strong"), Cell(f"   {record.status.value}"))
    open_row_menu(screen, "operations", heading, offers, _choices(console, record))


def _choices(console: VirtdeckApp, record: OperationRecord) -> Choices:
    """What may be answered: a line each, in the place of the one that leads to them."""
    question = record.question
    if question is None or record.status.final or record.not_open:
        return Choices()
    words = [choice.word for choice in question.choices]
    lines = _choice_lines(question, READ_ONLY if console.read_only else "")
    return Choices(
        lines, words, lambda word: _give(console, record, word), instead_of="operations.answer"
    )


def _choice_lines(question: OperationQuestion, against: str = "") -> list[MenuLine]:
    keys = letters([("", choice.word) for choice in question.choices])
    return [
        MenuLine(
            key, choice.word, (Cell(clean(against or choice.text), "muted"),),
            greyed=bool(against), begins=choice.harmless,
            detail=against or clean(f"{question.text} {choice.loss}").rstrip(),
        )
        for key, choice in zip(keys, question.choices, strict=True)
    ]  # fmt: skip


def _give(console: VirtdeckApp, record: OperationRecord, word: str) -> None:
    """Answer, once the name was typed where the answer takes something away."""
    from console.screens.dialogs.question import TypedQuestionDialog, danger_lines

    def send(sure: bool | None) -> None:
        if sure:
            console.ask(lambda source: source.answer(record.id, word), lambda _: None)

    asked = danger_of_answer(record, word)
    if not asked.word:
        send(True)
        return
    title = f"{word}: {record.verb} {record.name} on {record.host}?"
    dialog = TypedQuestionDialog(clean(title), danger_lines(asked), word, asked.word)
    console.push_screen(dialog, send)


async def act(console: VirtdeckApp, record: OperationRecord, name: str) -> None:
    """Do one of `operation_offers` to an operation, or say why it cannot be done."""
    watched = console.watch_list.watches(record.id)
    against = operation_offers(console.view.state, record, watched=watched)[
        f"operations.{name}"
    ].against
    if name in ("answer", "cancel", "forget", "undo") and console.read_only:
        against = READ_ONLY
    if against:
        tell_against(console, clean(f"{record.verb} {record.name}"), [against])
    else:
        await _ACTS[name](console, record)


async def _answer(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.dialogs.row_menu import RowMenu

    question = record.question
    assert question is not None, "else something is offered against it"

    def answered(word: str | None) -> None:
        if word is not None:
            _give(console, record, word)

    heading = Cell(clean(f"{record.verb} {record.name} on {record.host} asks"), "strong")
    words = [choice.word for choice in question.choices]
    menu = RowMenu((heading,), _choice_lines(question), words)
    console.push_screen(menu, answered)


async def _undo(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.dialogs.question import QuestionDialog, danger_lines

    request = undoing(record)
    assert request is not None, "else something is offered against it"
    title = f"Undo {record.verb} {record.name} on {record.host}?"
    asked = danger(console.view.state, request)

    def answered(sure: bool | None) -> None:
        if sure:
            submit_or_explain(console, request, title.rstrip("?"))

    lines = [Cell(f"As {clean(undo_words(record))}"), *danger_lines(asked)]
    console.push_screen(QuestionDialog(title, lines, "Undo it", "Leave it"), answered)


async def _cancel(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.dialogs.question import QuestionDialog, danger_lines

    title = f"Cancel {record.verb} {record.name} on {record.host}?"

    def answered(sure: bool | None) -> None:
        if sure:
            console.ask(lambda source: source.cancel(record.id), lambda _: None)

    lines = danger_lines(danger_of_cancel(record))
    console.push_screen(QuestionDialog(title, lines, "Cancel it", "Let it run"), answered)


async def _forget(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.dialogs.question import QuestionDialog

    def answered(sure: bool | None) -> None:
        if sure:
            console.ask(lambda source: source.forget(record.id), lambda _: None)

    title = f"Forget {record.verb} {record.name} on {record.host}?"
    lines = [Cell("It goes from this list and from the journal. What it did stays done.")]
    console.push_screen(QuestionDialog(title, lines, "Forget it", "Keep it"), answered)


async def _wait(console: VirtdeckApp, record: OperationRecord) -> None:
    console.watch_list.add(record.id)
    text = clean(f"The end of {record.verb} {record.name} will be told.")
    console.notify(text, timeout=4, markup=False)
    console.tell_ended()


async def _migration(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.migrations.migration import MigrationScreen

    await console.push_screen(MigrationScreen(record.id))


async def _subject(console: VirtdeckApp, record: OperationRecord) -> None:
    key, kind, ways = record.subject, record.subject.kind, console.navigation
    if kind == "instance":
        await ways.open_instance(key, "overview")
    elif kind == "snapshot":
        await ways.open_snapshots(owner_of(key))
    elif kind == "host":
        await ways.show_instances(f"host:{record.host}")
    elif kind in ("pool", "volume"):
        await open_storage(console, key)
    else:
        await ways.show("networks")


async def _its_calls(console: VirtdeckApp, record: OperationRecord) -> None:
    from console.screens.operations.calls import CallsScreen

    await console.push_screen(CallsScreen("operations", record.id))


async def _copy(console: VirtdeckApp, record: OperationRecord) -> None:
    lines = list(map(clean, virsh_lines(console.view.state, record.id)))
    console.copy_to_clipboard("\n".join(lines))
    said = lines[0] if len(lines) == 1 else fmt.plural(len(lines), "line")
    console.notify(f"Copied: {said}", timeout=4, markup=False)


_ACTS: Mapping[str, Callable[[VirtdeckApp, OperationRecord], Awaitable[None]]] = {
    "answer": _answer,
    "cancel": _cancel,
    "undo": _undo,
    "forget": _forget,
    "wait": _wait,
    "migration": _migration,
    "subject": _subject,
    "calls": _its_calls,
    "copy": _copy,
}

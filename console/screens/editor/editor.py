"""A definition in an editor, confirmed by its diff. UI thread.

Of an instance, a network or a pool (`core.verbs.edits`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual import events, on
from textual.app import SuspendNotSupported
from textual.widget import Widget
from textual.widgets import TextArea

from console.actions.registry import bindings_for
from console.screens.base import ConsoleScreen
from console.screens.dialogs.diff import DiffDialog
from console.screens.dialogs.question import QuestionDialog
from console.screens.editor.xml_area import XmlArea
from console.screens.page import Page
from console.screens.parts import Part
from console.screens.submitting import refusals_against, submit
from console.text_editor import Draft
from console.widgets.columns import Cell, CellValue
from core.errors import VirtdeckError
from core.model import Delta, ObjectKey, OperationRecord, OperationStatus, State
from core.source import Operation, Source
from core.state.subject import Subject, subject_of
from core.verbs.danger import danger
from core.verbs.edits import EDITABLE, WholeEdit
from core.verbs.refusal import Refusal, told
from core.xml.definition.changes import unified
from core.xml.definition.faults import changed_lines, malformed
from core.xml.definition.merging import merged

_LINE = re.compile(r"Line ([0-9]+): ")
_LISTED = {"instance": "instances", "network": "networks", "pool": "volumes"}
"""Kind -> the screen that lists them."""


class EditorScreen(ConsoleScreen, inherit_bindings=False):
    """The text, and below it what is to be said of it."""

    CSS_PATH = "editor.tcss"
    BINDINGS = bindings_for("editor")
    registry_layer = "editor"

    def __init__(self, key: ObjectKey) -> None:
        super().__init__()
        self._key = key
        self._kind = EDITABLE[key.kind]
        self._base: str | None = None
        """The definition as it was read; None: not yet."""
        self._operation = ""
        """The id of the operation that defines it; empty: none is under way."""
        self._leaving = False
        self._area = XmlArea()
        self._said = Page([Cell(" Reading the definition.", "muted")], id="said")

    def body(self) -> Iterable[Widget]:
        """The text and the line below it."""
        yield self._area
        yield self._said

    @on(events.Mount)
    def _mounted(self) -> None:
        self._area.read_only = True
        self._area.focus()

        def read(document: str) -> None:
            self._base = document
            self._area.load_text(document)
            self._area.read_only = False
            self._say(Cell(f" {self._kind.beforehand(self.row)}", "muted"))

        self.console.ask(self._document, read, self._tell)

    async def _document(self, source: Source) -> str:
        return await source.definitions.document(self._key)

    @property
    def row(self) -> Subject | None:
        """What is edited, as it is now; None when it is gone."""
        return subject_of(self.console.view.state, self._key)

    def _called(self, gone: str = "gone") -> str:
        row = self.row
        return row.name if row is not None else gone

    @property
    def _changed(self) -> bool:
        return self._base is not None and self._area.text != self._base

    def in_view(self) -> frozenset[ObjectKey]:
        """What is edited."""
        return frozenset({self._key})

    def crumbs(self) -> tuple[str, ...]:
        """Its name and host."""
        return (_LISTED[self._key.kind], self._called(), self._key.host, "edit")

    def summary(self) -> list[Part]:
        """Where the cursor is, and whether anything was changed."""
        row, column = self._area.cursor_location
        parts = [Part(f" line {row + 1}, {column + 1} ", "muted")]
        if self._changed:
            parts.insert(0, Part(" changed ", "changing"))
        return parts

    def unsaved(self) -> str:
        """What was edited, where it is not being defined."""
        if not self._changed or self._operation:
            return ""
        words = self._kind.in_words(self._base or "", self._area.text)
        return f"the definition of {self._called(f'the {self._key.kind}')}: {words}"

    def peel(self) -> bool:
        """Ask before what was edited is thrown away."""
        if not self._changed or self._leaving:
            return False

        def answered(sure: bool | None) -> None:
            if sure:
                self._leave()

        title = "Throw away what was edited?"
        lines = [Cell(self._kind.in_words(self._base or "", self._area.text), "warning")]
        self.console.push_screen(QuestionDialog(title, lines, "Throw away", "Go on"), answered)
        return True

    def show_change(self, delta: Delta) -> None:
        """See how the operation ended that defines it."""
        del delta
        self._look_at_operation()

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _moved(self) -> None:
        if self.is_mounted:
            self.show_lines()

    # -- actions ---------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Check what was edited, show what it changes, and have it defined."""
        text, base = self._area.text, self._base
        if base is None or self._operation:
            return
        if text == base:
            self.console.notify("Nothing was changed.", timeout=3)
            return
        if (fault := malformed(text, self._kind.root)) is not None:
            self._blame(fault.line, str(fault))
            return
        request = self._kind.asked(self._key, text, base)

        async def question(source: Source) -> tuple[list[tuple[Refusal, ...]], State]:
            return await refusals_against(source, (request,)), source.state

        def answered(found: tuple[list[tuple[Refusal, ...]], State]) -> None:
            (reasons,), state = found
            if reasons:
                self._say(Cell(f" {told(reasons)}", "error"))
            elif self.console.screen is self:
                self._confirm(request, state)

        self.console.ask(question, answered)

    def action_other_editor(self) -> None:
        """Edit it in $EDITOR; what comes back stands here, to be saved or undone."""
        if self._base is None or self._operation:
            return
        try:
            draft = Draft(self._called(), self._area.text)
            try:
                with self.console.suspend():
                    draft.edit()
                text = draft.read()
            finally:
                draft.drop()
        except SuspendNotSupported:
            self.console.notify("This terminal cannot be lent to an editor.", severity="warning")
        except VirtdeckError as error:
            self._tell(error)
        else:
            if text != self._area.text:
                self._area.put(text)

    def action_next_change(self) -> None:
        """Go to the next line that was changed."""
        lines = sorted(changed_lines(self._base or "", self._area.text))
        here = self._area.cursor_location[0] + 1
        after = [line for line in lines if line > here] or lines
        if after:
            self._area.go_to(after[0])
        else:
            self.console.notify("Nothing was changed.", timeout=3)

    # -- defining --------------------------------------------------------------------------------

    def _confirm(self, request: WholeEdit, state: State) -> None:
        heading = f"Edit {self._called('it')} on {self._key.host}?"
        risk = danger(state, request)
        diff = unified(*self._kind.compared(request))

        def answered(sure: bool | None) -> None:
            if sure:
                self._area.read_only = True
                self._say(Cell(" Being defined.", "changing"))
                submit(self.console, (request,), self._submitted)

        self.console.push_screen(DiffDialog(heading, risk, diff), answered)

    def _submitted(self, operation: Operation) -> None:
        self._operation = operation.id
        self._look_at_operation()

    def _look_at_operation(self) -> None:
        record = self.console.view.state.operations.get(self._operation)
        if record is None or not record.status.final:
            return
        self._operation = ""
        if record.status is OperationStatus.DONE:
            self._leave()
        else:
            self._area.read_only = False
            self._failed(record)

    def _failed(self, record: OperationRecord) -> None:
        """Show what went wrong and where; what others changed meanwhile comes into the text."""
        found = _LINE.search(record.outcome)
        self._blame(int(found[1]) if found else None, record.outcome)
        before = self._base

        def read(now: str) -> None:
            if now != before and before is not None:
                self._bring_onto(before, now)

        self.console.ask(self._document, read, self._tell)

    def _bring_onto(self, before: str, now: str) -> None:
        found = merged(before, self._area.text, now)
        self._base = now
        self._area.put(found.text)
        others = self._kind.in_words(before, now)
        text = (
            f" It was changed meanwhile: {others}. Your changes stand on top of that: save again."
        )
        if found.contested:
            text += " Where both changed a line, theirs is in a comment above yours."
        self._say(Cell(text, "warning"))

    def _blame(self, line: int | None, text: str) -> None:
        if line is not None:
            self._area.go_to(line)
        self._say(Cell(f" {text}", "error"))

    def _tell(self, error: Exception) -> None:
        self._say(Cell(f" {error}", "error"))

    def _say(self, line: CellValue) -> None:
        self._said.show([line])

    def _leave(self) -> None:
        """Leave, once nothing covers it."""
        self._leaving = True
        if self.console.screen is self:
            self.console.pop_screen()

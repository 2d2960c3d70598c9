"""`virtdeck edit`, `network edit`, `pool edit`: a definition in an editor, or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from console.cli import interrupts
from console.cli.finding import meant, read_for
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.output import complain, note, say
from console.cli.parameters import read_text
from console.cli.rehearsing import rehearse
from console.cli.waiting import carry_out
from console.text_editor import Draft
from core.errors import RefusedError, UsageError, VirtdeckError, XmlError
from core.fleet import Fleet
from core.model import ObjectKey
from core.model.text import clean
from core.state.subject import subject_of
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.editing import EDIT
from core.verbs.edits import EDITABLE, Editable, WholeEdit
from core.verbs.refusal import told
from core.verbs.verb import Verb
from core.xml.definition.changes import unified
from core.xml.definition.merging import merged

DROPPED = "Nothing was changed."


def edit_command(verb: Verb) -> click.Command:
    """Return the command that edits what a verb is about."""
    kind = EDITABLE[verb.subject]

    def callback(
        invocation: Invocation, /, name: str, xml_file: str | None, base: str | None, **flags: bool
    ) -> int:
        return _run(invocation, verb, name, (xml_file, base), Flags(**flags))

    decorated: Any = click.pass_obj(callback)
    for decorate in reversed((click.argument("name"), *_options(kind))):
        decorated = decorate(decorated)
    return click.command(verb.command[-1], help=_help(kind))(common(json_option(decorated)))


def _options(kind: Editable) -> list[Any]:
    from_file = "Take the new definition from FILE, - is standard input, instead of an editor."
    base = "The XML that the file was made from: what others changed since is not written over."
    unchecked = click.option(
        "--unchecked", is_flag=True, help="Have libvirt take it without its schema."
    )
    return [
        click.option("--xml-file", "--xml", "xml_file", metavar="FILE", help=from_file),
        click.option("--base", metavar="FILE", help=base),
        *([unchecked] if kind.secrets else []),
        click.option("--dry-run", is_flag=True, help="Tell what would change, and end."),
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    ]


def _help(kind: Editable) -> str:
    without = ", without secrets: one that stays `***` is kept, one that is typed is set"
    article = "an" if kind.kind[0] in "aeiou" else "a"
    return (
        f"Change the whole definition of {article} {kind.kind}, as XML.\n\n"
        f"It opens in $VISUAL or $EDITOR{without if kind.secrets else ''}. libvirt validates it; "
        "with what is wrong it opens again. NAME is a name, an id or HOST/NAME."
    )


def _run(
    invocation: Invocation,
    verb: Verb,
    name: str,
    files: tuple[str | None, str | None],
    flags: Flags,
) -> int:
    given, base = (None if file is None else read_text(file) for file in files)
    if given is None and base is not None:
        raise UsageError("--base goes with --xml-file.", "An editor begins with what is defined.")
    base = None if base is None else _as_edited(verb, base)
    if given is None and not interrupts.can_ask():
        raise UsageError(
            "There is no terminal for an editor.", "Give the new definition with --xml-file."
        )

    async def work(fleet: Fleet) -> int:
        (key,) = await meant(fleet, verb, [name])
        row = subject_of(fleet.state, key)
        editing = Editing(fleet, key, clean(row.name if row else name), invocation.json, flags)
        if given is None:
            return await editing.in_editor()
        return await editing.from_file(given, base)

    reads = OPERATE["reads"] | read_for(verb)
    return on_fleet(invocation, work, tolerate_down=True, **{**OPERATE, "reads": reads})


def _as_edited(verb: Verb, base: str) -> str:
    try:
        return EDITABLE[verb.subject].as_edited(base)
    except XmlError as error:
        raise UsageError(
            f"--base is no definition: {error.message.rstrip('.')}.",
            "Give the XML that the other file was made from.",
        ) from error


@dataclass(frozen=True)
class Flags:
    """What was asked for besides."""

    dry_run: bool
    yes: bool
    unchecked: bool = False


@dataclass
class Editing:
    """One edit on the command line: of an instance, a network or a pool."""

    fleet: Fleet
    key: ObjectKey
    name: str
    as_json: bool
    flags: Flags

    async def from_file(self, given: str, base: str | None) -> int:
        """Define it as a file says."""
        request = self._asked_for(given, await self._document() if base is None else base)
        if self.flags.dry_run:
            self._show(request)
            return await rehearse(self.fleet, (request,), as_json=self.as_json)
        self._require(request)
        if not self.flags.yes:
            self._show(request)
            found = danger(self.fleet.state, request)
            if found.caution > Caution.KEY and not interrupts.can_ask():
                raise RefusedError(f"Not done without a yes. {found.text}", "Add --yes to do it.")
            if found.caution > Caution.KEY and self._asked("Define it so", "yn") != "y":
                raise RefusedError(DROPPED)
        return await carry_out(self.fleet, (request,), as_json=self.as_json)

    async def in_editor(self) -> int:
        """Have it edited until libvirt takes it, or the operator gives up; nothing is lost."""
        base = await self._document()
        draft = Draft(self.name, base)
        try:
            status = await self._until_taken(draft, base)
        except BaseException:
            note(f"What was edited is kept in {draft.path}.")
            raise
        draft.drop()
        return status

    async def _until_taken(self, draft: Draft, base: str) -> int:
        while True:
            await draft.edit_meanwhile()
            text = draft.read()
            if text == base:
                say(f"{self.name} was not changed.")
                return 0
            request = self._asked_for(text, base)
            try:
                self._require(request)
            except VirtdeckError as error:
                complain(error, self.name)
                if self._again():
                    continue
                return error.exit_status
            self._show(request)
            if self.flags.dry_run:
                return 0
            answer = "y" if self.flags.yes else self._asked("Define it so", "yne")
            if answer == "e":
                continue
            if answer == "n":
                note(DROPPED)
                return RefusedError.exit_status
            if not (status := await self._submitted(request)) or not self._again():
                return status
            base = await self._onto(draft, text, base)

    def _asked_for(self, text: str, base: str) -> WholeEdit:
        kind = EDITABLE[self.key.kind]
        return kind.asked(self.key, text, base, unchecked=self.flags.unchecked)

    async def _submitted(self, request: WholeEdit) -> int:
        return await carry_out(self.fleet, (request,), as_json=self.as_json)

    async def _onto(self, draft: Draft, text: str, base: str) -> str:
        """Bring an edit onto the definition as it is now; returns that."""
        now = await self._document()
        if now == base:
            return base
        say(f"{self.name} was changed meanwhile:")
        self._say_lines(base, now)
        found = merged(base, text, now)
        draft.put(found.text)
        if found.contested:
            note("Both changed the same lines: the others' stand in comments beside yours.")
        return now

    async def _document(self) -> str:
        return await self.fleet.definitions.document(self.key)

    def _require(self, request: WholeEdit) -> None:
        """Raise RefusedError with what speaks against a request."""
        if reasons := self.fleet.check(request):
            raise RefusedError(told(reasons))

    def _show(self, request: WholeEdit) -> None:
        """Print what changes, and from when on it counts."""
        if self.as_json:
            return
        self._say_lines(*EDITABLE[self.key.kind].compared(request))
        for line in danger(self.fleet.state, request).text.splitlines():
            note(line)

    def _say_lines(self, before: str, after: str) -> None:
        for line in unified(before, after):
            say(line)

    def _again(self) -> bool:
        return self._asked("Edit again", "yn") == "y"

    def _asked(self, question: str, choices: str) -> str:
        answer: Any = click.prompt(
            f"{question}? [{'/'.join(choices)}]",
            type=click.Choice(list(choices)),
            show_choices=False,
            err=True,
        )
        return str(answer)


edit = edit_command(EDIT)

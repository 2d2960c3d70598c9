"""What is changed of an instance's definition: its name, its texts, whether it starts by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from core.model import Instance, Request, State
from core.model.text import clean
from core.verbs import activation
from core.verbs.activation import MarkCall, Off
from core.verbs.applied import KNOWN, Applied, When, affects, against_when, before, shown
from core.verbs.call import Call
from core.verbs.firmware import NvramCopyCall, NvramDeleteCall, NvramMovedCall, has_nvram
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_BE_OFF
from core.verbs.verb import Verb

NAME_BYTES = 250
"""The longest name of which libvirt makes file names (`NAME.save`), which have 255 bytes."""
TITLE_BYTES = 1024
DESCRIPTION_BYTES = 65_536
"""Each reading of an instance brings its texts along, and libvirt sends no more than 4 MiB of XML
(VIR_NET_MESSAGE_STRING_MAX): with more an instance could not be read any more."""

NAME = parameter(
    "Its new name.",
    pattern=r"[^/\x00-\x1f\x7f-\x9f]+",
    shape="one without / and control characters",
    longest=NAME_BYTES,
    label="new name",
)
TITLE_LINE = parameter(
    "The title, one line; empty removes it.",
    pattern=r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    shape="one line without control characters",
    longest=TITLE_BYTES,
    label="title",
    present="title",
)
TEXT = parameter(
    "The description; empty removes it.",
    pattern=r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*",
    shape="text without control characters",
    longest=DESCRIPTION_BYTES,
    label="description",
    present="description",
)


class Rename(Request, frozen=True):
    """Give an instance that is off another name (virDomainRename)."""

    verb: ClassVar[str] = "rename"
    to: Annotated[str, NAME]


class RenameCall(Call, frozen=True):
    """virDomainRename."""

    to: str

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domrename`."""
        return ("domrename", name, self.to)


def _rename(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Rename)
    to = request.to

    def shows(now: Situation) -> bool:
        return now.instance is not None and now.instance.name == to

    rename = Step(RenameCall(to), f"renaming {situation.name} to {to}", shows)
    copied = any(isinstance(one.call, NvramCopyCall) for one in situation.sent)
    if not (copied or has_nvram(situation.instance)):
        return [rename]
    return [
        Step(
            NvramCopyCall(to, named_by_it=True),
            f"copying the UEFI variables of {situation.name} for {to}",
            undo=NvramDeleteCall(to),
        ),
        rename,
        Step(NvramMovedCall(situation.name), f"removing those of {situation.name}"),
    ]


def _against_rename(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Rename)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if not instance.persistent:
        yield Refusal(RefusalCode.STATE, f"{instance.name} is transient", "it cannot be renamed")
    for other in state.instances.values():
        if other.host == instance.host and other.name == request.to:
            text = f"{instance.host} has an instance called {request.to}"
            yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "to")
            return


def _renamed(situation: Situation) -> str:
    assert isinstance(situation.request, Rename)
    return f"{situation.name} is called {situation.request.to} now"


def _renamed_back(situation: Situation) -> Request | None:
    instance = situation.instance
    return None if instance is None else Rename(situation.request.subject, instance.name)


RENAME = Verb(
    Rename,
    title="Rename",
    help="Give an instance that is off another name.",
    doing="renaming",
    group="define",
    key="r",
    decide=sequence(_rename, _renamed),
    steps=_rename,
    calls=(NvramCopyCall, RenameCall, NvramMovedCall, NvramDeleteCall),
    states=TO_BE_OFF,
    refusals=_against_rename,
    during_move=False,
    single=True,
    needs_description=True,
    undo=_renamed_back,
)


class SetAutostart(Request, frozen=True):
    """Have an instance started with its host, or no longer (virDomainSetAutostart)."""

    verb: ClassVar[str] = "autostart"
    off: Off = False


class AutostartCall(MarkCall, frozen=True):
    """virDomainSetAutostart."""

    command: ClassVar[str] = "autostart"


AUTOSTART = activation.autostart(
    "instance", SetAutostart, AutostartCall, states=KNOWN, during_move=False
)


class SetTitle(Request, frozen=True):
    """Set the title of an instance (virDomainSetMetadata)."""

    verb: ClassVar[str] = "title"
    text: Annotated[str, TITLE_LINE]
    when: When = "both"


class SetDescription(Request, frozen=True):
    """Set the description of an instance (virDomainSetMetadata)."""

    verb: ClassVar[str] = "description"
    text: Annotated[str, TEXT]
    when: When = "both"


class TextCall(Applied, frozen=True):
    """virDomainSetMetadata: the title or the description."""

    kind: Literal["title", "description"]
    text: str

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh desc`."""
        title = ("--title",) if self.kind == "title" else ()
        return ("desc", name, *self.affected(), *title, "--new-desc", self.text)


def _text(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetTitle | SetDescription)
    kind: Literal["title", "description"] = (
        "title" if isinstance(request, SetTitle) else "description"
    )
    call = TextCall(*affects(situation, request.when), kind, request.text)
    wanted = clean(request.text, multiline=kind == "description").strip()  # as core.xml reads it

    def fits(instance: Instance) -> bool:
        return wanted == (instance.title if kind == "title" else instance.description)

    return [Step(call, f"setting the {kind} of {situation.name}", shown(call, fits))]


def _text_before(situation: Situation) -> Request | None:
    request = situation.request
    assert isinstance(request, SetTitle | SetDescription)
    titled = isinstance(request, SetTitle)
    text = before(situation, request.when, lambda one: one.title if titled else one.description)
    same = text is None or text == request.text
    return None if same else msgspec.structs.replace(request, text=text)


def _text_verb(
    request: type[Request], title: str, help_: str, doing: str, key: str
) -> Verb:  # the two differ in these words only
    return Verb(
        request,
        title=title,
        help=help_,
        doing=doing,
        group="define",
        key=key,
        decide=sequence(_text, lambda now: f"the {now.request.verb} of {now.name} is set"),
        steps=_text,
        calls=(TextCall,),
        states=KNOWN,
        looks_at=frozenset({"definition"}),
        undo=_text_before,
        refusals=against_when,
    )


TITLE = _text_verb(SetTitle, "Title", "Set its title, one line.", "setting its title", "t")
DESCRIPTION = _text_verb(
    SetDescription, "Description", "Set its description.", "setting its description", "d"
)


VERBS = (RENAME, AUTOSTART, TITLE, DESCRIPTION)

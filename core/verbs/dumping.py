"""An instance's memory, dumped to a file of its host for a debugger."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import InstanceState, Request
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import NOT_KNOWN, OFF, held_for
from core.verbs.verb import Risk, Subjects, Verb

FILE = parameter(
    "The file on the host, by its whole path.",
    pattern=r"/[^\x00-\x1f\x7f-\x9f]+",
    shape="a whole path, which begins with /",
    longest=PATH_BYTES,
    label="file",
)


class CoreDump(Request, frozen=True):
    """Write the guest's memory to a file on its host, for a debugger (virDomainCoreDump)."""

    verb: ClassVar[str] = "core-dump"
    to: Annotated[str, FILE]
    format: Annotated[
        Literal["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"],
        parameter("How it is written; the kdump formats are compressed."),
    ] = "elf"
    live: Annotated[
        bool, parameter("Let the guest run on meanwhile: the dump is then not of one moment.")
    ] = False


class CoreDumpCall(Call, frozen=True):
    """virDomainCoreDumpWithFormat, of the memory only: libvirt cannot abort that."""

    long: ClassVar[bool] = True
    to: str
    format: str
    live: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh dump`."""
        live = ("--live",) if self.live else ()
        form = () if self.format == "elf" else ("--format", self.format)
        return ("dump", name, self.to, "--memory-only", *live, *form)


def _core_dump(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, CoreDump)
    return [
        Step(
            CoreDumpCall(request.to, request.format, request.live),
            f"dumping the memory of {situation.name} to {request.to}",
            goes_on=lambda now: held_for("dumping", now.instance) or now.job_runs,
        )
    ]


def _dumped(situation: Situation) -> str:
    assert isinstance(situation.request, CoreDump)
    return f"the memory of {situation.name} is in {situation.request.to} on its host"


def _stands_still(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, CoreDump)
    until = "" if request.live else f"Pauses {subjects.whom} until it is written. "
    return f"{until}A file {request.to} on the host is overwritten."


CORE_DUMP = Verb(
    CoreDump,
    title="Dump memory",
    help="Write its memory to a file on its host, for a debugger.",
    doing="dumping its memory",
    group="guest",
    key="d",
    decide=sequence(_core_dump, _dumped, powers=True),
    steps=_core_dump,
    calls=(CoreDumpCall,),
    during_backups=False,
    states={InstanceState.SHUTOFF: OFF, InstanceState.UNKNOWN: NOT_KNOWN},
    single=True,
    risk=Risk(Caution.CONFIRM, _stands_still),
)

VERBS = (CORE_DUMP,)

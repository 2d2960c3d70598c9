"""Trimming the file systems of a guest, through its agent."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.agent.asking import agent_verb
from core.verbs.call import Call
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation

TRIM_SECONDS = 600
"""How long one may take to trim: it goes through the whole of each file system."""


class Trim(Request, frozen=True):
    """Give the blocks that no file uses back to the disks (virDomainFSTrim)."""

    verb: ClassVar[str] = "trim"
    mount_point: Annotated[
        str,
        parameter(
            "The one file system to trim; empty: all that can be.",
            pattern=r"|\S.*",
            shape="a mount point such as /srv",
            longest=PATH_BYTES,
        ),
    ] = ""
    minimum: Annotated[
        int,
        parameter(
            "Free runs of blocks shorter than this are left.",
            least=0,
            most=2**63 - 1,
            unit="B",
            advanced=True,
        ),
    ] = 0


class TrimCall(Call, frozen=True):
    """virDomainFSTrim."""

    mount_point: str
    """Empty: all."""
    minimum: int
    """Bytes."""
    repeatable: ClassVar[bool] = True
    long: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domfstrim`."""
        minimum = ("--minimum", str(self.minimum)) if self.minimum else ()
        return ("domfstrim", name, *minimum, *(
            ("--mountpoint", self.mount_point) if self.mount_point else ()
        ))  # fmt: skip


def _trim(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Trim)
    what = request.mount_point or "the file systems"
    call = TrimCall(request.mount_point, request.minimum)
    return [Step(call, f"trimming {what} in {situation.name}", deadline=TRIM_SECONDS + 30.0)]


def _trimmed(situation: Situation) -> str:
    assert isinstance(situation.request, Trim)
    what = situation.request.mount_point or "what can be trimmed"
    return f"{what} in {situation.name} is trimmed"


TRIM = agent_verb(
    Trim,
    title="Trim file systems",
    help="Give the blocks that no file uses back to the disks, through the guest's agent.",
    doing="trimming",
    key="d",
    decide=sequence(_trim, _trimmed),
    steps=_trim,
    calls=(TrimCall,),
    cancelled="A trim that is under way cannot be ended.",
)

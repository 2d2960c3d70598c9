"""A picture of what an instance shows, into a file of this machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.call import Call
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Verb


class Screenshot(Request, frozen=True):
    """Take a picture of what an instance shows (virDomainScreenshot)."""

    verb: ClassVar[str] = "screenshot"
    to: Annotated[
        str,
        parameter(
            "The file on this machine, which must not exist yet; PNG or PPM, as the hypervisor has "
            "it.",
            pattern=r"[^\x00-\x1f\x7f-\x9f]+",
            shape="the path of a file",
            longest=PATH_BYTES,
            label="file",
        ),
    ]
    screen: Annotated[int, parameter("Which of its screens.", least=0, most=15, advanced=True)] = 0


class ScreenshotCall(Call, frozen=True):
    """virDomainScreenshot."""

    to: str
    screen: int

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh screenshot`."""
        return ("screenshot", name, self.to, "--screen", str(self.screen))


def _screenshot(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Screenshot)
    text = f"taking a picture of {situation.name}"
    return [Step(ScreenshotCall(request.to, request.screen), text)]


def _taken(situation: Situation) -> str:
    assert isinstance(situation.request, Screenshot)
    return f"what {situation.name} shows is in {situation.request.to}"


SCREENSHOT = Verb(
    Screenshot,
    title="Screenshot",
    help="Take a picture of what it shows, into a file of this machine.",
    doing="taking a picture",
    group="guest",
    key="s",
    decide=sequence(_screenshot, _taken),
    steps=_screenshot,
    calls=(ScreenshotCall,),
    states=TO_BE_ON,
    single=True,
)

VERBS = (SCREENSHOT,)

"""What is booted from, and which CPU and display there are."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.model.secret_value import Secret
from core.verbs.parameter import parameter
from core.verbs.tuning.documents import document_verb


class SetBootOrder(Request, frozen=True):
    """Set what an instance boots from, in which order."""

    verb: ClassVar[str] = "set-boot-order"
    devices: Annotated[
        tuple[str, ...],
        parameter(
            "Disks by target, network devices by MAC, devices of the host by their word "
            "(pci:0000:03:00.0), what USB passes on by its alias (ua-stick); or all of them "
            "classes: hd, cdrom, network."
        ),
    ]
    menu: Annotated[bool, parameter("The firmware's boot menu is offered.")] | None = None


class SetCpuMode(Request, frozen=True):
    """Set which CPU the guest sees."""

    verb: ClassVar[str] = "set-cpu-mode"
    mode: Annotated[
        Literal["host-passthrough", "host-model", "maximum", "custom"],
        parameter("The host's own, its model, all that can be emulated, or a model by name."),
    ]
    model: Annotated[
        str,
        parameter(
            "Of custom: its name, as `virsh cpu-models` has it.",
            pattern=r"[\w.+-]*",
            shape="a name such as Nehalem",
            longest=100,
        ),
    ] = ""


class SetGraphics(Request, frozen=True):
    """Set which display an instance has, where it listens, and its password."""

    verb: ClassVar[str] = "set-graphics"
    type: Annotated[Literal["vnc", "spice", "none"], parameter("Of the display.")]
    listen: Annotated[
        str,
        parameter(
            "The address it listens on; empty: as it is.",
            pattern=r"[0-9A-Fa-f:.]*",
            shape="an IP address",
            longest=45,
        ),
    ] = ""
    password: Annotated[Secret, parameter("Its password; without one it stays.")] | None = None


def _boot(document: str, request: SetBootOrder) -> str:
    from core.xml.definition.tuning import with_boot_order

    return with_boot_order(document, request.devices, menu=request.menu)


def _cpu(document: str, request: SetCpuMode) -> str:
    from core.xml.definition.tuning import with_cpu

    return with_cpu(document, request.mode, request.model)


def _graphics(document: str, request: SetGraphics) -> str:
    from core.xml.definition.tuning import with_graphics

    mark = "" if request.password is None else "***0"
    return with_graphics(document, request.type, request.listen, mark)


def _display(request: SetGraphics) -> str:
    if request.type == "none":
        return "has no display"
    return f"has a {request.type.upper()} display{f' on {request.listen}' * bool(request.listen)}"


SET_BOOT_ORDER = document_verb(
    *(SetBootOrder, _boot, lambda one: f"boots from {', '.join(one.devices) or 'nothing'}"),
    title="Boot order",
    help_="Set what it boots from, in which order.",
    key="b",
)
SET_CPU_MODE = document_verb(
    *(SetCpuMode, _cpu, lambda one: f"has the CPU {one.model or one.mode}"),
    title="CPU mode",
    help_="Set which CPU the guest sees.",
    key="c",
)
SET_GRAPHICS = document_verb(
    *(SetGraphics, _graphics, _display),
    title="Display",
    help_="Set its display, where it listens, and its password.",
    key="g",
)

VERBS = (SET_BOOT_ORDER, SET_CPU_MODE, SET_GRAPHICS)

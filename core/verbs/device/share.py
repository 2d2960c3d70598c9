"""A directory of the host is shared with an instance, by virtiofs. Pure.

Its guest mounts it by its tag. virtiofsd reads the guest's memory, which must be shared with it
from the start of the guest on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import OperationStatus, Request, State
from core.model.text import clean
from core.verbs.applied import When, affects, against_when
from core.verbs.device.attaching import attach_step, attached, known_again, taken
from core.verbs.device.calls import AttachCall
from core.verbs.device.device_requests import DeviceDetach
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation

_UNPRIVILEGED = 10_000_000
"""libvirt from which on one that is not root's starts virtiofsd."""
_PLUGGED = 10_002_000
"""libvirt from which on such a one does not crash as it plugs a share into what runs."""
_READ_ONLY = 11_000_000
"""libvirt from which on virtiofs shares something that its guest only reads."""
MEMORY = (
    "add <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking> to its "
    "definition (`virtdeck edit`), and stop and start it"
)
"""How an instance gets shared memory."""


class ShareDirectory(Request, frozen=True):
    """Share a directory of the host with an instance (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "device-share"
    directory: Annotated[
        str,
        parameter("The directory of the host.", pattern=r"/[^\x00-\x1f\x7f-\x9f]*",
                  shape="a path such as /srv/data", longest=PATH_BYTES),
    ]  # fmt: skip
    tag: Annotated[
        str,
        parameter("What its guest mounts it by: `mount -t virtiofs TAG /mnt`.",
                  pattern=r"[A-Za-z0-9_.-]{1,36}", shape="a word such as data"),
    ]  # fmt: skip
    access: Annotated[
        Literal["read-write", "read-only"], parameter("What its guest may do.", advanced=True)
    ] = "read-write"
    when: When = "both"


def word_of_share(tag: str) -> str:
    """Return what a share is detached by."""
    return f"share:{tag}"


def is_share(word: str) -> bool:
    """Whether a device is known by such a word."""
    return word.startswith("share:")


def attach_steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, ShareDirectory)
    call = attached(now)
    if call is None:
        from core.xml.new_share import share_xml

        live, config = affects(now, request.when)
        xml = share_xml(request.directory, request.tag, read_only=request.access == "read-only")
        call = AttachCall(
            live=live, config=config, kind="device", name=word_of_share(request.tag), xml=xml
        )
        call = known_again(now, call)
    text = f"sharing {clean(request.directory)} with {now.name}"
    return list(attach_step(call, text))


def attach(now: Situation) -> Action:
    """Refuse where its definition shares no memory; else attach it."""
    request = now.request
    assert isinstance(request, ShareDirectory)
    if not now.sent and now.document is not None and affects(now, request.when)[1]:
        from core.xml.new_share import shares_memory

        if not shares_memory(now.document):
            text = f"{now.name} is defined without shared memory, which virtiofs needs: {MEMORY}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
    return _DECIDE(now)


def _outcome(now: Situation) -> str:
    request, call = now.request, attached(now)
    assert isinstance(request, ShareDirectory)
    assert call is not None
    later = "" if call.live else ", from its next start on"
    mount = f"its guest mounts it by `mount -t virtiofs {request.tag} /mnt`"
    return f"{clean(request.directory)} is shared with {now.name}{later}: {mount}"


_DECIDE = sequence(attach_steps, _outcome)


def undo(now: Situation) -> Request | None:
    """Return what takes it away again."""
    request = now.request
    assert isinstance(request, ShareDirectory)
    return DeviceDetach(request.subject, word_of_share(request.tag), request.when)


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why it cannot be shared."""
    assert isinstance(request, ShareDirectory)
    instance, host = state.instances.get(request.subject), state.hosts.get(request.subject.host)
    if instance is None:
        return
    yield from against_when(state, request, but)
    if taken(instance, "device", word_of_share(request.tag)):
        text = f"{instance.name} has a share {request.tag} already"
        yield Refusal(RefusalCode.PARAMETER, text, "give it another tag", "tag")
    facts = None if host is None else host.facts
    if host is None or facts is None or facts.libvirt_number == 0:
        return
    where = f"libvirt {facts.libvirt_version} of {clean(host.name)}"
    if facts.libvirt_number < _UNPRIVILEGED and _unprivileged(host.uri):
        text = f"{where} is not root's, and starts no virtiofsd before 10.0"
        yield Refusal(RefusalCode.STATE, text, "take the system's (qemu:///system), or a newer one")
    elif (
        facts.libvirt_number < _PLUGGED
        and _unprivileged(host.uri)
        and (instance.state.active and request.when != "next-start")
    ):
        text = f"{where} is not root's, and crashes before 10.2 as it plugs a share in"
        yield Refusal(RefusalCode.STATE, text, "share it from the next start on: --when next-start")
    if facts.libvirt_number < _READ_ONLY and request.access == "read-only":
        text = f"{where} shares nothing that is only read before 11.0"
        cure = "share it read-write, and have the guest mount it with -o ro"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "access")


def _unprivileged(uri: str) -> bool:
    return uri.partition("?")[0].rstrip("/").endswith("/session")

"""Mediated devices (vGPU and their like) of a host: made of a device that can be divided. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.model import Request, State
from core.model.host_device import HostDevice
from core.model.lists import listed
from core.model.text import clean
from core.state.held_devices import holders
from core.verbs.call import Call, Removal
from core.verbs.caution import Caution
from core.verbs.device.plug import pci_words
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class DeviceCreate(Request, frozen=True):
    """Make a mediated device (virNodeDeviceCreateXML); it is gone when the host boots."""

    verb: ClassVar[str] = "device-create"
    parent: Annotated[
        str,
        parameter(
            "The device that is divided: pci:0000:af:00.0.",
            longest=64,
            source="mdev-parents",
            typed=True,
        ),
    ]
    type: Annotated[
        str,
        parameter(
            "The type, by its id: nvidia-222. `virtdeck devices` tells how many are left.",
            longest=128,
            source="mdev-types",
            typed=True,
        ),
    ]
    uuid: Annotated[
        str | None, parameter("Its UUID; libvirt chooses one.", label="UUID", longest=36)
    ] = None


class DeviceDelete(Request, frozen=True):
    """Take a mediated device away (virNodeDeviceDestroy)."""

    verb: ClassVar[str] = "device-delete"
    device: Annotated[
        str,
        parameter("The mediated device: mdev:UUID.", longest=64, source="mdevs", typed=True),
    ]


class MediatedCreateCall(Call, frozen=True):
    """virNodeDeviceCreateXML."""

    xml: str

    @property
    def text(self) -> str:
        """The XML."""
        return self.xml

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh nodedev-create`, which takes the XML from a file."""
        return ("nodedev-create", "FILE")


class MediatedDestroyCall(Removal, frozen=True):
    """virNodeDeviceDestroy, of the mediated device of that UUID."""

    uuid: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh nodedev-destroy`."""
        return ("nodedev-destroy", f"mdev_{self.uuid.replace('-', '_')}")


def mediated_xml(parent: str, kind: str, uuid: str | None) -> str:
    """Return the `<device>`; `parent` is as libvirt names it: pci_0000_af_00_0."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("device")
    etree.SubElement(root, "parent").text = parent
    capability = etree.SubElement(root, "capability", type="mdev")
    etree.SubElement(capability, "type", id=kind)
    if uuid:
        etree.SubElement(capability, "uuid").text = uuid.lower()
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _node_name(parent: str) -> str:
    """Return libvirt's name of a device: what is no PCI address is one already."""
    words = pci_words(parent.removeprefix("pci:").lower())
    return parent if words is None else "pci_{}_{}_{}_{}".format(*words)


def _create(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, DeviceCreate)
    call = MediatedCreateCall(mediated_xml(_node_name(request.parent), request.type, request.uuid))
    text = f"making a {clean(request.type)} of {clean(request.parent)} on {now.name}"
    return [Step(call, text)]


def _known(state: State, request: Request, name: str) -> HostDevice | None:
    found = state.devices.get(request.subject.host, ())
    return next((one for one in found if one.name == name), None)


def _against_create(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, DeviceCreate)
    if request.uuid and not _UUID.fullmatch(request.uuid.lower()):
        text = f"{clean(request.uuid)} is no UUID"
        yield Refusal(RefusalCode.PARAMETER, text, "leave it out: libvirt chooses one", "uuid")
    device = _known(state, request, _node_name(request.parent))
    if device is None:
        return  # nobody has looked at its host, or libvirt tells
    types = {one.id: one for one in device.mdev_types}
    if not types:
        text = f"{clean(request.parent)} cannot be divided into mediated devices"
        yield Refusal(RefusalCode.PARAMETER, text, "see `virtdeck devices` for what can", "parent")
    elif request.type not in types:
        text = f"{clean(request.parent)} has no type {clean(request.type)}"
        yield Refusal(RefusalCode.PARAMETER, text, f"it has {listed(sorted(types))}", "type")
    elif not types[request.type].available:
        text = f"No {clean(request.type)} of {clean(request.parent)} is left"
        left = sorted(one.id for one in types.values() if one.available)
        cure = f"left are {listed(left)}" if left else "delete one first: device delete"
        yield Refusal(RefusalCode.STATE, text, cure, "type")


def _against_delete(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, DeviceDelete)
    word = request.device.lower()
    if not _UUID.fullmatch(word.removeprefix("mdev:")):
        text = f"{clean(request.device)} is no mediated device"
        yield Refusal(RefusalCode.PARAMETER, text, "give mdev:UUID", "device")
        return
    for one in holders(state.instances, request.subject.host).get(_word(word), ()):
        has = "has" if one.state.active else "is defined with"
        cure = f"detach it first: `virtdeck device detach {one.name} --device {_word(word)}`"
        yield Refusal(RefusalCode.STATE, f"{clean(one.name)} {has} {_word(word)}", cure, "device")


def _word(device: str) -> str:
    return f"mdev:{device.lower().removeprefix('mdev:')}"


def _delete(now: Situation) -> list[Step]:
    assert isinstance(now.request, DeviceDelete)
    word = _word(now.request.device)
    call = MediatedDestroyCall(word.removeprefix("mdev:"))
    return [Step(call, f"taking {clean(word)} away from {now.name}")]


def _created(now: Situation) -> str:
    request = now.request
    assert isinstance(request, DeviceCreate)
    which = f"mdev:{request.uuid.lower()}" if request.uuid else f"one more {clean(request.type)}"
    return f"{now.name} has {which} of {clean(request.parent)}, until it boots"


def _deleted(now: Situation) -> str:
    assert isinstance(now.request, DeviceDelete)
    return f"{now.name} no longer has {clean(_word(now.request.device))}"


def _takes(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, DeviceDelete)
    return f"Takes the mediated device {clean(request.device)} away from {subjects.whom}."


VERBS = (
    Verb(
        DeviceCreate,
        title="Make a mediated device",
        help="Make a mediated device (vGPU) of a device that can be divided.",
        doing="being given a mediated device",
        group="devices",
        key="m",
        subject="host",
        decide=sequence(_create, _created),
        steps=_create,
        calls=(MediatedCreateCall,),
        refusals=_against_create,
        risk=Risk(),
    ),
    Verb(
        DeviceDelete,
        title="Delete a mediated device",
        part="device",
        help="Take a mediated device away that no instance has.",
        doing="being rid of a mediated device",
        group="devices",
        key="M",
        subject="host",
        decide=sequence(_delete, _deleted),
        steps=_delete,
        calls=(MediatedDestroyCall,),
        refusals=_against_delete,
        risk=Risk(Caution.CONFIRM, _takes),
    ),
)

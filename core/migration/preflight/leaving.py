"""Preflight: devices of the host that leave a guest before it moves. Pure.

nova-map 2.4: Nova's driver does so with SR-IOV interfaces, and refuses all other PCI devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.errors import VirtdeckError
from core.migration.plan.leaving import leaving, words_of
from core.migration.preflight.case import FullCase, FullRule, blocker, named, unknown, warning
from core.model import Finding, InstanceState
from core.model.device_word import names_of_devices, names_of_interfaces, word_of_device
from core.model.new_device import DeviceKind
from core.model.text import clean
from core.state.held_devices import HeldDevice, holders
from core.verbs.device.host_place import FREE
from core.xml import read_instance
from core.xml.host_devices import node_name
from core.xml.rewrite import rewrite

Given = Mapping[tuple[DeviceKind, str], str]
"""The word of a device at the destination, by what it is there and called here."""

_CURE = "Say what it is there (rewrites: pci, mdev), or detach it for good before the move."


def leaves(case: FullCase) -> list[HeldDevice]:
    """Return what its guest is to let go of first; one that is off has nothing to let go of."""
    return leaving(case.request, case.needs) if case.here.active else []


def check_leaving(case: FullCase) -> Iterator[Finding]:
    """What leaves can leave, and can be had again at the destination."""
    held = leaves(case)
    if not held:
        return
    names = words_of(held)
    instance = case.state.instances.get(case.request.subject)
    if instance is not None and instance.state is InstanceState.PAUSED:
        text = f"It is paused with {names[0]}, and its guest cannot let go of that."
        yield blocker("leaving", text, "Resume it first, or have it shut down and moved cold.")
    if not (case.here.persistent and case.request.persist):
        text = f"It would have {names[0]} no more: no definition there would keep it."
        yield blocker("leaving", text, "Define it, and have it defined at the destination.")
        return
    given = _given(case)
    for one, name in zip(held, names, strict=True):
        yield from _one(case, one, name, given)


def _one(case: FullCase, one: HeldDevice, name: str, given: Given) -> Iterator[Finding]:
    code, leaves = named("leaving", name), f"{name} leaves its guest for the move"
    if (word := given.get((one.kind, one.name))) is None:
        text = f"It has {name} until its power goes, and could not have it back."
        yield blocker(code, text, "Detach it before the move.")
    elif word.startswith("network:"):
        yield from _network(case, code, word.removeprefix("network:"), leaves)
    elif word.startswith(("pci:", "mdev:")):
        yield from _device(case, code, word, leaves)
    else:
        yield warning(code, f"{leaves}, and is plugged in as it is defined after it.", _MEANWHILE)


def _device(case: FullCase, code: str, word: str, leaves: str) -> Iterator[Finding]:
    device, there = node_name(word), case.there.devices
    if there is None:
        text = f"Whether {case.destination} has {clean(word)} is not known."
        yield unknown(code, text, _CURE, side=case.there, look="devices")
    elif not any(each.startswith(device) for each in there):
        text = f"{case.destination} has no {clean(word)}, which it would be given there."
        yield blocker(code, text, _CURE)
    elif users := holders(case.state.instances, case.request.to).get(word):
        text = f"{clean(word)} of {case.destination} is held by {clean(users[0].name)}."
        yield blocker(code, text, _CURE)
    elif driver := _driver_there(case, word):
        text = (
            f"{clean(word)} would be taken from {case.destination}, whose driver {clean(driver)} "
            "uses it: a network interface or disk of the host's own may go with it."
        )
        yield blocker(code, text, f"Say another one (rewrites: pci), or override {code}.")
    else:
        text = f"{leaves}; {case.destination} gives it {clean(word)} after it."
        yield warning(code, text, _MEANWHILE)


def _driver_there(case: FullCase, word: str) -> str:
    """Return what the destination itself has on a device; empty: nothing, or it is not known."""
    drivers = [one.driver for one in case.there.given if one.place == word]
    return next((one for one in drivers if one not in FREE), "")


_MEANWHILE = "Its guest is asked to let go of it, and does without it meanwhile."


def _network(case: FullCase, code: str, name: str, leaves: str) -> Iterator[Finding]:
    shown, networks = clean(name), case.there.networks
    found = next((one for one in networks or () if one.name == name), None)
    if networks is None:
        text = f"Whether {case.destination} has the network {shown} is not known."
        yield unknown(code, text, side=case.there, look="networks")
    elif found is None or not found.active:
        text = f"{case.destination} has no network {shown} that is active and could lend it one."
        yield blocker(code, text, "Define and start it there, with a pool of its devices.")
    else:
        text = f"{leaves}; {case.destination} gives it one of the network {shown} after it."
        yield warning(code, text, _MEANWHILE)


def _given(case: FullCase) -> Given:
    """Return what each device is at the destination, by what it is here: `pci:...`, `network:...`.

    A rewrite changes what a device is, and neither its place nor a card's MAC address.
    """
    xml, rewrites = case.here.inactive_xml, case.request.rewrites
    try:
        here, there = read_instance(xml), read_instance(rewrite(xml, rewrites, lenient=True))
    except VirtdeckError:  # the plan says so
        return {}
    found: dict[tuple[DeviceKind, str], str] = {}
    for name, device in zip(names_of_devices(here), there.devices, strict=True):
        found["device", name] = word_of_device(device)
    for name, card in zip(names_of_interfaces(here), there.interfaces, strict=True):
        place = card.source.removeprefix("pci ")
        kind = {"hostdev": "pci", "network": "network"}.get(card.type, "")
        found["interface", name] = f"{kind}:{place}" if kind else card.type
    return found


FULL_RULES: tuple[FullRule, ...] = (check_leaving,)

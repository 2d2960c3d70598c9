"""Preflight: whether libvirt takes the XML that the instance will have at its destination. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.errors import VirtdeckError
from core.migration.preflight.case import FullCase, FullRule, blocker, ok, unknown, warning
from core.model import Finding, Rewrites
from core.verbs.migration.requests import Migrate
from core.xml.rewrite import abi_differences, rewrite
from core.xml.tree import parse


def destination_xml(request: Migrate, xml: str) -> str:
    """Return the XML with its rewrites; empty where they cannot be carried out: the plan says why.

    Pure.
    """
    if not xml or request.rewrites == Rewrites():
        return xml
    try:
        return rewrite(xml, request.rewrites)
    except VirtdeckError:
        return ""


def question_xml(request: Migrate, xml: str) -> str:
    """Return the XML that libvirt at the destination is asked about; empty: there is none. Pure.

    Without the devices that virConnectDomainXMLToNative opens or makes on the host: it plugs every
    interface into a new tap device (libvirt 9.0: "Unable to create tap device").
    """
    wanted = destination_xml(request, xml)
    if not wanted:
        return ""
    root = parse(wanted, "domain")
    for devices in root.findall("devices"):
        for device in [each for each in devices if each.tag in _TOUCHED]:
            devices.remove(device)
    return etree.tostring(root, encoding="unicode")


def check_guest_abi(case: FullCase) -> Iterator[Finding]:
    """The rewrites change nothing that the running guest can see."""
    wanted = destination_xml(case.request, case.here.xml)
    if not case.here.active or not wanted or wanted == case.here.xml:
        return
    breaks = abi_differences(case.here.xml, wanted)
    if not breaks:
        yield ok("guest-abi", "The rewrites change nothing that the guest sees.")
    for sentence in breaks:
        yield blocker(
            "guest-abi",
            f"The rewrites change what the running guest sees: {sentence}",
            "Give the new element the same value; or shut it down and move its definition.",
        )


def check_refusal(case: FullCase) -> Iterator[Finding]:
    """libvirt at the destination makes a hypervisor's command line of the XML, or says why not."""
    refusal, there = case.there.refusal, case.destination
    if refusal is None:
        text = f"Whether libvirt on {there} takes its XML is not known"
        yield unknown("xml", f"{text}.", side=case.there, look="xml")
    elif refusal and case.request.offline:
        yield warning("xml", f"libvirt on {there} could not start it: {refusal}.", _CURE)
    elif refusal:
        yield blocker("xml", f"libvirt on {there} refuses its XML: {refusal}.", _CURE)
    else:
        yield ok("xml", f"libvirt on {there} takes its XML (interfaces and host devices aside).")


_TOUCHED = frozenset({"interface", "hostdev", "vsock", "tpm"})
_CURE = "Change it with a rewrite, or give the destination what it lacks."

FULL_RULES: tuple[FullRule, ...] = (check_guest_abi, check_refusal)

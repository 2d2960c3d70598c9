"""Preflight: networks, devices of the host, secrets, consoles. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import (
    FullCase,
    FullRule,
    blocker,
    named,
    ok,
    unknown,
    warning,
)
from core.migration.preflight.leaving import leaves
from core.model import Finding
from core.model.lists import listed
from core.xml.host_devices import node_name

_MOVE_CURE = "Detach it before the move and attach one there, or say what it is there (rewrites)."
_DETACH_CURE = (
    "Detach it before the move (`virtdeck device detach`, of an SR-IOV interface `virtdeck "
    "interface detach`) and attach one there after it; override where VFIO can migrate it."
)


def check_networks(case: FullCase) -> Iterator[Finding]:
    """Its virtual networks exist there and are active."""
    for name in dict.fromkeys(case.wanted.networks):
        code = named("network", name)
        networks = case.there.networks
        if networks is None:
            text = f"Whether {case.destination} has the network {name} is not known."
            yield unknown(code, text, side=case.there, look="networks")
            continue
        network = next((each for each in networks if each.name == name), None)
        if network is None:
            cure = "Define it there, or plug the interface into another one (rewrites)."
            yield blocker(code, f"{case.destination} has no network {name}.", cure)
        elif not network.active:
            cure = f"Start it: virsh net-start {name}."
            yield blocker(code, f"The network {name} of {case.destination} is not active.", cure)
        else:
            yield ok(code, f"{case.destination} has the network {name}, and it is active.")


def check_filters(case: FullCase) -> Iterator[Finding]:
    """The network filters of its interfaces exist there."""
    for name in case.wanted.filters:
        code, filters = named("filter", name), case.there.filters
        if filters is None:
            text = f"Whether {case.destination} has the network filter {name} is not known."
            yield unknown(code, text, side=case.there, look="filters")
        elif name in filters:
            yield ok(code, f"{case.destination} has the network filter {name}.")
        else:
            text = f"{case.destination} has no network filter {name}."
            yield blocker(code, text, "Define it there: virsh nwfilter-define.")


def check_address(case: FullCase) -> Iterator[Finding]:
    """The fixed address of its vsock is no other guest's there."""
    if case.wanted.cid is not None:
        text = f"Whether its vsock address {case.wanted.cid} is free there is not known."
        yield unknown("vsock", text, "Look there, or let libvirt choose it (cid auto='yes').")


def check_bridges(case: FullCase) -> Iterator[Finding]:
    """The bridges and devices that it is plugged into exist there."""
    kinds = {"bridge": "bridge", "direct": "network device"}
    plugged = [
        (kinds[each.type], each.source)
        for each in case.wanted.instance.interfaces
        if each.type in kinds and each.source
    ]
    for what, name in dict.fromkeys(plugged):
        code, links = named(what.split(maxsplit=1)[0], name), case.there.links
        if links is None or (name not in links and _virtual(case, name)):
            text = f"Whether {case.destination} has the {what} {name} is not known."
            yield unknown(
                code, text, f"Look there: ip link show {name}.", side=case.there, look="links"
            )
        elif name in links:
            yield ok(code, f"{case.destination} has the {what} {name}.")
        else:
            cure = "Create it there, or plug the interface into another one (rewrites)."
            yield blocker(code, f"{case.destination} has no {what} {name}.", cure)


def _virtual(case: FullCase, name: str) -> bool:
    """Whether a name is the bridge of a network there: those are listed only while it is active."""
    return any(network.bridge == name for network in case.there.networks or ())


def check_other_interfaces(case: FullCase) -> Iterator[Finding]:
    """Interfaces whose other end is outside of libvirt."""
    for each in case.wanted.instance.interfaces:
        if each.type in ("ethernet", "vhostuser", "vds", "mcast", "server", "client", "udp"):
            text = f"What the interface {each.mac} ({each.type}) needs there cannot be seen."
            yield unknown(named("interface", each.mac), text, "Prepare it there.")
        elif each.type == "user" and case.here.active:
            text = f"Connections over the interface {each.mac} (user) break: its NAT is in QEMU."
            yield warning(named("interface", each.mac), text, "Use a network or a bridge.")


def check_host_devices(case: FullCase) -> Iterator[Finding]:
    """Devices that are passed through."""
    leave = {node_name(one.word) for one in leaves(case)}
    # a rewrite changes what they are called, and not their order
    for here, need in zip(case.needs.host_devices, case.wanted.host_devices, strict=False):
        if here.device in leave:
            continue  # `preflight.leaving` judges those
        code, devices = named("device", need.device), case.there.devices
        if need.failover:
            text = f"The {need.kind} device {need.device} is unplugged for the move (failover)."
            yield ok(code, text)
        elif need.kind == "usb" and case.there.usb is not None:
            yield _usb(case, code, need.device)
        elif need.kind not in ("pci", "mdev") or devices is None:
            text = (
                f"Whether {case.destination} has the {need.kind} device {need.device} is not known."
            )
            yield unknown(code, text, _MOVE_CURE, side=case.there, look="devices")
        elif not any(each.startswith(need.device) for each in devices):
            text = f"{case.destination} has no {need.kind} device {need.device}."
            yield blocker(code, text, _MOVE_CURE)
        elif case.here.active:
            text = f"It uses the {need.kind} device {need.device}: few drivers can migrate that."
            yield blocker(code, text, _DETACH_CURE)
        else:
            yield ok(code, f"{case.destination} has the {need.kind} device {need.device}.")


def _usb(case: FullCase, code: str, device: str) -> Finding:
    if device not in (case.there.usb or ()):
        return blocker(code, f"{case.destination} has no USB device {device}.", _MOVE_CURE)
    text = f"{case.destination} has a USB device {device} too: the guest sees it replugged."
    return warning(code, text, _MOVE_CURE)


_UUID = 36
"""Characters; else a secret is told by what it is for."""


def check_secrets(case: FullCase) -> Iterator[Finding]:
    """The secrets of its disks and its TPM are there."""
    for name in case.wanted.secrets:
        code, secrets = named("secret", name), case.there.secrets
        if secrets is None:
            text = f"Whether {case.destination} has the secret {name} is not known."
            yield unknown(code, text, side=case.there, look="secrets")
        elif name in secrets:
            text = f"{case.destination} has the secret {name}; whether it has a value is not told."
            yield ok(code, text)
        else:
            text = f"{case.destination} has no secret {name}."
            cure = "Define it there by `virsh secret-define`, and set its value."
            if len(name) == _UUID:
                cure = (
                    f"Define it there by `virsh secret-define`, with what `virsh secret-dumpxml "
                    f"{name}` tells here, and set its value: `virsh secret-set-value {name} --file "
                    "FILE`."
                )
            yield blocker(code, text, cure)


def check_consoles(case: FullCase) -> Iterator[Finding]:
    """Graphics and video that the destination can offer."""
    for address in case.wanted.listen:
        text = f"Its graphics listen at {address}, which must be an address of {case.destination}."
        yield unknown("graphics", text, "Give the address there (rewrites), or let it be 0.0.0.0.")
    abilities = case.there.abilities
    offered = None if abilities is None else abilities.video
    missing = (
        []
        if offered is None
        else [each for each in case.wanted.video if each and each not in offered]
    )
    if missing:
        text = f"QEMU on {case.destination} has no video device {listed(missing)}."
        yield blocker("video", text, "Install its module (qemu-system-modules...) there.")
    buses = None if abilities is None else abilities.disk_buses
    if buses is not None:
        lacking = sorted({d.bus for d in case.wanted.disks if d.bus and d.bus not in buses})
        if lacking:
            text = f"The machine there has no disk bus {listed(lacking)}."
            yield blocker("disk-bus", text, "Update QEMU there.")


FULL_RULES: tuple[FullRule, ...] = (
    check_networks,
    check_bridges,
    check_other_interfaces,
    check_host_devices,
    check_secrets,
    check_filters,
    check_address,
    check_consoles,
)

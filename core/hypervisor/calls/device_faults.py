"""What libvirt says of a device that it does not take, in a sentence with the cure. On a lane."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.cures import NO_LIMITS
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.network_image_faults import of_network_image
from core.model.lists import listed
from core.model.text import clean, real_name
from core.xml.network import read_network

_NOT_OFFERED = re.compile(r"lo|vnet\d+|macvtap\d+|tap\d+")
"""Devices that belong to other instances, or lead nowhere."""

_CURES = (
    ("No more available PCI slots", "It has no free slot for that: take what is on PCIe (virtio, "
     "e1000e), give it pcie-root-port controllers by `edit`, or attach it with --when next-start."),
    ("requires shared memory", "Add <memoryBacking><source type='memfd'/><access mode='shared'/>"
     "</memoryBacking> to its definition (`virtdeck edit`), and stop and start it."),
    ("not yet supported in session mode", "Take the system's libvirt (qemu:///system), or one from "
     "10.0 on."),
    ("Unable to find a satisfying virtiofsd", "Install virtiofsd on its host."),
    ("virtiofs export directory", "Make that directory on its host first, or share another."),
    ("virtiofsd died unexpectedly", "See its log beside the instance's on the host; to share what "
     "is only read takes virtiofsd 1.13."),
    ("does not support hotplugging", "Its machine takes nothing while it runs, as without ACPI: "
     "attach it with --when next-start."),
    ("live attach of device", "What runs takes no such device: an instance that is defined has it "
     "from its next start on, with --when next-start."),
    ("live detach of device", "What runs keeps it: --when next-start takes it away from then on."),
    ('Failed to get "write" lock', "Another process has it open for writing: see who by "
     "`virtdeck volumes`, or on the host."),
    ("Invalid password, cannot unlock", "Give the passphrase with which it was encrypted."),
    ("not in LUKS format", "Leave the passphrase out: virtdeck encrypts nothing that is there."),
    ("LUKS version 2 is not supported", "QEMU opens LUKS1 alone: let the host open it (cryptsetup)"
     ", and attach what is below /dev/mapper."),
    ("Unknown driver", "Install QEMU's drivers for the network on its host (qemu-block-extra)."),
    ("Unknown protocol", "Install QEMU's drivers for the network on its host (qemu-block-extra)."),
    ("conflicts with SCSI host device", "On SCSI the letter is the place, which that device has: "
     "give another target, such as --target sdk."),
    ("duplicate drive address", "On SCSI the letter is the place, which another disk has: give "
     "another target, such as --target sdk."),
    ("duplicated", "See its disks by `virtdeck show`; leave the target out to have a free one."),
    ("per-device boot elements", "It boots by classes of devices: number its devices first "
     "(`virtdeck set-boot-order`), or leave --boot-order out."),
    ("vlan tag not supported", "Take ovs:BRIDGE or hostdev:ADDRESS, or leave the VLAN out."),
    ("Multiple USB devices for", "Name one by where it is plugged in (usb:BUS.DEVICE): see "
     "`virtdeck devices`."),
    ("is in use by driver", "One at a time can have it: detach it there first, `virtdeck device "
     "detach`."),
    ("passthrough of host PCI devices", "Its kernel must have the IOMMU on (intel_iommu=on or "
     "amd_iommu=on) and the module vfio-pci."),
    ("Failed to connect to", "See whether the server runs, and whether the host reaches it."),
    *NO_LIMITS,
)  # fmt: skip
"""What libvirt says, and what helps."""

_MISSING = re.compile(
    r"(?:Cannot get interface (?:MTU|flags) on|Unable to get index for interface) "
    r"'?(?P<name>[^':]+)'?: No such device"
)
_Sentence = Callable[[re.Match[str]], tuple[str, str]]
_SENTENCES: Sequence[tuple[str, _Sentence]] = (
    (
        r"referenced filter '(.*)' is missing",
        lambda found: (
            f"The host has no network filter {clean(found[1])}.",
            "See those it has: `virtdeck nwfilters`, or leave it out.",
        ),
    ),
    (
        r"Unable to add port \S+ to OVS bridge ([^\s:]+)",
        lambda found: (
            f"{clean(found[1])} is no bridge of Open vSwitch, or that does not run.",
            "See `ovs-vsctl list-br` on the host; a bridge of Linux is bridge:NAME.",
        ),
    ),
    (
        r"Failed to connect to '(/.*)': (No such file or directory|Connection refused)",
        lambda found: (
            f"Nobody listens at {clean(found[1])}: {found[2][:1].lower()}{found[2][1:]}.",
            "Start the switch that makes the socket, or let QEMU make it: --mode server.",
        ),
    ),
    (
        r"Unable to open '(.*)' for vdpa device: (.*)",
        lambda found: (
            f"The vDPA device {clean(found[1])} cannot be opened: {clean(found[2])}.",
            "See `vdpa dev show` on the host; it is bound to vhost_vdpa.",
        ),
    ),
    (
        r"target managed='no' but specified dev doesn't exist",
        lambda _: ("The host has no such tap device.", "Make it there first: `ip tuntap add`."),
    ),
    (
        r"element 'backend': 'passt'",
        lambda _: ("The libvirt of its host has no passt.", "Take user, or a newer libvirt."),
    ),
    (
        r"passt.*(not found|No such file)|Cannot find.*passt",
        lambda _: ("Its host has no passt.", "Take user, or install it there."),
    ),
    (
        r"(?:Did not find|No such|no) USB device|USB device .* not found",
        lambda _: (
            "The host has no such USB device.",
            "See those it has: `virtdeck devices`; it may have been pulled out.",
        ),
    ),
    (
        r"Device (\S+) not found: could not access",
        lambda found: (
            f"The host has no PCI device {clean(found[1])}.",
            "See those it has: `virtdeck devices`.",
        ),
    ),
    (
        r"mediated device '?([0-9a-f-]{36})'? not found",
        lambda found: (
            f"The host has no mediated device {clean(found[1])}.",
            "Make it there first: `mdevctl start`, or `virsh nodedev-create`.",
        ),
    ),
    (
        r"Non-endpoint PCI devices",
        lambda _: ("That is a PCI bridge, which its host keeps.", "Give what is behind it."),
    ),
    (
        r"host doesn't have VFIO|cannot be assigned|IOMMU",
        lambda _: (
            "The host cannot give that device away.",
            "Its IOMMU must be on, and every device of its group be free.",
        ),
    ),
)


def told_of(conn: Connection, message: str) -> HypervisorError | None:
    """Return an error that says what is wrong and what helps; None: libvirt's words must do."""
    missing = _MISSING.search(message)
    if missing is not None:
        return _without_device(conn, missing["name"])
    for pattern, sentence in _SENTENCES:
        found = re.search(pattern, message)
        if found is not None:
            return HypervisorError(*sentence(found))
    if (explained := of_network_image(message)) is not None:
        return HypervisorError(*explained)
    cure = next((cure for said, cure in _CURES if said in message), "")
    told = message.strip().rstrip(".")
    return HypervisorError(f"{told}.", cure) if cure else None


def missing_of(conn: Connection, needs: str, *, live: bool) -> HypervisorError | None:
    """Return why what a device needs of the host is not there; None: it is, or nothing tells.

    What runs is plugged in at once, and libvirt tells of it itself; but of a port group that its
    network does not have it says nothing ever, and takes none.
    """
    kind, _, name = needs.partition(" ")
    if kind == "port-group":
        return _without_group(conn, *name.split("/", 1))
    if live:
        return None
    if kind == "net":
        known = network_devices(conn)
        return _without_device(conn, name, known) if known and real_name(name) not in known else (
            None
        )  # fmt: skip
    if kind == "pci":
        words = re.split(r"[:.]", name if name.count(":") == 2 else f"0000:{name}")
        try:
            conn.nodeDeviceLookupByName(f"pci_{'_'.join(words).lower()}")
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_NODE_DEVICE:
                text = f"The host has no PCI device {clean(name)}."
                return HypervisorError(text, "See those it has: `virtdeck devices`.")
    return None


def _without_group(conn: Connection, network: str, group: str) -> HypervisorError | None:
    try:
        xml = conn.networkLookupByName(real_name(network)).XMLDesc(0)
    except libvirt.libvirtError:
        return None  # libvirt tells of it
    groups = [one.name for one in read_network(xml).port_groups]
    if group in groups:
        return None
    text = f"The network {clean(network)} has no port group {clean(group)}."
    offered = listed([clean(one) for one in groups])
    return HypervisorError(text, f"Take {offered}." if offered else "Leave it out.")


def network_devices(conn: Connection) -> list[str]:
    """Return the names of a host's network devices, in one call; empty: it does not tell them."""
    try:
        found: list[Any] = conn.listAllInterfaces(0)
    except libvirt.libvirtError:
        return []
    return sorted(one.name() for one in found)


def _without_device(
    conn: Connection, name: str, known: Sequence[str] | None = None
) -> HypervisorError:
    names = network_devices(conn) if known is None else known
    offered = [clean(one) for one in names if not _NOT_OFFERED.fullmatch(one)]
    has = f"it has {listed(offered)}" if offered else "see `ip link` there"
    text = f"The host has no network device {clean(name)}."
    return HypervisorError(text, f"Make it there first, or take another: {has}.")

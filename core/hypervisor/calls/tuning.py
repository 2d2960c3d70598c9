"""The calls that limit what an instance uses, and set its links. Run on a lane thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import HypervisorError, UnsupportedError, XmlError
from core.hypervisor.calls.cures import NO_LIMITS, told_with
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.model import ObjectKey
from core.verbs.tuning.kept_limits import whole_disk_limits, whole_network_limits
from core.verbs.tuning.limits import LimitsCall
from core.verbs.tuning.link import LinkCall
from core.xml.definition.tuning import device_with_link


def set_limits(conn: Connection, subject: ObjectKey, call: LimitsCall) -> None:
    """Set limits (virDomainSetSchedulerParametersFlags and its like)."""
    domain, values = conn.lookupByUUIDString(subject.id), dict[str, Any](call.values)
    calls: dict[str, Callable[[int], object]] = {
        "cpu": lambda flags: domain.setSchedulerParametersFlags(values, flags),
        "memory": lambda flags: domain.setMemoryParameters(values, flags),
        "disk": lambda flags: _limit_disk(domain, call, flags),
        "network": lambda flags: _limit_network(domain, call, flags),
    }
    try:
        with told_with(NO_LIMITS):
            _applied(conn, call, calls[call.kind])
    except libvirt.libvirtError as error:
        if "session mode" not in (error.get_error_message() or ""):
            raise
        text = "The libvirt of its host is a user's own, which limits neither CPU nor memory."
        raise UnsupportedError(text, "Have it run by the system's (qemu:///system).") from error


def _limit_disk(domain: Any, call: LimitsCall, flags: int) -> None:
    values: dict[str, Any] = dict(
        whole_disk_limits(domain.blockIoTune(call.device, flags), dict(call.values))
    )
    if call.group:
        values["group_name"] = call.group
    domain.setBlockIoTune(call.device, values, flags)


def _limit_network(domain: Any, call: LimitsCall, flags: int) -> None:
    now = domain.interfaceParameters(call.device, flags)
    domain.setInterfaceParameters(call.device, whole_network_limits(now, dict(call.values)), flags)


def set_link(conn: Connection, subject: ObjectKey, call: LinkCall) -> None:
    """Set the state of a link (virDomainUpdateDeviceFlags), of each XML that has the device.

    Nothing is changed before each is known to have it.
    """
    domain = conn.lookupByUUIDString(subject.id)
    live = _linked(domain, call, 0) if call.live else ""
    config = _linked(domain, call, libvirt.VIR_DOMAIN_XML_INACTIVE) if call.config else ""
    if live:
        _update(domain, live, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    if config:
        with _only_what_runs(live):
            _update(domain, config, libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def _linked(domain: Any, call: LinkCall, shown: int) -> str:
    try:
        return device_with_link(domain.XMLDesc(shown), call.interface, up=call.up)
    except XmlError as error:
        raise HypervisorError(error.message, error.hint) from None


@contextmanager
def _only_what_runs(changed: object) -> Iterator[None]:
    """Say of a definition that could not be changed that what runs was, where it was."""
    try:
        yield
    except libvirt.libvirtError as error:
        if not changed:
            raise
        said = (error.get_error_message() or "libvirt gave no reason").rstrip(".")
        text = f"What runs was changed, and its definition was not: {said}."
        raise HypervisorError(text, "Ask again with --when next-start.") from error


def _update(domain: Any, device: str, affect: int) -> None:
    try:
        domain.updateDeviceFlags(device, affect)
    except libvirt.libvirtError as error:
        if not unsupported(error):
            raise
        text = "This driver of libvirt cannot do that to a device that is there."
        raise UnsupportedError(text, "Edit its XML: that counts from the next start.") from None


def _applied(conn: Connection, call: LimitsCall, make: Callable[[int], object]) -> None:
    kind = call.kind
    live, config = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
    flags = (live if call.live else 0) | (config if call.config else 0)
    if flags == live | config and (conn.getType() == "TEST" or kind != "cpu"):
        # the test driver does not take both at once; of the others the present values are read
        # first, by us or by the binding, and what runs may have others than its definition
        make(live)
        with _only_what_runs(live):
            make(config)
    else:
        make(flags)


CALL_FUNCTIONS: CallFunctions = {LimitsCall: set_limits, LinkCall: set_link}

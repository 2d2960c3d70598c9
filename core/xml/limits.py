"""What an instance is held to by its XML: its disks and its vCPUs."""

from __future__ import annotations

from core.model.diagnostics import DiskLimits, InstanceLimits
from core.xml.tree import Element, attribute, children, number, parse, text

_FIELDS = {
    "total_bytes": "total_bytes_sec",
    "read_bytes": "read_bytes_sec",
    "write_bytes": "write_bytes_sec",
    "total_requests": "total_iops_sec",
    "read_requests": "read_iops_sec",
    "write_requests": "write_iops_sec",
}


def read_limits(xml: str) -> InstanceLimits:
    """Return the limits of an instance's XML; raises XmlError where it cannot be read."""
    root = parse(xml, "domain")
    disks = tuple(
        DiskLimits(attribute(disk, "dev", "target"), **found)
        for disk in children(root.find("devices"))
        if disk.tag == "disk" and (found := _limits_of(disk))
    )
    quota, period = number(text(root, "cputune/quota")), number(text(root, "cputune/period"))
    cpu = quota / (period or 100_000) if quota is not None and quota > 0 else None
    return InstanceLimits(disks, cpu)


def _limits_of(disk: Element) -> dict[str, int]:
    found = {name: number(text(disk, f"iotune/{field}")) for name, field in _FIELDS.items()}
    return {name: value for name, value in found.items() if value}

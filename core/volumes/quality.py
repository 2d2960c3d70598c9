"""Limits, block sizes and access of a volume, as its connection_info has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.volumes.connection_info import ConnectionInfo

RATES = tuple(
    f"{way}_{what}_sec" for what in ("bytes", "iops") for way in ("total", "read", "write")
)
LIMITS = (
    *RATES,
    *(f"{rate}_max" for rate in RATES),
    *(f"{rate}_max_length" for rate in RATES),
    "size_iops_sec",
)
"""What `<iotune>` has, in its order: rates, bursts, how long a burst may last, the size of one."""
LARGEST = 10**15
"""QEMU's own (THROTTLE_VALUE_MAX)."""


def limits_of(info: ConnectionInfo) -> tuple[tuple[str, int], ...]:
    """Return the limits of its `qos_specs`; raises ConnectionInfoError for what is no number.

    Keys that are none of libvirt's are a back end's own, and no matter of ours.
    """
    specs = info.data.get("qos_specs")
    if specs is None:
        return ()
    if not isinstance(specs, dict):
        raise info.malformed("qos_specs", "is no object")
    found = []
    for name in LIMITS:
        value = str(specs.get(name) or "").strip()
        if not value:
            continue
        if not (value.isascii() and value.isdecimal()) or int(value[:17]) > LARGEST:
            raise info.malformed(f"qos_specs.{name}", "is no number that QEMU takes")
        if int(value):
            found.append((name, int(value)))
    if why := against_limits(dict(found)):
        raise info.malformed("qos_specs", why)
    return tuple(found)


def against_totals(limits: Mapping[str, int]) -> str:
    """Return what QEMU takes no total beside, to follow what it is of; empty: it takes them."""
    for what in ("bytes", "iops"):
        for end in ("", "_max"):
            parts = [limits.get(f"{way}_{what}_sec{end}") for way in ("read", "write")]
            if limits.get(f"total_{what}_sec{end}") and any(parts):
                total = f"total_{what}_sec{end}"
                return f"has a {total} beside one of reads or writes: QEMU takes either"
    return ""


def against_limits(limits: Mapping[str, int]) -> str:
    """Return why QEMU takes no such limits, to follow what they are of; empty: it does."""
    if why := against_totals(limits):
        return why
    for rate in RATES:
        most, length = limits.get(f"{rate}_max"), limits.get(f"{rate}_max_length")
        if most and not limits.get(rate):
            return f"has a {rate}_max without {rate}: there is no burst over no limit"
        if most and most < limits[rate]:
            return f"has a {rate}_max below {rate}: a burst is more"
        if length and not most:
            return f"has a {rate}_max_length without {rate}_max"
    return ""


def blocks_of(info: ConnectionInfo) -> tuple[int | None, int | None]:
    """Return the logical and the physical block size, in bytes; None: what QEMU takes."""
    found: list[int | None] = []
    for name in ("logical_block_size", "physical_block_size"):
        size = info.whole(name)
        if size is not None and (why := against_block(size)):
            raise info.malformed(name, why)
        found.append(size)
    logical, physical = found
    if logical and physical and physical < logical:
        raise info.malformed("physical_block_size", "is less than logical_block_size")
    return logical, physical


def against_block(size: int) -> str:
    """Return why QEMU takes no blocks of a size; empty: it does."""
    fits = 512 <= size <= 2 << 20 and size & (size - 1) == 0
    return "" if fits else "is no power of two from 512 to 2097152"


def read_only(info: ConnectionInfo) -> bool:
    """Return whether it may only be read; raises ConnectionInfoError for an unknown access."""
    mode = info.text("access_mode") or "rw"
    if mode not in ("rw", "ro"):
        raise info.malformed("access_mode", "is neither rw nor ro")
    return mode == "ro"

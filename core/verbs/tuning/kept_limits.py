"""Limits that have to be said again with those that are set, so that they stay. Pure.

libvirt takes limits by groups: of a disk all rates in bytes are one, all in requests another, their
bursts two more, how long these last two more; of a network device each way is one. What a call does
not name of a group that it names anything of, it lifts (virDomainSetBlockIoTune,
virDomainSetInterfaceParameters).
"""

from __future__ import annotations

from collections.abc import Mapping

_WAYS = ("total", "read", "write")
_OTHERS = {"total": ("read", "write"), "read": ("total",), "write": ("total",)}
"""QEMU takes a total, or limits of what is read and written."""
_BURST, _LENGTH = "_max", "_max_length"


def whole_disk_limits(now: Mapping[str, object], given: Mapping[str, int]) -> dict[str, int]:
    """Return what is set of a disk that has the limits `now`, by libvirt's names.

    What excludes what is given goes, and so does a burst over no limit.
    """
    found = dict(given)
    for what in ("bytes_sec", "iops_sec"):
        gone = {
            other
            for way in _WAYS
            for end in ("", _BURST, _LENGTH)
            if given.get(f"{way}_{what}{end}")
            for other in _OTHERS[way]
        }
        lifted = {way for way in _WAYS if given.get(f"{way}_{what}") == 0}
        for end in ("", _BURST, _LENGTH):
            keys = {way: f"{way}_{what}{end}" for way in _WAYS}
            for way, key in keys.items():
                if _number(now, key) and (way in gone or (end and way in lifted)):
                    found.setdefault(key, 0)
            if any(key in found for key in keys.values()):
                _keep(found, now, keys, end)
    return found


def _keep(
    found: dict[str, int], now: Mapping[str, object], keys: Mapping[str, str], end: str
) -> None:
    """Say again what a group has that is not said."""
    for key in keys.values():
        burst = key.removesuffix(_LENGTH) + _BURST
        lasts = end == _LENGTH and not found.get(burst, _number(now, burst))
        if _number(now, key) and not lasts:
            found.setdefault(key, _number(now, key))


def whole_network_limits(now: Mapping[str, object], given: Mapping[str, int]) -> dict[str, int]:
    """Return what is set of a network device that has the limits `now`, by libvirt's names."""
    found = dict(given)
    for way in ("inbound", "outbound"):
        named = any(key.startswith(f"{way}.") for key in given)
        if named and given.get(f"{way}.average") != 0:
            for part in ("average", "peak", "burst", "floor"):
                if value := _number(now, f"{way}.{part}"):
                    found.setdefault(f"{way}.{part}", value)
    return found


def _number(now: Mapping[str, object], key: str) -> int:
    value = now.get(key)
    return value if isinstance(value, int) else 0

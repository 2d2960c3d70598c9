"""Limits of a disk by the names of libvirt's `<iotune>`, as parameters of requests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from core.verbs.parameter import parameter

_LIMIT = r"((total|read|write)_(bytes|iops)_sec(_max(_length)?)?|size_iops_sec)=[0-9]{1,15}"
Limit = Annotated[
    str,
    parameter("How fast it is at most, as NAME=NUMBER by libvirt's names: read_iops_sec=500, "
              "total_bytes_sec_max=9000000.", pattern=_LIMIT, shape="a name of libvirt's, = and "
              "a number, such as read_iops_sec=500", advanced=True),
]  # fmt: skip
LimitGroup = Annotated[
    str,
    parameter("The disks that share these limits, by a name of your own.",
              pattern=r"[A-Za-z0-9_.-]{0,60}", shape="letters, digits and _ . -", advanced=True),
]  # fmt: skip


def pairs_of(limits: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Return the names and numbers."""
    for text in limits:
        name, _, value = text.partition("=")
        yield name, int(value)

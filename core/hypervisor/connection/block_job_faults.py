"""libvirt's and QEMU's errors of a disk that has a block job: one, and nothing beside it.

Nothing is read of block jobs before a disk is detached or let grow, and another console may have
begun one meanwhile. Pure.
"""

from __future__ import annotations

import re

from core.model.text import clean

# qemuDomainDiskBlockJobIsActive, virDomainObjGetOneDef's callers; a block_resize has no name of it
_ACTIVE = (
    r"disk '(?P<disk>[^']{1,64})' (?:is )?already in active block job",
    r"block_resize': Device '(?P<disk>[^']{0,64})' is in use",
)
_CURE = (
    "Wait for its end, or see `virtdeck operations`: the one that began it may ask. "
    "`virtdeck block-job-abort` ends it, whoever began it."
)


def of_block_job(text: str, host: str) -> tuple[str, str] | None:
    """Return what is in the way and what cures it; None where libvirt tells of no block job."""
    for pattern in _ACTIVE:
        if found := re.search(pattern, text):
            name = clean(found["disk"])
            disk = "Its disk" if name in ("", "(null)") else f"Its disk {name}"
            return f"{disk} has a block job on {host}, and nothing else can be done to it.", _CURE
    return None

"""libvirt's and QEMU's errors of a file or folder of the host: what is wrong with it, and the cure.

They name a call of the kernel's and its error. Pure.
"""

from __future__ import annotations

import re

from core.model.text import clean

_SHOWN = 300
"""Characters of a path that are shown: Linux takes 4,095 bytes."""

_LOOKED_INTO = r"open dir(?:ectory)?|read dir(?:ectory)?"
_WRITTEN = r"create (?:file|directory|copy target|target file|logfile)|open for writing"
_READ = (
    r"access (?:storage|backing) file|open (?:file|kernel file|backing file|image)|open|stat|"
    r"load (?:kernel|initrd)|read(?: file)?"
)
_MAKE = "Make the folder there first, or choose another one."
_FAULT = re.compile(
    rf"(?:cannot|could not|can't|failed to|unable to) (?P<did>{_LOOKED_INTO}|{_WRITTEN}|{_READ})"
    r"(?: storage)?(?: volume)? ?'?(?P<path>/[^']*?)?'?(?: \(as uid:\d+, gid:\d+\))?: "
    r"(?P<why>No such file or directory|Not a directory|Is a directory|Permission denied|"
    r"Read-only file system)",
    re.IGNORECASE,
)


def of_file(text: str, host: str) -> tuple[str, str] | None:
    """Return what happened and what cures it; None where libvirt tells of no file."""
    found = _FAULT.search(text)
    if found is None:
        return None
    path = clean((found["path"] or "").strip())
    path = path if len(path) <= _SHOWN else f"...{path[-_SHOWN:]}"
    did, why = found["did"], found["why"].lower()
    written = re.fullmatch(_WRITTEN, did, re.IGNORECASE) is not None
    if why == "permission denied":
        what = f"libvirt on {host} may not {'write' if written else 'read'} {path or 'there'}."
        return what, "Let its user, and QEMU's, do that there, or choose another place."
    if why == "read-only file system":
        what = f"{path or 'The file'} cannot be written: its file system on {host} is read-only."
        return what, "Choose another place."
    if why == "is a directory":
        return (
            f"{path or 'What was named'} on {host} is a folder, not a file.",
            "Name a file in it.",
        )
    if re.fullmatch(_LOOKED_INTO, did, re.IGNORECASE):
        if why == "not a directory":
            return f"{path} on {host} is not a folder.", "Choose one that is."
        return f"There is no folder {path} on {host}.", _MAKE
    if written or why == "not a directory":
        folder = path.rpartition("/")[0] or "/"
        what = f"{folder} on {host}: {path} cannot be" if path else f"on {host} for the file to be"
        return f"There is no folder {what} written.", _MAKE
    return f"There is no file {path} on {host}.", "Put it there, or name another."

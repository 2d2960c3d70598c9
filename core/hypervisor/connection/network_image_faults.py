"""What QEMU says of an image of the network that it cannot open, in a sentence with the cure. Pure.

It says the same where a disk is attached, and where an instance is started or arrives; then its
words come after the image's options.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.hypervisor.connection.served_image_faults import OF_SERVED, FaultSentence
from core.model.text import clean

_SENTENCES: Sequence[tuple[str, FaultSentence]] = (
    (
        r"iSCSI: .*Authentication failure",
        lambda _: (
            "The iSCSI target{target} does not let it in: it knows no such user, or another "
            "password of theirs, or asks for one.",
            "Detach it and attach it again, with both: the user in the URL, the password by a file "
            "(--password-file), or both in the connection_info.",
        ),
    ),
    (
        r"iSCSI: .*LOGICAL_UNIT_NOT_SUPPORTED",
        lambda _: (
            "The iSCSI target{target} has no such LUN.",
            "See on the storage which it shows this host; they may begin at 0 or 1.",
        ),
    ),
    (
        r"iSCSI: .*Target not found",
        lambda _: (
            "The iSCSI portal{portal} has no such target.",
            "See those it has: `iscsiadm -m discovery -t sendtargets -p PORTAL`.",
        ),
    ),
    (
        r"iSCSI: Failed to connect to LUN",
        lambda _: (
            "Nobody answers at the iSCSI portal{portal}.",
            "See whether the target runs, and whether the host reaches it.",
        ),
    ),
    (
        r"error connecting: (?:Permission denied|Operation not supported)",
        lambda _: (
            "Ceph does not let that user in: it has no such user, or another key of theirs.",
            "Give the key that `ceph auth get-key client.USER` prints: --password-file.",
        ),
    ),
    (
        r"error connecting: Connection timed out",
        lambda _: (
            "None of the monitors of Ceph answered for as long as its library waits.",
            "See that they run, and that its host reaches them: the guest stood still meanwhile, "
            "for as long as `client mount timeout` in /etc/ceph/ceph.conf of its host says.",
        ),
    ),
    (
        r"error opening pool (\S+): No such file",
        lambda found: (
            f"Ceph has no pool {clean(found[1])}.",
            "See those it has: `ceph osd lspools`.",
        ),
    ),
    (
        r"error reading header from (\S+): No such file",
        lambda found: (
            f"Its pool of Ceph has no image {clean(found[1])}.",
            "See those it has: `rbd ls POOL`.",
        ),
    ),
    (
        r"error (?:opening pool|reading header from) (\S+): Operation not permitted",
        lambda found: (
            f"Ceph does not let that user have {clean(found[1])}.",
            "See what they may: `ceph auth get client.USER`; it takes `profile rbd pool=POOL`.",
        ),
    ),
    *OF_SERVED,
)


def of_network_image(message: str) -> tuple[str, str] | None:
    """Return what is wrong and what helps; None: nothing of an image of the network."""
    message = " ".join(message.split())
    for pattern, sentence in _SENTENCES:
        if found := re.search(pattern, message):
            text, cure = sentence(found)
            return _named(text, message), cure
    return None


def _named(text: str, message: str) -> str:
    """Name the portal or the target of a LUN, where QEMU tells its options."""
    for word in ("portal", "target"):
        told = re.findall(rf'"{word}":"([^"]+)"', message)
        text = text.replace(f"{{{word}}}", f" {clean(told[-1])}" if told else "")
    return text

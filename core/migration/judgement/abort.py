"""Whether a migration that ended at its source was aborted, or failed. Pure.

QEMU 7.2 shuts the socket of a migration that is cancelled before it notes that it is cancelled.
Where the thread that copies sees the shut socket first, the job has failed for libvirt: its call
ends with the error of either side, as if the network had broken (of 110 aborts at full speed ten
ended so). Only who asked for the abort knows better.
"""

from __future__ import annotations

from core.migration.judgement.seen import Seen

ABORTED = 78
"""VIR_ERR_OPERATION_ABORTED: how the call ends when the job was cancelled."""

_CUT_OFF = ("load of migration failed", "unable to write to socket")
"""What the sides of a migration say whose socket was shut."""


def was_aborted(seen: Seen) -> bool:
    """Whether it was aborted, by whomever."""
    return seen.aborted or seen.abort_sent or seen.cancelled or seen.code == ABORTED


def reason(seen: Seen) -> str:
    """Return what libvirt said of a migration that was aborted, where that is not just that."""
    told = "" if seen.code == ABORTED else seen.error.rstrip(".")
    return f": it was aborted, which libvirt tells as: {told}" if told else ""


def doubt(seen: Seen) -> str:
    """Return that a failure may be an abort that nobody here knows of; empty: it is none."""
    if not any(words in seen.error.lower() for words in _CUT_OFF):
        return ""
    return (
        "QEMU may say the same of a migration that was aborted: ask whether somebody did, with "
        "virsh domjobabort or another tool. Else see the log of its QEMU process on both hosts."
    )

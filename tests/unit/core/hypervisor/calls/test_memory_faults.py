"""What libvirt and QEMU say where a guest's memory is not written, and what is told."""

from __future__ import annotations

import pytest

from core.hypervisor.calls.memory_faults import why_not_written

INVALID = "Requested operation is not valid: "


@pytest.mark.parametrize(
    ("message", "sentence", "cure"),
    [
        (
            f"{INVALID}cannot migrate domain: Migration is disabled when VirtFS export path "
            "'/srv/a b' is mounted in the guest using mount_tag 'my data'",
            "Its guest has the share my data mounted (by 9p)",
            "Unmount it in the guest",
        ),
        (
            f"{INVALID}cannot migrate domain: non-migratable device: 0000:00:02.6/vhost-user-fs",
            "It has a virtiofs share",
            "detach it (`virtdeck device detach`)",
        ),
        (f"{INVALID}migration with virtiofs device is not supported", "a virtiofs share", "detach"),
        (
            "this function is not supported: cannot migrate a domain with <hostdev "
            "mode='subsystem' type='scsi_host'>",
            "It has a device of its host (hostdev, scsi_host)",
            "Detach it first",
        ),
        (
            f"{INVALID}cannot migrate domain: 0000:03:00.0: VFIO migration is not supported",
            "whose state VFIO cannot write",
            "Detach it first",
        ),
        (
            f"{INVALID}cannot migrate domain: State blocked by non-migratable CPU device "
            "(invtsc flag)",
            "Its CPU has invtsc",
            "Drop that feature",
        ),
        (
            f"{INVALID}domain has 'invtsc' CPU feature but TSC frequency is not specified",
            "Its CPU has invtsc",
            "give its TSC a frequency",
        ),
        (
            f"{INVALID}cannot migrate domain: virgl is not yet migratable",
            "QEMU cannot write its memory: virgl is not yet migratable.",
            "Take away what is in the way",
        ),
    ],
)
def test_why_memory_is_not_written_is_told_with_the_cure(
    message: str, sentence: str, cure: str
) -> None:
    told = why_not_written(message)
    assert told is not None
    assert sentence in told[0]
    assert cure in told[1]
    assert "shut its guest down instead" in told[1]


@pytest.mark.parametrize(
    "message", ["", "Timed out", "unable to open /srv/virtiofs/invtsc: No space left on device"]
)
def test_what_is_about_something_else_is_left_as_it_is(message: str) -> None:
    assert why_not_written(message) is None

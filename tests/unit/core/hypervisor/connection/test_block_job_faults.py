"""What is told of a disk that has a block job already."""

import pytest

from core.hypervisor.connection.block_job_faults import of_block_job


@pytest.mark.parametrize(
    ("text", "disk"),
    [
        ("block copy still active: disk 'vdb' already in active block job", "Its disk vdb has"),
        (
            "internal error: unable to execute QEMU command 'block_resize': Device '(null)' is in "
            "use",
            "Its disk has",
        ),
    ],
)
def test_a_block_job_in_the_way_is_told_with_what_ends_it(text: str, disk: str) -> None:
    told = of_block_job(text, "alpha")
    assert told is not None
    assert told[0].startswith(f"{disk} a block job on alpha")
    assert "virtdeck block-job-abort" in told[1]


def test_other_errors_are_none_of_a_block_job() -> None:
    assert of_block_job("internal error: unable to execute QEMU command 'device_add'", "a") is None

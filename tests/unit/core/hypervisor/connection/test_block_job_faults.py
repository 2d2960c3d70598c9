"""What is told of a disk that has a block job already."""

import pytest

from core.errors import HypervisorError
from core.hypervisor.connection.block_job_faults import of_block_job
from core.hypervisor.connection.faults import translate
from core.hypervisor.connection.uri import parse_uri
from tests.unit.core.hypervisor.connection.test_drivers import Error


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


@pytest.mark.parametrize("code", [83, 84])
def test_libvirt_has_two_codes_for_one_job_in_the_way(code: int) -> None:
    said = Error("Operation not supported: disk 'vda' already in active block job", code)
    told = translate(said, parse_uri("alpha=qemu:///system"))
    assert type(told) is HypervisorError
    assert told.message.startswith("Its disk vda has a block job")


def test_other_errors_are_none_of_a_block_job() -> None:
    assert of_block_job("internal error: unable to execute QEMU command 'device_add'", "a") is None

"""What a listing alone tells of real instances, before any XML is read."""

from __future__ import annotations

from core.hypervisor.connection.binding import libvirt
from core.lab import LabHost
from core.model import InstanceState
from tests.driver.worlds import read_listing


def test_an_instance_that_is_off_is_listed_with_its_size(beta: LabHost) -> None:
    connection = libvirt.open(beta.uri)
    listed = read_listing(connection, "beta", 1.0)
    connection.close()
    (archive,) = (one for one in listed.instances if one.name == "archive")
    assert not archive.described
    assert archive.state is InstanceState.SHUTOFF
    assert (archive.vcpus, archive.vcpus_maximum) == (1, 2)
    assert (archive.memory, archive.memory_maximum) == (96 << 20, 96 << 20)

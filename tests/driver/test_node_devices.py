"""The devices of a host: read of libvirt's test driver, whose world has those of a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.errors import HypervisorError, NotFoundError
from core.hypervisor.calls.table import make
from core.hypervisor.connection.options import LinkOptions, Reading
from core.hypervisor.session import Hypervisor
from core.model.base import ObjectKey
from core.model.event import NodeDeviceLifecycle
from core.model.host_device import HostDevice
from core.model.observation import HostDevicesRead, Observation
from core.verbs.call import once_more
from core.verbs.device.mediated import (
    MediatedCreateCall,
    MediatedDestroyCall,
    mediated_xml,
)
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import linked, until
from tests.driver.worlds import instance_xml
from tests.slow_link import SlowLink

SERVER = Path(__file__).parents[1] / "data" / "devices" / "server.xml"
CARD, FUNCTION = "pci_0000_3b_00_0", "pci_0000_3b_02_1"


def world(folder: Path) -> str:
    """A world of the test driver with those devices; returns its URI."""
    inside = SERVER.read_text().partition("<devices>")[2].partition("</devices>")[0]
    devices = inside.partition("-->")[2]
    path = folder / "world.xml"
    path.write_text(f"<node><cpu><mhz>1</mhz></cpu>{devices}</node>")
    return f"test://{path}"


def read_of(seen: list[Observation]) -> list[HostDevicesRead]:
    return [one for one in seen if isinstance(one, HostDevicesRead)]


async def test_devices_are_read_once_and_then_what_an_event_names(tmp_path: Path) -> None:
    async with linked(world(tmp_path)) as (host, collected):
        await host.settled()
        seen = collected.seen
        host.devices.notice(NodeDeviceLifecycle("host", 1.0, "", FUNCTION, "created"))
        assert read_of(seen) == [], "nobody has looked"
        found = await host.devices.read()
        assert found is not None
        by_name = {one.name: one for one in found}
        assert by_name[CARD].virtual_functions[1] == "pci:0000:3b:02.1"
        assert by_name[CARD].virtual_maximum == 64
        assert by_name[FUNCTION].physical_function == "pci:0000:3b:00.0"
        assert by_name[FUNCTION].iommu_group == 81
        assert by_name["usb_1_4"].model == "usb:0781:5581"
        (graphics,) = (one for one in found if one.mdev_types)
        assert [(one.id, one.available) for one in graphics.mdev_types] == [
            ("nvidia-222", 15),
            ("nvidia-230", 0),
        ]
        host.devices.notice(NodeDeviceLifecycle("host", 2.0, "", FUNCTION, "updated"))
        host.devices.notice(NodeDeviceLifecycle("host", 2.0, "", "net_vnet7_fe", "created"))
        host.devices.notice(NodeDeviceLifecycle("host", 2.0, "", "pci_0000_ff_00_0", "deleted"))
        await until(lambda: len(read_of(seen)) == 2)
        again = read_of(seen)[1]
        assert [one.name for one in again.devices] == [FUNCTION]
        assert (again.gone, again.whole) == (("pci_0000_ff_00_0",), False)


async def test_what_takes_a_function_away_has_its_card_read_again(tmp_path: Path) -> None:
    async with linked(world(tmp_path)) as (host, collected):
        await host.settled()
        seen = collected.seen
        found = await host.devices.read()
        assert found is not None
        lost = next(one for one in found if one.name == FUNCTION)
        host.devices._known = {**{one.name: one for one in found}, "pci_x": renamed(lost)}
        host.devices.notice(NodeDeviceLifecycle("host", 2.0, "", "pci_x", "deleted"))
        await until(lambda: len(read_of(seen)) == 3)
        assert [one.name for one in read_of(seen)[2].devices] == [CARD]


async def test_devices_cost_one_call_and_one_for_each(tmp_path: Path) -> None:
    path = tmp_path / "counted"
    with PrivateDaemon(0) as daemon, SlowLink(path, daemon.socket) as link:
        uri = f"test+unix:///default?socket={path}"
        options = LinkOptions(reads=frozenset({Reading.EVENTS, Reading.INSTANCES}))
        host = Hypervisor("host", uri, sink=lambda _: None, clock=SystemClock(), options=options)
        await host.start()
        await host.settled()
        await until(lambda: host.unread is not None and host.unread.at_rest, 60)
        found = await host.devices.read(every=True)  # which opens a lane of its own
        assert found
        before = link.calls().total()
        await host.devices.read(every=True)
        every = link.calls().total()
        assert await host.devices.read() == ()
        whole = link.calls().total()
        await host.devices.read_some([found[0].name, found[1].name])
        some = link.calls().total()
        await host.close()
    assert (every - before, whole - every, some - whole) == (1 + len(found), 1, 2 * 2)


def test_a_command_reads_what_a_device_is_before_it_asks(
    tmp_path: Path, virtdeck: Virtdeck
) -> None:
    host = world(tmp_path)
    path = tmp_path / "world.xml"
    path.write_text(path.read_text().replace("</node>", f"{instance_xml(1, name='web')}</node>"))
    attach = ("-c", host, "device", "attach", "web", "--device")
    asked = virtdeck(*attach, "usb:0781:5581")
    assert "usb:0781:5581, SanDisk Ultra, is taken from world, with all it does there." in asked.err
    refused = virtdeck(*attach, "usb:1.1", "--yes")
    assert "usb:1.1 is the USB controller of world itself" in refused.err
    assert refused.status != 0


def renamed(device: HostDevice) -> HostDevice:
    return replace(device, name="pci_x")


async def test_a_driver_that_makes_no_mediated_devices_says_so(tmp_path: Path) -> None:
    """libvirt's test driver makes virtual host bus adapters, and nothing else."""
    parent = "pci_0000_af_00_0"
    async with linked(world(tmp_path)) as (host, _):
        await host.settled()
        key = ObjectKey("host", "host", "host")
        made = MediatedCreateCall(mediated_xml(parent, "nvidia-222", None))
        with pytest.raises(HypervisorError) as raised:
            await host.call(lambda conn: make(conn, key, made))
        assert raised.value.hint
        gone = MediatedDestroyCall("00000000-0000-4000-8000-000000000000")
        with pytest.raises(NotFoundError, match="no mediated device mdev:00000000-") as unknown:
            await host.call(lambda conn: make(conn, key, gone))
        assert unknown.value.hint == "See those it has: `virtdeck devices`."
        # nobody heard what became of the first one, which may have taken it away
        await host.call(lambda conn: make(conn, key, once_more(gone)))

"""What an instance's page tells of the system in its guest."""

from __future__ import annotations

from console.screens.instances import panels
from console.screens.instances.guest import guest
from console.screens.table_text import as_cells, plain
from console.screens.view import View
from core.model import Instance, InstanceDetail, InstanceState, State
from core.model.guest import GuestFileSystem, GuestInfo, GuestUser

GIB = 1 << 30
WEB = Instance("a", "u", "web", InstanceState.RUNNING)
TOLD = GuestInfo(
    system="Debian GNU/Linux 12",
    kernel="6.1.0",
    host_name="web01",
    time_zone="CET",
    time_offset=3600,
    users=(GuestUser("op", 0.0), GuestUser("jo")),
    file_systems=(
        GuestFileSystem("/", "ext4", ("vda",), 10 * GIB, 3 * GIB),
        GuestFileSystem("/srv", "xfs", ("vdb", "vdc"), 10 * GIB, 10 * GIB - 1),
        GuestFileSystem("/net", "nfs"),
    ),
)


def view() -> View:
    made = View(now=lambda: 100.0)
    made.state = State(instances={WEB.key: WEB})
    return made


def text(info: GuestInfo) -> list[str]:
    return [" ".join(plain(line).split()) for line in guest(view(), info)]


def test_the_system_its_users_and_its_file_systems_are_told() -> None:
    lines = text(TOLD)
    assert lines[:5] == [
        "Guest",
        "system Debian GNU/Linux 12",
        "kernel 6.1.0",
        "host name web01",
        "time zone CET (UTC+01:00)",
    ]
    assert lines[5].startswith("logged in op")
    assert lines[5].endswith(", jo")
    root, srv, net = lines[-3:]
    assert root.startswith("/ ext4 vda ")
    assert root.endswith("30% 3.0G of 10G")
    assert srv.startswith("/srv xfs vdb, vdc ")
    assert net.startswith("/net nfs - ")


def test_one_that_is_nearly_full_stands_out_and_is_not_called_full() -> None:
    root, srv = guest(view(), TOLD)[-3:-1]
    assert "warning" not in {cell.role for cell in as_cells(root)}
    assert "warning" in {cell.role for cell in as_cells(srv)}
    assert "100%" not in plain(srv)


def test_an_offset_west_of_utc_has_its_sign() -> None:
    assert "time zone UTC-03:30" in text(GuestInfo(time_offset=-12600))


def test_who_tells_nothing_has_no_part_of_the_page() -> None:
    assert guest(view(), GuestInfo()) == []
    for told in (None, GuestInfo()):
        detail = InstanceDetail("a", "u", 1.0, guest=told)
        assert "Guest" not in [plain(line) for line in panels.overview(view(), WEB, detail)]
    detail = InstanceDetail("a", "u", 1.0, guest=TOLD)
    assert " Guest" in [plain(line) for line in panels.overview(view(), WEB, detail)]

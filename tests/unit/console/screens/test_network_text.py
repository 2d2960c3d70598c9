"""What the page of a network says, in one column and in two."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.screens.networks.network_text import WIDE, network_lines
from console.screens.table_text import plain
from core.model import State
from core.model.network import NetworkUse
from tests.unit.core.state.test_network_members import LAN, LEASE, STRANGER, wired

WEB = wired("web", "52:54:00:00:00:01")
STATE = State(instances={WEB.key: WEB})
NET = replace(LAN, dhcp_ranges=(("10.0.0.2", "10.0.0.9"),), limits=("inbound 8 KiB/s at most",))
USE = NetworkUse((replace(LEASE, expires=460.0), STRANGER), 2)


@pytest.mark.parametrize("width", [70, WIDE, 180])
def test_it_tells_who_has_which_address_and_for_how_long(width: int) -> None:
    lines = [plain(line) for line in network_lines(STATE, NET, USE, width, 100.0)]
    (web,) = [line for line in lines if "52:54:00:00:00:01" in line]
    assert web.split()[-8:-4] == ["(web)", "vnet0", "52:54:00:00:00:01", "10.0.0.5/24"]
    assert web.endswith("ends in 6m00s  web-1")
    assert any("unknown here" in line for line in lines)
    assert any("gives out" in line and "10.0.0.2 to 10.0.0.9" in line for line in lines)
    assert any("inbound 8 KiB/s at most" in line for line in lines)
    assert any("2 plugged in" in line for line in lines)
    assert (("Network" in lines[0]) and ("On it: 2 devices" in lines[0])) is (width >= WIDE)


@pytest.mark.parametrize(
    ("why", "text"),
    [("", "are being read"), ("alpha is not reachable.", "not known: alpha is not reachable")],
)
def test_what_is_not_read_is_said(why: str, text: str) -> None:
    lines = [plain(line) for line in network_lines(State(), LAN, None, 90, 0.0, why)]
    assert any(text in line for line in lines)
    assert any("Nobody is on it" in line for line in lines)

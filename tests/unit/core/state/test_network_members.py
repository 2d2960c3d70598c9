"""Who is on a network, and which addresses they have."""

from __future__ import annotations

from core.model import Instance, Interface, Network, State
from core.model.network import DhcpHost, Lease, NetworkUse
from core.state.network_members import Member, members

LAN = Network("alpha", "n", "lan", dhcp_hosts=(DhcpHost("10.0.0.7", "52:54:00:00:00:02", "db"),))
LEASE = Lease("52:54:00:00:00:01", "10.0.0.5/24", "web-1")
STRANGER = Lease("52:54:00:00:00:99", "10.0.0.9/24")


def wired(name: str, mac: str, network: str = "lan") -> Instance:
    return Instance("alpha", name, name, interfaces=(Interface(mac, "network", network, "vnet0"),))


def test_members_have_the_addresses_of_their_leases_or_those_that_are_kept() -> None:
    web, db = wired("web", "52:54:00:00:00:01"), wired("db", "52:54:00:00:00:02")
    state = State(
        instances={one.key: one for one in (web, db, wired("x", "52:54:00:00:00:03", "b"))}
    )
    assert members(state, LAN, NetworkUse((LEASE, STRANGER), 2)) == [
        Member(web, web.interfaces[0].mac, web.interfaces[0], ("10.0.0.5/24",), "web-1"),
        Member(db, db.interfaces[0].mac, db.interfaces[0], ("10.0.0.7 (kept)",)),
        Member(None, "52:54:00:00:00:99", None, ("10.0.0.9/24",)),
    ]
    assert [one.addresses for one in members(state, LAN, None)] == [(), ("10.0.0.7 (kept)",)]

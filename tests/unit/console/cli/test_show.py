"""What `virtdeck show` prints of a network."""

from __future__ import annotations

from console.cli.show import text_of
from core.model import Network


def test_a_range_of_dhcp_is_written_as_it_is_typed() -> None:
    network = Network("alpha", "u", "lan", dhcp_ranges=(("10.0.0.2", "10.0.0.9"),))
    assert "dhcp ranges: 10.0.0.2-10.0.0.9" in text_of(network, 0)


def test_isolated_is_known_and_not_yet_read_is_not() -> None:
    assert Network("alpha", "u", "lan").leads == "isolated"
    assert Network("alpha", "u", "lan", described=False).leads == ""
    assert Network("alpha", "u", "lan", forward="nat").leads == "nat"

"""What a guest lets go of before it moves, and what its XML is then."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import RefusedError
from core.migration.plan.leaving import detached, leaving, rewritten, words_of
from core.migration.plan.plan import Destination, plan
from core.model import InstanceState, ObjectKey
from core.model.rewrites import InterfaceRewrite, Move, Rewrites
from core.verbs.migration.requests import Migrate
from core.xml import read_instance
from core.xml.needs import read_needs

CARD = (
    "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x00' "
    "function='0x0'/></source></hostdev>"
)
MDEV = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'>"
    "<source><address uuid='cc000000-0000-4000-8000-000000000001'/></source></hostdev>"
)
USB = (
    "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1d6b'/><product id='0x0002'/>"
    "</source></hostdev>"
)
PLAIN = (
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"
    "</interface>"
)
VF = (
    "<interface type='hostdev'>{}<mac address='52:54:00:00:00:09'/><source><address type='pci' "
    "domain='0x0000' bus='0x06' slot='0x10' function='0x1'/></source></interface>"
)
FAILOVER = VF.format("<teaming type='transient' persistent='ua-1'/>")
UUID = "cc000000-0000-4000-8000-000000000001"
WORDS = (
    "pci:0000:06:00.0",
    f"mdev:{UUID}",
    "the interface 52:54:00:00:00:09",
)


def xml_of(*devices: str) -> str:
    return (
        "<domain type='kvm'><name>vm1</name><uuid>6f3b0a52-9c1d-4e37-8a55-0123456789ab</uuid>"
        f"<vcpu>1</vcpu><devices>{''.join(devices)}</devices></domain>"
    )


FULL = xml_of(CARD, MDEV, USB, PLAIN, VF.format(""))


def asked(**options: Any) -> Migrate:
    return Migrate(ObjectKey("instance", "alpha", "u"), to="beta", **options)


def leave(xml: str, **options: Any) -> tuple[str, ...]:
    return words_of(leaving(asked(**options), read_needs(xml)))


def test_pci_and_mediated_devices_and_sr_iov_leave_and_usb_and_other_interfaces_do_not() -> None:
    assert leave(FULL) == WORDS
    assert leave(FULL, host_devices="migrate") == leave(FULL, offline=True) == ()
    assert leave(xml_of(USB, PLAIN)) == ()


def test_what_qemu_unplugs_by_itself_is_left_to_it_unless_more_is_in_the_way() -> None:
    assert leave(xml_of(FAILOVER)) == ()
    assert "interface type" in rewritten(asked(), xml_of(FAILOVER), xml_of(FAILOVER))
    assert leave(xml_of(CARD, FAILOVER)) == (WORDS[0], WORDS[2])


def test_the_xml_that_moves_is_without_them_and_the_definition_has_them() -> None:
    instance = read_instance(FULL, "alpha")
    made = plan(
        asked(rewrites=Rewrites(pci=(Move("0000:06:00.0", "0000:07:00.0"),))),
        xml=FULL,
        inactive_xml=FULL,
        instance=replace(instance, state=InstanceState.RUNNING, persistent=True),
        destination=Destination("beta", "qemu+ssh://root@beta/system", "beta.example.com"),
    )
    moves, defined = made.parameters["destination_xml"], made.parameters["persistent_xml"]
    assert isinstance(moves, str)
    assert isinstance(defined, str)
    assert (moves.count("<hostdev"), moves.count("<interface")) == (1, 1)
    assert (defined.count("<hostdev"), defined.count("<interface")) == (3, 2)
    assert 'bus="0x07"' in defined
    note = f"{WORDS[0]}, {WORDS[1]} and {WORDS[2]} leave the guest before it moves; they are"
    assert f"{note} attached again on beta after it." in made.notes


def test_the_record_has_what_each_is_called_at_the_destination() -> None:
    moves = Rewrites(
        pci=(Move("0000:06:00.0", "0:7:0.1"),),
        mdev=(Move(UUID.upper(), "dd000000-0000-4000-8000-000000000001"),),
    )
    found = detached(asked(rewrites=moves), read_needs(FULL))
    assert [one.word for one in found] == list(WORDS)
    assert [one.there for one in found] == [
        "pci:0000:07:00.1", "mdev:dd000000-0000-4000-8000-000000000001", "52:54:00:00:00:09"
    ]  # fmt: skip
    assert [one.there for one in detached(asked(), read_needs(FULL))] == [one.name for one in found]


def test_rewrites_of_what_has_left_are_of_the_definition_and_must_be_in_it() -> None:
    gone = xml_of(USB, PLAIN)
    moves = Rewrites(
        pci=(Move("0000:06:00.0", "0000:07:00.0"),),
        mdev=(
            Move("cc000000-0000-4000-8000-000000000001", "dd000000-0000-4000-8000-000000000001"),
        ),
        interfaces=(
            InterfaceRewrite("52:54:00:00:00:01", network="red"),
            InterfaceRewrite("52:54:00:00:00:09"),
        ),
    )
    xml = rewritten(asked(rewrites=moves), gone, FULL)
    assert 'network="red"' in xml
    with pytest.raises(RefusedError, match=r"no PCI device 0000:09:00\.0"):
        rewritten(asked(rewrites=Rewrites(pci=(Move("0000:09:00.0", "0000:07:00.0"),))), gone, FULL)

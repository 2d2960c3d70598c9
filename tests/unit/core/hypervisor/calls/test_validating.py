"""A definition that the daemon judged before it had read its own schema."""

from __future__ import annotations

import libvirt
import pytest

from core.hypervisor.calls.validating import define_validated

# As libvirt 9.0 said it of two definitions that came in the same moment to a daemon just started.
LOST_RACE = (
    "XML document failed to validate against schema: Unable to parse RNG schema "
    "/usr/share/libvirt/schemas/domain.rng: Type string is not exported by type library "
    "http://www.w3.org/2001/XMLSchema-datatypes"
)


class Daemon:
    """A connection whose daemon loses the race as often as is said."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.asked = 0

    def defineXMLFlags(self, xml: str, flags: int) -> str:  # noqa: N802 - libvirt's name
        self.asked += 1
        assert flags == libvirt.VIR_DOMAIN_DEFINE_VALIDATE
        if self.refusals:
            raise libvirt.libvirtError(self.refusals.pop(0))
        return xml


def test_a_race_about_the_schema_is_no_verdict_about_the_definition() -> None:
    daemon = Daemon(LOST_RACE, LOST_RACE)
    assert define_validated(daemon, "<domain/>") == "<domain/>"
    assert daemon.asked == 3


def test_what_the_schema_refuses_is_asked_once() -> None:
    daemon = Daemon("XML document failed to validate against schema: Extra element devices")
    with pytest.raises(libvirt.libvirtError, match="Extra element"):
        define_validated(daemon, "<domain/>")
    assert daemon.asked == 1


def test_a_daemon_that_never_reads_its_schema_is_not_asked_for_ever() -> None:
    daemon = Daemon(*[LOST_RACE] * 20)
    with pytest.raises(libvirt.libvirtError, match="type library"):
        define_validated(daemon, "<domain/>")
    assert daemon.asked == 4

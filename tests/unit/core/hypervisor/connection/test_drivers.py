"""What is said of hosts that are not QEMU's: products, daemons, cures, verbs that are lacking."""

from __future__ import annotations

import pytest

from core.hypervisor.connection.faults import not_opened, translate
from core.hypervisor.connection.uri import NAMES, parse_uri
from core.model import Instance, InstanceState, State
from core.model.driver import DRIVERS, driver_of, driver_of_type
from core.verbs.power.requests import Reset, Shutdown
from tests.unit.core.verbs.test_checks import UP, WEB
from tests.unit.core.verbs.test_checks import state as state_of
from tests.verbs import POWER_VERBS, check

NO_SOCKET = "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory"
NO_DRIVER = "unsupported configuration: libvirt was built without the 'hyperv' driver"


class Error(Exception):
    """A libvirtError with a text and a code."""

    def __init__(self, text: str, code: int = 38) -> None:
        super().__init__(text)
        self.text, self.code = text, code

    def get_error_code(self) -> int:
        return self.code

    def get_error_message(self) -> str:
        return self.text


def cure(text: str, uri: str) -> str:
    return not_opened(Error(text), parse_uri(uri)).hint


def test_every_driver_of_a_uri_is_in_the_table() -> None:
    assert set(NAMES) == {*DRIVERS, "remote"}
    for name, driver in DRIVERS.items():
        assert driver.name == name
        assert driver.product
        assert driver.lacks <= set(POWER_VERBS)
        assert driver_of(f"{name}+ssh://host/system") is driver


@pytest.mark.parametrize(
    ("uri", "daemon"),
    [
        ("qemu:///system", "virtqemud"),
        ("xen:///system", "virtxend"),
        ("lxc:///system", "virtlxcd"),
        ("vz:///system", "virtvzd"),
        ("bhyve:///system", "virtbhyved"),
        ("vbox:///session", "virtvboxd"),
        ("ch:///system", "virtchd"),
        ("lxc+ssh://host/system", "virtlxcd"),
    ],
)
def test_what_is_to_be_started_is_that_drivers_daemon(uri: str, daemon: str) -> None:
    said = cure(NO_SOCKET, uri)
    assert daemon in said
    assert daemon == "virtqemud" or "virtqemud" not in said
    assert ("there" in said) == ("ssh" in uri)


@pytest.mark.parametrize("uri", ["remote+ssh://host/", "test+ssh://host/default"])
def test_a_driver_without_a_daemon_of_its_own_is_libvirtds(uri: str) -> None:
    assert cure(NO_SOCKET, uri).endswith("libvirtd.socket.")


@pytest.mark.parametrize("name", [name for name, driver in DRIVERS.items() if driver.client_side])
def test_a_driver_of_the_library_is_not_to_be_installed_there(name: str) -> None:
    error = not_opened(Error(NO_DRIVER), parse_uri(f"{name}://host/default"))
    assert "there" not in error.hint
    assert "client library" in error.hint
    assert error.message == (
        f"The libvirt of this machine has no driver for {DRIVERS[name].product}."
    )


def test_a_driver_of_a_daemon_is_installed_where_that_runs() -> None:
    text = "no connection driver available for lxc:///system"
    assert "there (on Debian: libvirt-daemon-driver-lxc)" in cure(text, "lxc+ssh://host/system")
    assert "LXC here" in cure(text, "lxc:///system")


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("vmwareplayer:///session", "internal error: vmrun utility is missing"),
        ("openvz:///system", "internal error: OpenVZ control file /proc/vz does not exist"),
    ],
)
def test_a_product_that_this_machine_lacks_is_named(uri: str, text: str) -> None:
    error = not_opened(Error(text), parse_uri(uri))
    assert DRIVERS[uri.partition(":")[0]].product in error.message
    assert "+ssh://HOST/" in error.hint


def test_text_instead_of_a_packet_is_named_with_its_first_letters() -> None:
    text = "packet 1466264671 bytes received from server too large, want 33554432"
    error = not_opened(Error(text), parse_uri("qemu+ssh://ann@host:2222/system"))
    assert "it begins with 'Welc'" in error.message
    assert "`ssh -p 2222 ann@host true`" in error.hint
    assert "command=" in cure(text, "qemu+ext:///system?command=/bin/x")
    assert "port" in cure(text, "qemu+tcp://host/system")
    strange = not_opened(
        Error("packet 4294967290 bytes too large"), parse_uri("qemu+ssh://h/system")
    )
    assert "begins" not in strange.message


def test_a_call_that_a_driver_lacks_says_whose_driver() -> None:
    text = "this function is not supported by the connection driver: virDomainReset"
    error = translate(Error(text, 3), parse_uri("c=lxc:///system"))
    assert error.message == "c cannot do this: libvirt's driver for LXC lacks virDomainReset."


@pytest.mark.parametrize(("type_", "proposed"), [("kvm", True), ("lxc", False), ("odd", True)])
def test_a_reset_is_proposed_only_where_there_is_one(type_: str, proposed: bool) -> None:
    crashed = Instance("alpha", "u-web", "web", InstanceState.CRASHED, type=type_)
    (reason,) = check(state_of(crashed, link=UP), Shutdown(WEB))
    assert ("reset it" in reason) is proposed
    assert "stop it" in reason
    assert driver_of_type(type_).can("reset") is proposed
    assert not check(State(hosts=state_of().hosts, instances={WEB: crashed}), Reset(WEB))

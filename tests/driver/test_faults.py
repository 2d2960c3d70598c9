"""libvirt's errors in an operator's words. The texts are what libvirt 9 and OpenSSH 9 wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SystemClock
from core.errors import (
    DiskInUseError,
    HypervisorError,
    NotFoundError,
    ReadOnlyError,
    UnreachableError,
    UnsupportedError,
)
from core.hypervisor.connection import faults
from core.hypervisor.connection.binding import libvirt, load
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import HostAddress, parse_uri
from core.hypervisor.session import Hypervisor
from tests.driver.watching import Collector
from tests.patience import PATIENCE


@dataclass
class Fault:
    message: str
    code: int = 38

    def get_error_code(self) -> int:
        return self.code

    def get_error_message(self) -> str:
        return self.message


CHANGED = (
    "Cannot recv data: @@@@@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
    + "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n" * 20
    + "Host key for alpha has changed and you have requested strict checking.\r\n"
    "Host key verification failed.: Connection reset by peer"
)


@pytest.mark.parametrize(
    ("uri", "text", "says", "cure"),
    [
        (
            "qemu+ssh://root@alpha/system",
            "Cannot recv data: root@alpha: Permission denied (publickey).: Connection reset",
            "ssh is not let in at root@alpha",
            "ssh-copy-id root@alpha",
        ),
        (
            "qemu+ssh://root@alpha:2222/system",
            "Cannot recv data: Host key verification failed.: Connection reset by peer",
            "ssh does not know the host key of root@alpha",
            "`ssh -p 2222 root@alpha` once by hand",
        ),
        (
            "qemu+ssh://root@alpha:2222/system",
            CHANGED,
            "not the one ssh knows",
            "ssh-keygen -R '[alpha]:2222'",
        ),
        (
            "qemu+ssh://alpha/system",
            "Cannot recv data: ssh: Could not resolve hostname alpha: Name or service not known: "
            "Connection reset by peer",
            "The name alpha cannot be resolved",
            "DNS",
        ),
        (
            "qemu+ssh://alpha/system",
            "Cannot recv data: ssh: connect to host alpha port 22: Connection refused: "
            "Connection reset by peer",
            "alpha refuses connections on port 22",
            "sshd",
        ),
        (
            "qemu+ssh://alpha/system",
            "Cannot recv data: ssh: connect to host alpha port 22: No route to host: x",
            "no route to alpha",
            "switched on",
        ),
        (
            "qemu+ssh://alpha/system",
            "Cannot recv data: ssh: connect to host alpha port 22: Connection timed out: x",
            "alpha does not answer",
            "firewall",
        ),
        (
            "qemu+ssh://root@alpha/system",
            "End of file while reading data: sh: 1: nc: not found: Input/output error",
            "root@alpha lacks the program",
            "virt-ssh-helper",
        ),
        (
            "qemu+ssh://alpha/system",
            "End of file while reading data: virt-ssh-helper: cannot connect to "
            "'/var/run/libvirt/libvirt-sock': Failed to connect socket to "
            "'/var/run/libvirt/libvirt-sock': No such file or directory: Input/output error",
            "libvirt does not run on host",
            "Start it there: sudo systemctl enable --now libvirtd.socket",
        ),
        (
            "qemu+ssh://kim@alpha/system",
            "End of file while reading data: virt-ssh-helper: cannot connect to "
            "'/var/run/libvirt/libvirt-sock': Failed to connect socket to "
            "'/var/run/libvirt/libvirt-sock': Permission denied: Input/output error",
            "may not use libvirt's socket",
            "usermod -aG libvirt kim",
        ),
        (
            "qemu+ssh://alpha/system",
            "Cannot recv data: libvirt:  error : cannot execute binary ssh: No such file or "
            "directory: Connection reset by peer",
            "cannot be run (ssh)",
            "apt install openssh-client",
        ),
        (
            "qemu:///system",
            "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file",
            "libvirt does not run on host",
            "libvirtd.socket",
        ),
        (
            "qemu:///system",
            "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
            "may not use libvirt's socket",
            "usermod -aG libvirt $USER",
        ),
        (
            "qemu:///system",
            "authentication unavailable: no polkit agent available to authenticate action "
            "'org.libvirt.unix.manage'",
            "policy (polkit)",
            "group libvirt",
        ),
        (
            "qemu+tcp://alpha/system",
            "unable to connect to server at 'alpha:16509': Connection refused",
            "refuses connections on port 16509",
            "libvirtd-tcp.socket",
        ),
        (
            "qemu+tls://alpha/system",
            "unable to connect to server at 'alpha:16514': Connection refused",
            "port 16514",
            "libvirtd-tls.socket",
        ),
        (
            "qemu+tls://alpha/system",
            "Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
            "TLS certificate for host is missing",
            "pkipath",
        ),
        (
            "hyperv://alpha/",
            "unsupported configuration: libvirt was built without the 'hyperv' driver",
            "no driver for Hyper-V",
            "client library",
        ),
    ],
)
def test_what_libvirt_and_ssh_write_gets_a_sentence_and_a_cure(
    uri: str, text: str, says: str, cure: str
) -> None:
    error = faults.not_opened(Fault(text), _address(uri))
    assert isinstance(error, UnreachableError)
    assert says in error.message
    assert cure in error.hint
    assert error.exit_status == 3


def _address(uri: str) -> HostAddress:
    return parse_uri(f"host={uri}")


async def _failure_of(uri: str) -> tuple[str, str]:
    options = LinkOptions(connect_timeout=5 * PATIENCE)
    host = Hypervisor("host", uri, sink=Collector(), clock=SystemClock(), options=options)
    await host.start()
    await host.settled()
    link = host.link
    await host.close()
    return link.error, link.hint


@pytest.mark.parametrize(
    ("uri", "says", "cure"),
    [
        ("test+unix:///default?socket=/nonexistent/sock", "(/nonexistent/sock)", "libvirtd"),
        ("test+tcp://127.0.0.1:1/default", "refuses connections on port 1.", "libvirtd-tcp.socket"),
        ("test+tcp://nowhere.invalid/default", "nowhere.invalid cannot be resolved", "spelling"),
        ("test+ssh://127.0.0.1:1/default", "127.0.0.1 refuses connections on port 1", "sshd"),
        ("test+ssh://nowhere.invalid/default", "nowhere.invalid cannot be resolved", "spelling"),
        ("test+ssh://x/default?command=/nonexistent", "cannot be run (/nonexistent)", "command="),
        ("test+tls://127.0.0.1/default?pkipath=/nonexistent", "TLS certificate", "pkipath"),
    ],
)
async def test_the_installed_libvirt_s_own_failures_are_recognised(
    uri: str, says: str, cure: str, session_directory: Path
) -> None:
    error, hint = await _failure_of(uri)
    assert says in error
    assert cure in hint


@pytest.mark.parametrize(
    ("constant", "kind"),
    [
        ("VIR_ERR_NO_DOMAIN", NotFoundError),
        ("VIR_ERR_NO_NETWORK", NotFoundError),
        ("VIR_ERR_NO_STORAGE_POOL", NotFoundError),
        ("VIR_ERR_NO_STORAGE_VOL", NotFoundError),
        ("VIR_ERR_NO_INTERFACE", NotFoundError),
        ("VIR_ERR_NO_SECRET", NotFoundError),
        ("VIR_ERR_NO_NODE_DEVICE", NotFoundError),
        ("VIR_ERR_NO_DOMAIN_SNAPSHOT", NotFoundError),
        ("VIR_ERR_OPERATION_DENIED", ReadOnlyError),
        ("VIR_ERR_NO_SUPPORT", UnsupportedError),
        ("VIR_ERR_ARGUMENT_UNSUPPORTED", UnsupportedError),
        ("VIR_ERR_CONFIG_UNSUPPORTED", UnsupportedError),
        ("VIR_ERR_OPERATION_UNSUPPORTED", UnsupportedError),
        ("VIR_ERR_OPERATION_INVALID", HypervisorError),
        ("VIR_ERR_OPERATION_TIMEOUT", HypervisorError),
        ("VIR_ERR_MIGRATE_UNSAFE", HypervisorError),
        ("VIR_ERR_AGENT_UNRESPONSIVE", HypervisorError),
        ("VIR_ERR_NO_DOMAIN_CHECKPOINT", HypervisorError),
    ],
)
def test_the_codes_of_failed_calls_are_libvirt_s(constant: str, kind: type[Exception]) -> None:
    code = getattr(load(), constant)
    error = faults.translate(Fault("why", code), _address("test:///default"))
    assert type(error) is kind
    if kind is not ReadOnlyError and kind is not UnsupportedError:
        assert error.hint
    if kind is HypervisorError:
        assert error.code == code


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "internal error: process exited while connecting to monitor: 2026-11-28T02:02:41.7Z "
            'qemu-system-x86_64: -device virtio-blk-pci,id=virtio-disk0: Failed to get "write" '
            "lock\nIs another process using the image [/pool/a [1].qcow2]?",
            "/pool/a [1].qcow2",
        ),
        (
            "internal error: unable to execute QEMU command 'cont': Failed to get shared \"write\" "
            "lock\nIs another process using the image [/pool/a.raw]?",
            "/pool/a.raw",
        ),
        ("internal error: 'cont': Failed to get \"consistent read\" lock", ""),
        ("resource busy: Lockspace resource '/pool/a.raw' is locked", "/pool/a.raw"),
        (f'{"x" * 900}: Failed to get "write" lock\nusing the image [/pool/a.raw]?', "/pool/a.raw"),
    ],
)
def test_a_disk_in_use_is_told_from_qemu_s_own_words(text: str, path: str) -> None:
    error = faults.translate(Fault(text, 1), parse_uri("alpha=qemu:///system"))
    assert isinstance(error, DiskInUseError)
    assert (error.path, error.code) == (path, 1)
    assert "is in use on alpha" in error.message
    assert "lock\n" not in error.message
    assert not path or f"The disk image {path} is" in error.message


def test_a_lock_of_libvirt_s_own_is_no_disk_in_use() -> None:
    text = "Timed out during operation: cannot acquire state change lock (held by monitor=x)"
    error = faults.translate(Fault(text, 68), parse_uri("alpha=qemu:///system"))
    assert not isinstance(error, DiskInUseError)


def test_a_call_that_broke_with_its_connection_says_that() -> None:
    text = "internal error: connection closed due to keepalive timeout"
    error = faults.translate(Fault(text, 1), _address("test:///default"), broken=True)
    assert isinstance(error, UnreachableError)
    assert "no keepalive reply" in error.message


def test_a_destination_that_cannot_be_reached_is_no_loss_of_this_link() -> None:
    text = "unable to connect to server at 'beta:49152': Connection refused"
    error = faults.translate(Fault(text, 38), _address("test:///default"))
    assert type(error) is HypervisorError


@given(st.text(), st.integers(0, 120))
def test_no_text_of_a_host_reaches_a_message_with_its_controls(text: str, code: int) -> None:
    address = _address("qemu+ssh://root@alpha/system")
    for error in (
        faults.translate(Fault(text, code), address),
        faults.not_opened(Fault(text, code), address),
    ):
        assert error.message.isprintable()
        assert error.hint.isprintable()
        assert len(error.message) < 700


def test_nothing_of_libvirt_s_own_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    conn = libvirt.open("test:///default")
    with pytest.raises(libvirt.libvirtError):
        conn.lookupByName("nobody")
    conn.close()
    assert capfd.readouterr() == ("", "")

"""Parameters of a URI that the chosen transport does not heed are named, with what does."""

from __future__ import annotations

import pytest

from core.fleet import Fleet
from core.hypervisor.connection.uri import parse_uri


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("qemu+ssh://h/system?known_hosts=/k", ("known_hosts=", "ssh", "UserKnownHostsFile")),
        ("qemu+ssh://h/system?known_hosts_verify=ignore", ("StrictHostKeyChecking",)),
        ("qemu+ssh://h/system?sshauth=agent", ("PreferredAuthentications",)),
        ("qemu+ssh://h/system?pkipath=/p", ("only tls heeds it",)),
        ("qemu+libssh2://h/system?no_verify=1", ("known_hosts_verify=ignore",)),
        ("qemu+libssh://h/system?command=/usr/bin/ssh", ("only ssh and ext heed it",)),
        ("qemu+libssh://h/system?no_tty=1", ("only ssh heeds it",)),
        ("qemu+tcp://h/system?socket=/s", ("transport tcp", "only unix, ssh,")),
        ("qemu+tls://h/system?keyfile=/k", ("transport tls",)),
        ("qemu://h/system?keyfile=/k", ("transport tls",)),
        ("qemu:///system?keyfile=/k", ("transport unix",)),
        ("qemu:///system?sokcet=/s", ("knows no parameter sokcet=", "Did you mean socket=?")),
        ("qemu+ssh://h/system?KNOWN_HOSTS=/k", ("UserKnownHostsFile",)),
        ("test+ssh://h/default?known_hosts=/k", ("UserKnownHostsFile",)),
    ],
)
def test_what_does_nothing_is_said(uri: str, parts: tuple[str, ...]) -> None:
    (note,) = parse_uri(uri).notes
    for part in parts:
        assert part in note
    assert note.endswith((".", "?"))


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ssh://h/system?keyfile=/k&no_verify=1&socket=/s&netcat=nc&proxy=native&command=x",
        "qemu+ssh://h/system?mode=direct&name=qemu:///session&no_tty=1",
        "qemu+libssh://h/system?known_hosts=/k&sshauth=agent&known_hosts_verify=auto",
        "qemu+tls://h/system?pkipath=/p&tls_priority=NORMAL&no_verify=1&no_sanity=1",
        "qemu+unix:///system?socket=/s&mode=auto",
        "qemu:///embed?root=/r",
        "esx://h/?no_verify=1&auto_answer=1",
        "vpx://h/dc/host?transport=http",
        "test:///default",
    ],
)
def test_what_is_heeded_is_not(uri: str) -> None:
    assert parse_uri(uri).notes == ()


def test_a_fleet_notices_it_by_the_hosts_name() -> None:
    fleet = Fleet.open(["a=qemu+ssh://h/system?known_hosts=/k", "test:///default"])
    (notice,) = fleet.notices
    assert notice.startswith("a: The parameter known_hosts= does nothing")

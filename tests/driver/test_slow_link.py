"""The proxy that makes a link slow: what is measured and tested over it is libvirt's own doing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from core.hypervisor.connection.binding import libvirt
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.worlds import wait_for
from tests.slow_link import CallCounter, SlowLink

OPEN = 1
"""REMOTE_PROC_CONNECT_OPEN; libvirt itself calls more before and after it."""
VERSION = 157
"""REMOTE_PROC_CONNECT_GET_LIB_VERSION."""


@pytest.fixture
def far(daemon: PrivateDaemon) -> Iterator[SlowLink]:
    path = daemon.directory / "far"
    with SlowLink(path, daemon.socket, round_trip=0.05, jitter=0.01) as link:
        yield link


def uri(link: SlowLink) -> str:
    return f"test+unix:///default?socket={link.path}"


def test_every_call_takes_the_round_trip_and_is_counted(far: SlowLink) -> None:
    connection = libvirt.open(uri(far))
    opening = far.calls()
    assert (opening[OPEN], opening[VERSION]) == (1, 0)
    began = time.monotonic()
    for _ in range(3):
        connection.getLibVersion()
    assert time.monotonic() - began >= 3 * 0.05
    assert far.calls() == opening + Counter({VERSION: 3})
    connection.close()


def test_a_long_answer_comes_whole_and_in_order(
    daemons: Callable[..., PrivateDaemon],
) -> None:
    daemon = daemons(instances=1000)
    direct = sorted(domain.name() for domain in daemon.keeper.listAllDomains(0))
    with SlowLink(daemon.directory / "far", daemon.socket, round_trip=0.01, jitter=0.05) as link:
        connection = libvirt.open(uri(link))
        assert sorted(domain.name() for domain in connection.listAllDomains(0)) == direct
        connection.close()


def test_a_link_that_is_cut_or_without_a_daemon_ends_its_connections(
    daemon: PrivateDaemon, far: SlowLink
) -> None:
    connection = libvirt.open(uri(far))
    far.cut()
    wait_for(lambda: not connection.isAlive())
    connection.close()
    libvirt.open(uri(far)).close()
    daemon.kill()
    with pytest.raises(libvirt.libvirtError):
        libvirt.open(uri(far))


@pytest.mark.parametrize("piece", [1, 7, 28, 100])
def test_calls_are_counted_however_the_stream_is_cut_into_pieces(piece: int) -> None:
    def frame(program: int, procedure: int, kind: int, payload: bytes) -> bytes:
        words = (28 + len(payload), program, 1, procedure, kind, 0, 0)
        return b"".join(word.to_bytes(4, "big") for word in words) + payload

    remote, keepalive = 0x20008086, 0x6B656570
    stream = b"".join(
        [
            frame(remote, 273, 0, b"x" * 40),
            frame(keepalive, 1, 2, b""),
            frame(remote, 273, 1, b"a reply"),
            frame(remote, 14, 0, b""),
            frame(remote, 273, 0, b""),
        ]
    )
    calls: Counter[int] = Counter()
    counter = CallCounter(calls, {})
    for start in range(0, len(stream), piece):
        counter.feed(stream[start : start + piece])
    assert calls == {273: 2, 14: 1}

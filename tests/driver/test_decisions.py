"""The decisions of a link: how long to wait, what to read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.connection.backoff import Backoff
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe.staleness import stale_after
from core.model import event as events
from core.model.base import ObjectKey

OPTIONS = LinkOptions(backoff_first=0.2, backoff_limit=15.0)


@given(st.integers(1, 60))
def test_waits_double_with_jitter_and_are_bounded(failures: int) -> None:
    backoff = Backoff(OPTIONS)
    waits = [backoff.failed() for _ in range(failures)]
    for number, wait in enumerate(waits):
        base = min(0.2 * 2**number, 15.0)
        assert base <= wait <= base + 0.2
    assert backoff.failures == failures


def test_a_link_that_breaks_at_once_is_not_tried_at_once() -> None:
    backoff = Backoff(OPTIONS)
    for _ in range(10):
        backoff.failed()
    backoff.was_up(0.5)
    assert backoff.failed() > 10
    backoff.was_up(60)
    assert backoff.failed() < 1
    backoff.failed()
    backoff.reset()
    assert backoff.failed() < 1


def test_a_daemon_of_this_machine_is_tried_oftener() -> None:
    backoff = Backoff(OPTIONS, local=parse_uri("qemu+unix:///session?socket=/run/x").local)
    waits = [backoff.failed() for _ in range(20)]
    assert max(waits) <= OPTIONS.backoff_limit_local + OPTIONS.backoff_first


@pytest.mark.parametrize("uri", ["qemu+ssh://alpha/system", "qemu+tcp://127.0.0.1/system"])
def test_what_is_reached_over_a_network_is_not_local(uri: str) -> None:
    assert not parse_uri(uri).local


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (events.InstanceLifecycle("h", 1, "u", "n", "started"), "instance"),
        (events.DeviceRemoved("h", 1, "u", "n", "virtio-disk1"), "instance"),
        (events.TrayMoved("h", 1, "u", "n", "ide0", "open"), "instance"),
        (events.BlockJobChanged("h", 1, "u", "n", "vda", "commit", "completed"), "instance"),
        (events.MetadataChanged("h", 1, "u", "n", "title"), "instance"),
        (events.BalloonChanged("h", 1, "u", "n", 1024), "instance"),
        (events.AgentChanged("h", 1, "u", "n", "connected"), "instance"),
        (events.UnknownEvent("h", 1, "u", "n", "instance", 99), "instance"),
        (events.PoolRefreshed("h", 1, "u", "n"), "pool"),
        (events.PoolLifecycle("h", 1, "u", "n", "started"), "pool"),
        (events.NetworkLifecycle("h", 1, "u", "n", "stopped"), "network"),
        (events.MigrationIteration("h", 1, "u", "n", 3), None),
        (events.Rebooted("h", 1, "u", "n"), None),
        (events.SecretValueChanged("h", 1, "u", "n"), None),
        (events.NodeDeviceUpdated("h", 1, "", "n"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_event_makes_out_of_date(event: events.Event, kind: str | None) -> None:
    assert stale_after(event) == (kind and ObjectKey(kind, "h", "u"))

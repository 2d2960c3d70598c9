"""Links: history, events, and what remains of a host that is out of reach."""

from __future__ import annotations

from core.model import Counters, Job, Link, LinkStatus, ObjectKey
from core.model import event as ev
from core.model.observation import HostAdded, LinkChanged, Sampled
from core.state.store import Store
from core.state.tables import StoreLimits
from tests.unit.state_builders import DOWN, HOST, UP, instance, kinds, listed, store

HOST_KEY = ObjectKey("host", HOST, HOST)
KEY = instance().key


def retry(at, attempt):
    return LinkChanged(HOST, at, Link(LinkStatus.CONNECTING, since=at, attempt=attempt))


def busy_store():
    made = store(listed(instance()))
    for at in (3.0, 4.0):
        made.apply(Sampled(HOST, at, {"web-uuid": Counters(1, 1, int(at * 1e9))}))
    made.apply(ev.MigrationIteration(HOST, 5.0, "web-uuid", "web", 1))
    assert made.state.rates[KEY].cpu == 50.0
    assert isinstance(made.state.jobs[KEY], Job)
    return made


def test_the_first_attempt_to_connect_is_no_alert():
    made = Store()
    made.apply(HostAdded(HOST, 1.0, "qemu:///x"))
    made.apply(LinkChanged(HOST, 1.0, Link(LinkStatus.CONNECTING, since=1.0)))
    assert not made.state.alerts
    assert not made.state.events
    assert made.state.hosts[HOST].uri == "qemu:///x"


def test_a_lost_link_keeps_the_instances_and_drops_what_moves():
    made = busy_store()
    delta = made.apply(LinkChanged(HOST, 50.0, DOWN))
    state = made.state
    assert KEY in state.instances
    assert not state.rates
    assert not state.jobs
    assert state.histories.series(KEY, "cpu") == [None, 50.0, None]
    assert kinds(state, HOST_KEY) == ["host-unreachable"]
    assert state.alerts[HOST_KEY][0].cause == "It does not answer."
    assert delta.changed == {KEY, HOST_KEY}
    assert [(event.change, event.reason) for event in delta.events] == [
        ("down", "It does not answer.")
    ]


def test_attempts_cost_no_lines_and_cure_nothing():
    made = store(LinkChanged(HOST, 50.0, DOWN))
    for attempt in range(5):
        made.apply(retry(60.0 + attempt, attempt))
        made.apply(LinkChanged(HOST, 60.5 + attempt, DOWN))
    host = made.state.hosts[HOST]
    assert [line.status for line in host.history] == [LinkStatus.UP, LinkStatus.DOWN]
    assert [event.change for event in made.state.events] == ["up", "down"]
    assert made.state.alerts[HOST_KEY][0].since == 50.0


def test_another_reason_is_a_line_but_not_another_loss():
    made = store(LinkChanged(HOST, 50.0, DOWN))
    other = Link(LinkStatus.DOWN, since=55.0, error="Refused.")
    made.apply(LinkChanged(HOST, 55.0, other))
    assert [line.reason for line in made.state.hosts[HOST].history][1:] == [
        "It does not answer.",
        "Refused.",
    ]
    assert [event.change for event in made.state.events] == ["up", "down"]
    assert made.state.alerts[HOST_KEY][0].cause == "Refused."


def test_coming_back_clears_the_alert():
    made = store(LinkChanged(HOST, 50.0, DOWN), retry(51.0, 1), LinkChanged(HOST, 52.0, UP))
    assert not made.state.alerts
    assert [event.change for event in made.state.events] == ["up", "down", "up"]


def test_closing_is_no_alert():
    made = store(LinkChanged(HOST, 50.0, Link(LinkStatus.CLOSED)))
    assert not made.state.alerts


def test_no_rate_reaches_over_a_gap():
    made = busy_store()
    made.apply(LinkChanged(HOST, 5.0, DOWN))
    late = Sampled(HOST, 5.5, {"web-uuid": Counters(1, 1, 6 * 10**9)})
    made.apply(late)
    assert not made.state.rates
    made.apply(LinkChanged(HOST, 6.0, UP))
    made.apply(Sampled(HOST, 6.5, {"web-uuid": Counters(1, 1, 7 * 10**9)}))
    assert made.state.rates[KEY].cpu is None


def test_history_is_bounded():
    made = Store(StoreLimits(link_changes=4))
    for at in range(20):
        made.apply(LinkChanged(HOST, float(at), UP if at % 2 else DOWN))
    assert len(made.state.hosts[HOST].history) == 4


def test_another_host_is_untouched():
    made = busy_store()
    made.apply(LinkChanged("beta", 50.0, DOWN))
    assert KEY in made.state.rates

"""How often all instances are sampled and listed."""

from __future__ import annotations

import pytest

from core.hypervisor.observe.pace import LIGHT, RAREST, SHARE, SWEEP, Pace
from core.state.rates import LONGEST


def test_what_is_cheap_is_sampled_in_every_tick():
    pace = Pace()
    assert pace.sample_every(2.0) == 2.0
    pace.sampled("alpha", 2.0 * LIGHT)
    assert pace.sample_every(2.0) == 2.0


def test_what_is_dear_is_sampled_at_a_smaller_share():
    """A thousand instances cost about 80 ms: an idle console has a core's fortieth for all."""
    pace = Pace()
    pace.sampled("alpha", 0.08)
    assert pace.sample_every(1.0) == pytest.approx(16.0)
    assert SHARE < LIGHT < 0.025


def test_all_hosts_together_take_a_share_of_a_core():
    pace = Pace()
    for number in range(100):
        pace.sampled(f"host{number}", 0.001)
    assert pace.sample_every(1.0) == pytest.approx(100 * 0.001 / SHARE)
    for number in range(99):
        pace.forget(f"host{number}")
    assert pace.sample_every(0.05) == pytest.approx(0.001 / SHARE)
    pace.forget("nobody")


def test_every_instance_keeps_its_rates():
    pace = Pace()
    pace.sampled("alpha", 1e6)
    assert pace.sample_every(2.0) == RAREST < LONGEST / 1.5
    assert pace.sample_every(100.0) == 100.0


def test_one_dear_sample_is_not_the_last_word():
    pace = Pace()
    pace.sampled("alpha", 0.3)
    for _ in range(20):
        pace.sampled("alpha", 0.01)
    assert pace.sample_every(0.1) == pytest.approx(0.01 / SHARE, rel=0.01)


def test_a_big_fleet_is_swept_less_often():
    pace = Pace()
    pace.listed("alpha", 1_000)
    assert pace.sweep_every(60.0) == 60.0
    for number in range(100):
        pace.listed(f"host{number}", 100)
    assert pace.sweep_every(60.0) == pytest.approx(SWEEP * 11_000)
    pace.listed("alpha", 0)
    pace.forget("host0")
    assert pace.sweep_every(60.0) == pytest.approx(SWEEP * 9_900)

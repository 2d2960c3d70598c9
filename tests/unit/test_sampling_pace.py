"""How often all instances are sampled."""

from __future__ import annotations

import pytest

from core.hypervisor.sampling_pace import SHARE, SamplingPace


def test_what_is_cheap_is_sampled_in_every_tick():
    pace = SamplingPace()
    assert pace.every(2.0) == 2.0
    pace.took("alpha", 2.0 * SHARE)
    assert pace.every(2.0) == 2.0


def test_all_hosts_together_take_a_share_of_a_core():
    pace = SamplingPace()
    for number in range(100):
        pace.took(f"host{number}", 0.003)
    assert pace.every(1.0) == pytest.approx(100 * 0.003 / SHARE)
    for number in range(99):
        pace.forget(f"host{number}")
    assert pace.every(0.1) == pytest.approx(0.003 / SHARE)
    pace.forget("nobody")


def test_one_dear_sample_is_not_the_last_word():
    pace = SamplingPace()
    pace.took("alpha", 1.0)
    for _ in range(20):
        pace.took("alpha", 0.01)
    assert pace.every(0.1) == pytest.approx(0.01 / SHARE, rel=0.01)

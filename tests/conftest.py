"""What holds for the tests of every kind."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Both are timed: a busy machine would fail them.
settings.register_profile("virtdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("virtdeck")

"""What a migration's readings make us expect: samples, forecast, progress, the final record."""

from __future__ import annotations

from core.migration.forecast.forecast import forecast
from core.migration.forecast.progress import progress
from core.model import Forecast, JobSample, Migration

KEPT = 2400
"""Readings looked back on: twenty minutes of them."""


class Estimator:
    """Collects the readings of one migration. Holds no clock: every reading has its time."""

    def __init__(self) -> None:
        self.samples: list[JobSample] = []
        self.final: JobSample | None = None
        """The record of the completed job."""

    def add(
        self, sample: JobSample, migration: Migration, *, can_switch: bool
    ) -> tuple[Forecast, float | None]:
        """Take a reading; returns the forecast and the progress that follow from it."""
        self.samples.append(sample)
        if len(self.samples) > KEPT:
            del self.samples[: KEPT // 4]
        expected = forecast(
            self.samples,
            limits=migration.limits,
            post_copy=can_switch,
            now=sample.at,
            switched=migration.switched,
            use=migration.use,
            auto_converge=migration.auto_converge,
            memory=migration.memory or None,
        )
        return expected, progress(self.samples, migration.status, switched=migration.switched)

"""Dates without a clock, against Python's own."""

from __future__ import annotations

import time

from hypothesis import example, given
from hypothesis import strategies as st

from core.model.dates import stamp


@given(st.integers(min_value=0, max_value=32_503_680_000))
@example(951_782_400)  # 29 February 2000
@example(4_107_456_000)  # 27 February 2100, which has no 29th
def test_a_stamp_is_the_date_in_utc(seconds: int) -> None:
    assert stamp(seconds) == time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    assert stamp(seconds + 0.9) == stamp(seconds)

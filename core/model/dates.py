"""Dates from seconds since the epoch, in UTC. Pure: for names of files, which are the same
everywhere.
"""

from __future__ import annotations

_DAY = 86_400
_ERA = 146_097
"""Days of 400 years."""
_TO_MARCH_0 = 719_468
"""Days from 1 March of the year 0 to the epoch."""


def stamp(epoch: float) -> str:
    """Return a moment as `20261129-094512`."""
    days, seconds = divmod(int(epoch), _DAY)
    era, day = divmod(days + _TO_MARCH_0, _ERA)
    # years begin in March here, so that a leap day is the last of its year
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month = month + 3 if month < 10 else month - 9
    year += 400 * era + (month <= 2)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}"

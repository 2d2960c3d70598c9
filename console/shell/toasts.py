"""How many toasts stand on the screen: the newest few. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

from textual.notifications import Notification, Notifications

AT_MOST = 4
"""More hide what they lie on, and each is built anew with every dialog."""


class NewestNotifications(Notifications):
    """Notifications of which the oldest give way: first what was well, then the others.

    What gives way stands in the operations and in the events. `since` says from when on (epoch
    seconds) the screen on top shows them.
    """

    def __init__(self, since: Callable[[], float]) -> None:
        super().__init__()
        self._since = since

    def __iter__(self) -> Iterator[Notification]:
        """Those for the screen on top, the oldest first: what a dialog covers stays below it."""
        since = self._since()
        return (each for each in super().__iter__() if each.raised_at >= since)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def add(self, notification: Notification) -> Self:
        """Add one; where there are too many, drop one before."""
        super().add(notification)
        standing = list(super().__iter__())
        if len(standing) > AT_MOST:
            well = [each for each in standing[:-1] if each.severity == "information"]
            del self[(well or standing)[0]]
        return self

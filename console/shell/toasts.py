"""How many toasts stand on the screen: the newest few. UI thread."""

from __future__ import annotations

from typing import Self

from textual.notifications import Notification, Notifications

AT_MOST = 4
"""More hide what they lie on, and each is built anew with every dialog."""


class NewestNotifications(Notifications):
    """Notifications of which the oldest give way: first what was well, then the others.

    What gives way stands in the operations and in the events.
    """

    def add(self, notification: Notification) -> Self:
        """Add one; where there are too many, drop one before."""
        super().add(notification)
        standing = list(self)
        if len(standing) > AT_MOST:
            well = [each for each in standing[:-1] if each.severity == "information"]
            del self[(well or standing)[0]]
        return self

"""How fast a transfer is said to be."""

from __future__ import annotations

from core.engine.transfer_rate import WINDOW, TransferRate
from core.model.operation import Moved


def test_the_speed_is_that_of_the_last_seconds() -> None:
    pace = TransferRate()
    assert pace.told(0.0, None) is None
    assert pace.told(10.0, (0, 100)) == Moved(0, 100, None)
    assert pace.told(11.0, (10, 100)) == Moved(10, 100, 10.0)
    for second in range(12, 20):
        pace.told(float(second), (10, 100))
    assert pace.told(11.0 + 2 * WINDOW, (10, 100)) == Moved(10, 100, 0.0)


def test_another_transfer_of_the_same_operation_begins_anew() -> None:
    pace = TransferRate()
    pace.told(0.0, (50, 100))
    assert pace.told(1.0, (5, 100)) == Moved(5, 100, None)

"""Why a console ended: by the instance's run before and now, whatever the error looks like."""

from __future__ import annotations

import pytest

from core.hypervisor.consoles.stream import judged
from core.model.console import ConsoleEnd

RPC = 39  # VIR_ERR_RPC: taken over, and also any failure of the stream


@pytest.mark.parametrize(
    ("code", "now", "end"),
    [
        (0, -1, ConsoleEnd.OFF),
        (RPC, -1, ConsoleEnd.OFF),
        (RPC, 8, ConsoleEnd.OFF),  # reverted: it runs again, as another process
        (0, 8, ConsoleEnd.OFF),
        (RPC, 7, ConsoleEnd.TAKEN),
        (38, 7, ConsoleEnd.DROPPED),
        (RPC, None, ConsoleEnd.LOST),
    ],
)
def test_why_it_ended(code: int, now: int | None, end: ConsoleEnd) -> None:
    found, why = judged(code, "stream had I/O failure", 7, now)
    assert found is end
    assert why.endswith(".")

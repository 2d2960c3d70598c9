"""A power cut that the kernel does not carry out: nothing is called done, and nothing started."""

from __future__ import annotations

import pytest

from core.model import Instance, OperationStatus, Request
from core.verbs.power.calls import STUCK, DestroyCall, ShutdownCall
from core.verbs.power.cutting import CUT_DEADLINE, STUCK_PATIENCE
from core.verbs.power.requests import HardReboot, Shutdown, Stop
from core.verbs.situation import Send, Wait
from tests.unit.power_builders import WEB, S, T, ended, sent, step, web

LIBVIRT_WAITS = 40.0
"""Seconds libvirt waits for the end of a process that it has killed, twice in version 9.0."""
HELD = sent(DestroyCall(), ended=T + LIBVIRT_WAITS, error=STUCK)
CUTS = {
    "stop": (Stop(WEB), (HELD,)),
    "hard-reboot": (HardReboot(WEB), (HELD,)),
    "shutdown": (Shutdown(WEB, 1.0, True), (sent(ShutdownCall("acpi"), T - 1), HELD)),
}


def test_a_power_cut_has_the_time_that_libvirt_takes_to_say_that_it_fails() -> None:
    action = step(Stop(WEB), instance=web())
    assert isinstance(action, Send)
    assert action.deadline == CUT_DEADLINE > 2 * LIBVIRT_WAITS


@pytest.mark.parametrize("verb", CUTS)
def test_a_process_that_the_kernel_holds_is_waited_for_and_named(verb: str) -> None:
    request, calls = CUTS[verb]
    now = T + LIBVIRT_WAITS + 1
    action = step(request, *calls, instance=web(), now=now)
    assert isinstance(action, Wait)
    assert "state D" in action.text
    late = step(request, *calls, instance=web(), now=now + STUCK_PATIENCE)
    end = ended(late, OperationStatus.UNKNOWN)
    assert end.outcome.startswith("web is not off: ")
    assert "storage" in end.hint


@pytest.mark.parametrize("verb", CUTS)
@pytest.mark.parametrize("instance", [web(S.SHUTOFF), None], ids=["off", "gone"])
def test_what_libvirt_calls_off_then_is_neither_done_nor_started(
    verb: str, instance: Instance | None
) -> None:
    request: Request
    request, calls = CUTS[verb]
    end = ended(step(request, *calls, instance=instance, now=T + 81), OperationStatus.UNKNOWN)
    assert "is off for libvirt" in end.outcome
    assert "Start web nowhere" in end.hint


@pytest.mark.parametrize("error", ["", "The host gave no answer within 120 s."])
def test_a_power_cut_that_took_longer_than_a_kill_is_not_believed(error: str) -> None:
    """libvirt 9.0 says yes after 80 s."""
    slow = sent(DestroyCall(), ended=T + 80, error=error, certain=not error)
    end = ended(
        step(HardReboot(WEB), slow, instance=web(S.SHUTOFF), now=T + 81), OperationStatus.UNKNOWN
    )
    assert "was not seen to end for 80 s: the kernel may hold it (state D)" in end.outcome


def test_a_process_that_only_sigkill_ended_was_ended() -> None:
    hung = sent(DestroyCall(), ended=T + 10.3)
    ended(step(Stop(WEB), hung, instance=web(S.SHUTOFF), now=T + 11), OperationStatus.DONE)

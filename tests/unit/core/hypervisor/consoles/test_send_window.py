"""How far a console is fed ahead of a guest."""

from __future__ import annotations

from core.hypervisor.consoles.window import AHEAD, PIECE, RATE, UNHEARD, SendWindow


def send_all(window: SendWindow, now: float) -> int:
    """Everything that may be sent at a moment."""
    total = 0
    while room := window.room(now):
        window.sent(room)
        total += room
    return total


def test_a_paste_goes_out_in_pieces_and_no_more_than_the_window_at_once() -> None:
    window = SendWindow()
    assert window.room(0.0) == PIECE
    assert send_all(window, 0.0) == AHEAD
    assert window.room(0.0) == 0


def test_each_echo_makes_room_for_as_much() -> None:
    window = SendWindow()
    send_all(window, 0.0)
    window.heard(300)
    assert send_all(window, 0.0) == 300
    window.heard(1 << 20)
    assert send_all(window, 0.0) == AHEAD


def test_a_guest_that_writes_nothing_is_fed_slowly_and_at_last_not_at_all() -> None:
    window = SendWindow()
    sent = send_all(window, 0.0)
    assert send_all(window, 1.0) == RATE
    for second in range(2, 1000):
        sent += send_all(window, float(second))
    assert sent + RATE == UNHEARD
    window.heard(1)
    assert send_all(window, 1000.0) == AHEAD

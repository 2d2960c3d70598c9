"""What a deadline counts: the time a host owes an answer, not ours."""

from __future__ import annotations

from core.hypervisor.connection.silence import Silence, on_this_thread, ours, progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def test_each_answer_may_take_all_of_the_deadline_and_our_work_any_time() -> None:
    clock = Clock()
    silence = Silence(clock)
    with on_this_thread(silence):
        clock.passes(7.0)
        assert silence.left(8.0) == 1.0
        progress()
        assert silence.left(8.0) == 8.0
        clock.passes(6.0)

        def reads() -> float:
            clock.passes(60.0)
            return silence.left(8.0)

        assert ours(reads) == 8.0
        assert silence.left(8.0) == 8.0
        clock.passes(9.0)
        assert silence.left(8.0) == -1.0
    clock.passes(9.0)
    assert silence.left(8.0) == 8.0, "it has answered: nothing is owed any more"


def test_what_is_asked_on_no_lane_is_just_done() -> None:
    progress()
    assert ours(str, 1) == "1"

"""Whom the statistics may ask what: the decisions that keep figures moving past a hung process.

Pure: observations in, questions out. As long as nobody is hung, one bulk call a tick asks everybody
everything. When it does not come back, a hung process has it. From then on everybody is a suspect
until they have answered a *probe*, a separate call that may get stuck without holding up the ticks:

- who answered a probe is *trusted* and asked everything, every tick;
- who was passed over in it and whose monitor has been waiting for an answer is *silent*: left out
  of every call that could block, asked only for what libvirt knows by itself;
- a stuck call holds its victim's job, which shields later calls from that victim (they are told not
  to wait for a held job), so each further probe gets past one more hung process;
- a silent instance whose monitor waits no longer is a suspect again, and so comes back.

When nobody is silent or suspect any more the single bulk call returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.hypervisor.observe.stats_read import ControlInfo, StatsAnswer, StatsQuestion

STUCK_LIMIT = 8
"""Silent instances beyond which no probe is risked: each may hold one worker of the daemon, which
has 20 by default (libvirtd.conf, max_workers), until its process answers or dies."""

_WAITING = 2  # VIR_DOMAIN_CONTROL_OCCUPIED
_BROKEN = 3  # VIR_DOMAIN_CONTROL_ERROR
_LONG = 1.0
"""Seconds a monitor has to wait for its process before that counts as not answering."""

_PASSED_OVER_LIMIT = 2
"""Answers in a row that passed an instance over before its monitor is looked at."""


class StatisticsPlan:
    """The table of one host's active instances and what is thought of each.

    Single-threaded. Times are seconds; `interval` is that between two ticks.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._calm = True
        self._trusted: dict[str, None] = {}  # dicts, for they keep their order
        self._suspects: dict[str, None] | None = {}
        """None: everybody who is not silent, for the table is not known yet."""
        self._silent: dict[str, None] = {}
        self._passed_over: dict[str, int] = {}
        self._usual: float | None = None
        self._patience = 1.0

    @property
    def silent(self) -> tuple[str, ...]:
        """Who does not answer, in the order of discovery."""
        return tuple(self._silent)

    @property
    def calm(self) -> bool:
        """Whether nobody is silent or suspect: one call may ask anybody everything."""
        return self._calm

    @property
    def deadline(self) -> float:
        """How long a tick's call may take: two and a half ticks, more where calls are slow."""
        return max(3.0, 2.5 * self._interval, 2 * (self._usual or 0.0)) * self._patience

    @property
    def probe_deadline(self) -> float:
        """How long a probe may take: as it must get stuck to find a hung process, not long."""
        return max(1.5, 2 * (self._usual or 0.0)) * self._patience

    def next(self) -> StatsQuestion:
        """Return what to ask in this tick."""
        doubtful = [
            uuid for uuid, times in self._passed_over.items() if times >= _PASSED_OVER_LIMIT
        ]
        if self._calm:
            return StatsQuestion(check=tuple(doubtful), one_call=True)
        chosen = tuple(self._trusted)
        return StatsQuestion(chosen, frozenset(self._silent), (*self._silent, *doubtful))

    def probe(self) -> StatsQuestion | None:
        """Return whom to ask aside from the ticks, to learn whether they answer; None: nobody."""
        if self._calm or self._suspects == {} or len(self._silent) >= STUCK_LIMIT:
            return None
        chosen = None if self._suspects is None else tuple(self._suspects)
        return StatsQuestion(chosen, frozenset(self._silent))

    def answered(self, answer: StatsAnswer, elapsed: float) -> None:
        """Take in a tick's complete answer and how long it took."""
        # rises at once and falls slowly: a call as slow as the last one must not miss its deadline
        self._usual = max(elapsed, 0.8 * (self._usual or 0.0) + 0.2 * elapsed)
        self._patience = 1.0
        self._meet(answer)
        self._judge(answer)
        self._count_passed_over(answer)
        self._relax()

    def answered_by_some(self, answer: StatsAnswer) -> None:
        """Take in the complete answer of some; it says nothing of the others."""
        self._judge(answer)
        self._count_passed_over(answer)

    def timed_out(self, question: StatsQuestion) -> None:
        """Take in that a tick's call did not come back: whoever was in it is a suspect now."""
        if question.one_call or self._suspects is None:
            self._suspects = None
        else:
            self._suspects |= self._trusted
        self._calm = False
        self._trusted = {}
        self._passed_over = {}

    def probe_answered(self, answer: StatsAnswer) -> None:
        """Take in a probe's complete answer: who took part is trusted."""
        self._meet(answer)
        counters = answer.counters or {}
        for uuid in answer.asked:
            control = answer.control.get(uuid)
            passed_over = uuid in counters and counters[uuid].partial
            if passed_over and control is not None and _does_not_answer(control):
                self._silence(uuid)
            elif uuid in counters:
                self._trust(uuid)
        self._patience = 1.0
        self._relax()

    def probe_timed_out(self, answer: StatsAnswer, scan: StatsAnswer) -> None:
        """Take in a stuck probe, and a scan of what the monitors of those it asked did then.

        libvirt works through the list in order, so those before the one that holds the call have
        answered.
        """
        self._meet(answer)
        control = scan.control
        guilty = [u for u in answer.asked if u in control and _does_not_answer(control[u])]
        if not guilty:
            self._patience = min(8.0, self._patience * 2)  # the host is slow
            if scan.complete:
                for uuid in answer.asked:
                    self._trust(uuid)
        else:
            # The call's own victim began to wait last; others were somebody else's before.
            victim = min(guilty, key=lambda uuid: control[uuid].seconds)
            for uuid in answer.asked[: answer.asked.index(victim)]:
                self._trust(uuid)
            for uuid in guilty:
                self._silence(uuid)
        self._relax()

    def _meet(self, answer: StatsAnswer) -> None:
        """Forget who is gone; who is new is a suspect, for nobody knows whether it answers."""
        active = answer.counters or {}
        self._silent = _only(self._silent, active)
        self._trusted = _only(self._trusted, active)
        self._passed_over = {u: n for u, n in self._passed_over.items() if u in active}
        if self._calm:
            return
        known = self._silent.keys() | self._trusted.keys()
        self._suspects = {uuid: None for uuid in active if uuid not in known}

    def _judge(self, answer: StatsAnswer) -> None:
        """Move instances between silent and suspect by what their monitors do."""
        for uuid, found in answer.control.items():
            if _does_not_answer(found):
                if self._calm:  # this very answer has everybody else's figures
                    self._calm = False
                    self._trusted = dict.fromkeys(answer.asked)
                self._silence(uuid)
            elif uuid in self._silent and not found.state:
                del self._silent[uuid]
                if self._suspects is not None:
                    self._suspects[uuid] = None
            self._passed_over.pop(uuid, None)

    def _count_passed_over(self, answer: StatsAnswer) -> None:
        counters = answer.counters or {}
        for uuid in answer.asked:
            if uuid not in counters or uuid in self._silent:
                continue
            if counters[uuid].partial:
                self._passed_over[uuid] = self._passed_over.get(uuid, 0) + 1
            else:
                self._passed_over.pop(uuid, None)

    def _silence(self, uuid: str) -> None:
        self._silent[uuid] = None
        self._trusted.pop(uuid, None)
        self._passed_over.pop(uuid, None)
        if self._suspects is not None:
            self._suspects.pop(uuid, None)

    def _trust(self, uuid: str) -> None:
        self._trusted[uuid] = None
        if self._suspects is not None:
            self._suspects.pop(uuid, None)

    def _relax(self) -> None:
        if not self._calm and not self._silent and self._suspects == {}:
            self._calm = True
            self._trusted = {}


def _only(table: Mapping[str, None], active: Iterable[str]) -> dict[str, None]:
    keep = set(active)
    return {uuid: None for uuid in table if uuid in keep}


def _does_not_answer(control: ControlInfo) -> bool:
    waiting = control.state == _WAITING and control.seconds >= _LONG
    return waiting or control.state == _BROKEN

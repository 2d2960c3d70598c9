"""A source of migrations that were made up, for what the keys of their screens do.

It applies observations to a real store; a steering command is remembered and answered as told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta, timezone

from msgspec.structs import replace

from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.errors import RefusedError
from core.journal.replay import TapeDiagnostics, TapeKept
from core.mailbox import Mailroom
from core.model import (
    Answer,
    Confidence,
    Counters,
    Delta,
    Instance,
    InstanceDetail,
    InstanceState,
    JobSample,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    Observation,
    Preflight,
    Request,
    State,
    Steer,
    SteerRecord,
    Verdict,
)
from core.model.observation import (
    HostAdded,
    LinkChanged,
    Listed,
    MigrationChanged,
    MigrationSampled,
    Sampled,
)
from core.model.operation import OperationStep
from core.source import Operation
from core.state.store import Store
from core.verbs.migration.requests import Migrate
from core.verbs.refusal import Refusal, RefusalCode
from tests.unit.migration_builders import (
    MIB,
    START,
    completed,
    forecast,
    migration,
    record,
    sawtooth,
)

ZONE = timezone(timedelta(hours=2), "CEST")
NOW = START + 20.0
S = MigrationStatus


class StandingClock:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return NOW


class MigrationSource:
    """Two hosts, one instance, and whatever migrations it is given. A `core.source.Source`."""

    def __init__(self, *observations: Observation, read_only: bool = False) -> None:
        self.read_only = read_only
        self.migrations = self.links = self
        self.diagnostics = TapeDiagnostics()
        self.kept = TapeKept()
        self.steered: list[tuple[str, Steer]] = []
        self.submitted: list[Request] = []
        self.answer = Answer.DONE
        self.detail_text = ""
        self.reasons: tuple[str, ...] = ()
        self._store = Store()
        self._mailroom = Mailroom()
        for one in observations:
            self._store.apply(one)

    def tell(self, observation: Observation) -> None:
        """Apply one more observation; on the loop of the source."""
        self._mailroom.post(self._store.apply(observation))

    @property
    def state(self) -> State:
        return self._store.state

    @property
    def notices(self) -> tuple[str, ...]:
        return ()

    def prefer(self, keys: Sequence[ObjectKey]) -> None:
        """Do nothing: all is read."""
        del keys

    def changes(self) -> AsyncIterator[Delta]:
        return self._mailroom.subscribe()

    def check(self, request: Request) -> tuple[Refusal, ...]:
        return tuple(Refusal(RefusalCode.STATE, reason) for reason in self.reasons)

    async def submit(self, request: Request) -> Operation:
        self.submitted.append(request)
        raise RefusedError("It was only noted.")

    async def cancel(self, operation_id: str) -> None:
        raise RefusedError("There is no operation.")

    async def answer(self, operation_id: str, word: str) -> None:
        raise RefusedError("There is no operation.")

    async def forget(self, operation_id: str) -> None:
        raise RefusedError("There is no operation.")

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        return Preflight(NOW)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        self.steered.append((migration_id, steer))
        return SteerRecord(NOW, steer, "ann@console", self.answer, NOW, self.detail_text)

    async def detail(self, key: ObjectKey) -> InstanceDetail:
        return InstanceDetail(host=key.host, uuid=key.id, at=NOW)

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        return self.state.instances.get(key)

    async def reconnect(self, host: str) -> None:
        return None

    async def refresh(self) -> None:
        return None


def hosts(state_here: InstanceState, state_there: InstanceState | None) -> list[Observation]:
    """alpha and beta, both up, with the instance in these states and some use of it."""
    here = Instance("alpha", "web-uuid", "web", state=state_here, vcpus=2, memory=256 * MIB)
    there = replace(here, host="beta", state=state_there or InstanceState.PAUSED)
    if state_there is InstanceState.PAUSED:
        there = replace(there, reason="migrating in")
    found: list[Observation] = []
    for name, rows in (("alpha", (here,)), ("beta", (there,) if state_there else ())):
        found += [
            HostAdded(name, START - 60, f"qemu+ssh://{name}/system"),
            LinkChanged(name, START - 60, Link(LinkStatus.UP, since=START - 60)),
            Listed(name, START - 59, instances=rows),
        ]
    for second in (0, 2, 4):
        counters = Counters(
            state=1 if state_here is InstanceState.RUNNING else 3, reason=1,
            cpu_time=int(second * 9e8), vcpus=2, balloon=256 * MIB, rss=180 * MIB,
        )  # fmt: skip
        found.append(Sampled("alpha", START + second, {"web-uuid": counters}))
    return found


def told(row: Migration, samples: list[JobSample] | None = None) -> list[Observation]:
    """A migration and its readings; the forecast comes with the last of them."""
    found: list[Observation] = [
        MigrationChanged(row.host, START, replace(row, forecast=None, sample=None, progress=None))
    ]
    for number, sample in enumerate(samples or []):
        last = number == len(samples or []) - 1
        found.append(
            MigrationSampled(
                row.host, sample.at, row.id, sample, row.forecast if last else None, row.progress
            )
        )
    return found


def the(status: str) -> list[Observation]:
    """Both hosts and one migration in a status that a screen must show."""
    running, paused = InstanceState.RUNNING, InstanceState.PAUSED
    begun = {
        "iterations": tuple(START + 4.0 * number for number in range(5)),
        "steering": (record(),),
        "timeline": (
            OperationStep(START - 2, "Asked for by ann@console."),
            OperationStep(START, "The copying began."),
            OperationStep(START + 9, "The policy raised the max downtime to 450 ms."),
        ),
        "downtime_limit": 500.0,
        "progress": 0.43,
    }
    match status:
        case "queued":
            row = migration(status=S.QUEUED, started=None)
            return [*hosts(running, None), *told(row)]
        case "running":
            row = migration(forecast=forecast(), post_copy="allow", **begun)
            return [*hosts(running, paused), *told(row, sawtooth())]
        case "copying-disks":
            row = migration(forecast=forecast(), copied_disks=("vda", "vdb"), **begun)
            disks = {"disk_total": 900 * MIB, "disk_remaining": 300 * MIB, "disk_bps": 20 * MIB}
            return [*hosts(running, paused), *told(row, sawtooth(**disks))]
        case "post-copy":
            row = migration(
                status=S.POST_COPY, post_copy="allow", switched=START + 15, **begun,
            )  # fmt: skip
            samples = sawtooth(post_copy_requests=321)
            return [*hosts(paused, running), *told(row, samples)]
        case "completed":
            return [*hosts(InstanceState.SHUTOFF, running), *told(completed(), sawtooth())]
        case "aborted":
            row = migration(
                status=S.ABORTED, ended=START + 18,
                outcome="It was aborted by ann@console: web runs on at alpha.", **begun,
            )  # fmt: skip
            return [*hosts(running, None), *told(row, sawtooth())]
        case "failed":
            row = migration(
                status=S.FAILED, ended=START + 18, outcome="The disk of beta is full.",
                hint="Make room on beta and start it again.", **begun,
            )  # fmt: skip
            return [*hosts(running, None), *told(row, sawtooth())]
        case "post-copy-failed":
            row = migration(
                status=S.POST_COPY_FAILED, switched=START + 15, ended=START + 18,
                post_copy="allow", resumable=True,
                outcome="The connection broke in post-copy.", **begun,
            )  # fmt: skip
            return [*hosts(paused, paused), *told(row, sawtooth())]
        case "lost":
            row = migration(forecast=forecast(), status=S.UNKNOWN, **begun)
            down = Link(LinkStatus.DOWN, since=START + 16, error="It does not answer.")
            return [
                *hosts(running, paused), *told(row, sawtooth()),
                LinkChanged("alpha", START + 16, down),
            ]  # fmt: skip
        case _:
            return [*hosts(paused, running), *told(interrupted(**begun), sawtooth())]


def interrupted(**fields: object) -> Migration:
    """A post-copy whose source says that it failed, while the destination waits."""
    return migration(
        status=S.POST_COPY_INTERRUPTED, switched=START + 15, post_copy="allow",
        outcome="alpha lost the connection to beta: web runs on beta and waits there for what is "
        "still on alpha",
        hint="Mend the connection between the hosts: it goes on by itself then.", **fields,
    )  # fmt: skip


STATUSES = (
    "queued", "running", "copying-disks", "post-copy", "completed", "aborted", "failed",
    "interrupted", "post-copy-failed", "lost",
)  # fmt: skip


def several() -> list[Observation]:
    """A list with one in every status."""
    found = the("running")
    rows = [
        migration("db", status=S.QUEUED, started=None, author="bob@console"),
        migration("mail", status=S.POST_COPY, progress=0.9, switched=START + 5),
        migration("cache", status=S.RUNNING, progress=0.7, policy="nova",
                  forecast=forecast(verdict=Verdict.CONVERGES,
                  confidence=Confidence.HIGH, eta=3.0)),
        completed(name="old", created=START - 900, started=START - 890, ended=START - 800),
        migration("bad", status=S.FAILED, created=START - 300, ended=START - 200,
                  outcome="The disk of beta is full."),
        migration("split", status=S.POST_COPY_FAILED, created=START - 400, ended=START - 390,
                  outcome="The connection broke in post-copy."),
        migration("theirs", status=S.RUNNING, foreign=True, author="", policy="manual"),
        migration("gone", status=S.ABORTED, created=START - 500, ended=START - 490,
                  outcome="It was aborted: gone runs on at alpha."),
    ]  # fmt: skip
    for row in rows:
        samples = sawtooth(2) if row.forecast else None
        found += told(row, samples)
    return found


@asynccontextmanager
async def opened(source: MigrationSource) -> AsyncIterator[MigrationSource]:
    """The source as a factory of the app gives it."""
    yield source


def app_of(source: MigrationSource, theme: str = "dark") -> VirtdeckApp:
    """The console on it."""
    settings = Settings(display=DisplaySettings(theme=theme, glyphs="unicode", refresh_rate=30))
    return VirtdeckApp(lambda: opened(source), settings, clock=StandingClock(), zone=ZONE)

"""Small migrations for the tests of what is made from them."""

from __future__ import annotations

from core.model import (
    Answer,
    Check,
    Confidence,
    Forecast,
    JobSample,
    Limits,
    Migration,
    MigrationResult,
    MigrationStatus,
    Steer,
    SteerKind,
    SteerRecord,
    Verdict,
)
from core.model.operation import OperationStep

MIB = 1 << 20
START = 1_700_000_000.0


def migration(name: str = "web", **fields: object) -> Migration:
    """A running migration of `name` from alpha to beta."""
    given = {
        "id": f"migration-of-{name}",
        "host": "alpha",
        "uuid": f"{name}-uuid",
        "name": name,
        "to": "beta",
        "uri": "qemu+ssh://beta/system",
        "status": MigrationStatus.RUNNING,
        "policy": "adaptive",
        "author": "ann@console",
        "created": START - 2,
        "started": START,
        "memory": 256 * MIB,
        "limits": Limits(300.0, 0.0, 0.0),
        "virsh": f"virsh migrate {name} qemu+ssh://beta/system --live --p2p",
    }
    return Migration(**{**given, **fields})  # type: ignore[arg-type]


def forecast(**fields: object) -> Forecast:
    """A forecast of one that will not converge."""
    given = {
        "at": START + 19.5,
        "verdict": Verdict.NOT,
        "confidence": Confidence.MEDIUM,
        "eta": 12.0,
        "eta_low": 8.0,
        "eta_high": 20.0,
        "downtime": 812.0,
        "throughput": 60.0 * MIB,
        "dirty_rate": 80.0 * MIB,
        "needed_downtime": 850.0,
        "needed_bandwidth": 180.0 * MIB,
        "post_copy_eta": 4.0,
        "sentence": "It will not converge at 300 ms: it needs 850 ms, or 3x the bandwidth, or "
        "post-copy.",
    }
    return Forecast(**{**given, **fields})  # type: ignore[arg-type]


def sawtooth(seconds: int = 20, step: float = 0.5, **fields: object) -> list[JobSample]:
    """Readings of a guest that writes memory faster than it is sent: a pass takes four seconds."""
    samples = []
    for number in range(int(seconds / step)):
        at = number * step
        passes = 1 + int(at // 4)
        left = (1 - at % 4 / 4) * (256 if passes == 1 else 160) * MIB + 24 * MIB
        given = {
            "at": START + at,
            "operation": "migration-out",
            "elapsed": at,
            "memory_total": 280 * MIB,
            "memory_remaining": int(left),
            "memory_processed": int(60 * MIB * at),
            "memory_bps": int((55 + 10 * (number % 2)) * MIB),
            "dirty_rate": 0.0 if passes == 1 else 80.0 * MIB,
            "page_size": 4096,
            "iteration": passes,
            "downtime": 300.0 if passes == 1 else 812.0,
            "throttle": 0,
        }
        samples.append(JobSample(**{**given, **fields}))  # type: ignore[arg-type]
    return samples


def record(kind: SteerKind = SteerKind.MAX_DOWNTIME, **fields: object) -> SteerRecord:
    """What the policy did."""
    given = {
        "at": START + 9,
        "steer": Steer(kind, 450.0, reason="the last pass left more than 300 ms can take"),
        "by": "policy adaptive",
        "answer": Answer.DONE,
        "answered": START + 9.1,
        "virsh": "virsh migrate-setmaxdowntime web 450",
    }
    return SteerRecord(**{**given, **fields})  # type: ignore[arg-type]


def completed(**fields: object) -> Migration:
    """A migration that is over and verified."""
    given = {
        "status": MigrationStatus.COMPLETED,
        "ended": START + 42,
        "progress": 1.0,
        "iterations": (START, START + 4, START + 8),
        "steering": (record(),),
        "timeline": (
            OperationStep(START, "The copying began."),
            OperationStep(START + 42, "It runs on beta."),
        ),
        "result": MigrationResult(
            total=41.5, downtime=280.0, downtime_seen=295.0, setup=12.0, transferred=900 * MIB,
            throughput=60.0 * MIB, iterations=3, throttle=0,
        ),
        "checks": (
            Check("there", True, "web is running on beta."),
            Check("gone", False, "web is off, and still defined, on alpha."),
            Check("agent", None, "Whether its guest agent answers could not be seen."),
        ),
        "downtime_limit": 500.0,
        "outcome": "web runs on beta.",
    }  # fmt: skip
    return migration(**{**given, **fields})

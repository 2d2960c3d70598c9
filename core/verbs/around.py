"""What the state knows around the subject of a verb. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model import Instance, InstanceRun, Job, ObjectKey, Snapshot, State, Volume
from core.state.subject import owner_of


@dataclass(frozen=True, slots=True)
class Around:
    """What the state knows of the instance of a subject, beside the subject itself."""

    instance: Instance | None = None
    """Of a snapshot its own; None for what belongs to no instance."""
    job: Job | None = None
    """libvirt's job on it."""
    run: InstanceRun = field(default_factory=InstanceRun)
    """Its block jobs by disk, what came of its devices by alias, its agent, its last job."""
    snapshots: tuple[Snapshot, ...] | None = None
    """In their order; None: they were not read (`Verb.looks_at`)."""
    volumes: Mapping[ObjectKey, Volume] = field(default_factory=dict)
    """Those of all hosts, as far as they were read (`Verb.storage_for`)."""


def around(state: State, subject: ObjectKey) -> Around:
    """Return what a state knows around a subject."""
    key = owner_of(subject)
    return Around(
        instance=state.instances.get(key),
        job=state.jobs.get(key),
        run=state.runs.get(key, InstanceRun()),
        snapshots=state.snapshots.get(key),
        volumes=state.volumes,
    )

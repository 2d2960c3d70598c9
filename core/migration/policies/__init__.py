"""What is done to a migration without being asked: a policy sees it and returns actions. Pure.

Policies keep nothing between two calls: what they did is in the records of the steering, so a
migration that is adopted after a restart simply goes on, and a policy can be exchanged meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.errors import UsageError
from core.migration.policies.adaptive import adaptive
from core.migration.policies.manual import manual
from core.migration.policies.nova import nova, nova_rocky
from core.migration.policies.records import due, settled
from core.migration.policies.watched import Policy, Watched
from core.model.migration import MigrationStatus
from core.model.steer import Steer

__all__ = ["POLICIES", "Policy", "Watched", "decide"]

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            Policy(
                "adaptive",
                "Acts on the forecast: more downtime within your limit, post-copy, or asks you.",
                adaptive,
            ),
            Policy(
                "nova",
                "Raises the downtime in steps; aborts or forces the end when the time is over.",
                nova,
            ),
            Policy(
                "nova-rocky",
                "As nova, with post-copy when a pass gains less than 10%, and a progress timeout.",
                nova_rocky,
            ),
            Policy("manual", "Never acts, only says what would help.", manual),
        )
    }
)
"""The policies by name, the default first."""


def decide(policy: str, watched: Watched) -> tuple[Steer, ...]:
    """Return what `policy` does now, each with its reason; mostly nothing.

    What succeeded or is under way is not returned again, what failed only after a pause. Raises
    UsageError for a name that is none.
    """
    if policy not in POLICIES:
        raise UsageError(f"There is no policy {policy!r}.", f"There are {', '.join(POLICIES)}.")
    if watched.status is not MigrationStatus.RUNNING or settled(watched.steering):
        return ()
    wanted = POLICIES[policy].act(watched)
    return tuple(steer for steer in wanted if due(steer, watched.steering, watched.now))

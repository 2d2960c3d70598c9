"""manual: never acts, says what the forecast says whenever its verdict becomes another. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.policies.watched import Watched
from core.model.forecast import Confidence, Verdict
from core.model.steer import Steer, SteerKind

REASONS = {
    Verdict.NOT: "it will not converge at these limits",
    Verdict.SLOWLY: "it converges slowly",
}


def manual(watched: Watched) -> Iterator[Steer]:
    """Advise, once for each verdict that calls for somebody."""
    if watched.request.post_copy == "at-once" and watched.can_post_copy:
        yield Steer(
            SteerKind.ADVISE,
            text="it can be switched to post-copy now",
            reason="post-copy was asked for at once, and this policy does not act",
        )
    forecast = watched.forecast
    if forecast is None or forecast.confidence in (Confidence.NONE, Confidence.LOW):
        return
    reason = REASONS.get(forecast.verdict)
    if reason is not None:
        yield Steer(SteerKind.ADVISE, text=forecast.sentence, reason=reason)

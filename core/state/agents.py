"""An agent that goes because its guest was asked to end or to begin anew: that is no loss. Pure.

On a busy host seconds pass between the end of the agent and the news that the guest is shutting
down. Only while such an operation is under way is nothing raised; where it comes to nothing, the
loss is told then.
"""

from __future__ import annotations

from core.model import AgentState, AlertKind, InstanceState, ObjectKey, OperationStatus
from core.model.observation import OperationChanged
from core.state import alerts
from core.state.alerts import Alerts
from core.state.tables import Tables

ENDS = frozenset({"shutdown", "reboot"})
"""The verbs that ask the guest; the others do not leave its agent the time to go first."""


def excuse(tables: Tables, key: ObjectKey, before: Alerts, after: Alerts) -> Alerts:
    """Return the new alerts of an instance, without a loss that an operation explains."""
    known = {alert.kind for alert in before}
    lost = next((alert for alert in after if alert.kind is AlertKind.AGENT_LOST), None)
    if lost is None or lost.kind in known or not _is_asked_to_end(tables, key):
        return after
    tables.excused_agent_losses[key] = lost
    return alerts.without(after, (AlertKind.AGENT_LOST,))


def on_operation(tables: Tables, changed: OperationChanged) -> None:
    """Tell the loss that was excused, where the operation is over and the guest goes on."""
    record = changed.operation
    if not record.status.final or record.verb not in ENDS:
        return
    lost = tables.excused_agent_losses.pop(record.subject, None)
    instance = tables.instances.get(record.subject)
    if lost is None or instance is None or record.status is OperationStatus.DONE:
        return
    alive = instance.state in (InstanceState.RUNNING, InstanceState.PAUSED)
    if alive and instance.agent is AgentState.DISCONNECTED:
        current = tables.alerts.get(record.subject) or ()
        tables.put_alerts(record.subject, alerts.with_alert(current, lost))


def _is_asked_to_end(tables: Tables, key: ObjectKey) -> bool:
    return any(
        record.subject == key and record.verb in ENDS and not record.status.final
        for record in tables.operations.picture().values()
    )

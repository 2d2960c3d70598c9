"""What the guest's own agent does for it: accounts, file systems, commands."""

from __future__ import annotations

from core.verbs.agent.accounts import ADD_SSH_KEY, REMOVE_SSH_KEY, SET_PASSWORD
from core.verbs.agent.asking import without_agent
from core.verbs.agent.execute import EXEC
from core.verbs.agent.freezing import FREEZE, THAW
from core.verbs.agent.trimming import TRIM
from core.verbs.agent.vcpus import GUEST_VCPUS

__all__ = ["VERBS", "without_agent"]

VERBS = (EXEC, SET_PASSWORD, ADD_SSH_KEY, REMOVE_SSH_KEY, FREEZE, THAW, TRIM, GUEST_VCPUS)

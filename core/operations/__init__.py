"""What an operator does: checked, journalled, carried out, verified."""

from core.operations.checks import check
from core.operations.port import Hosts, PowerCall
from core.operations.runner import Runner
from core.operations.wording import Caution, Confirmation, confirmation, consequences, summary

__all__ = [
    "Caution",
    "Confirmation",
    "Hosts",
    "PowerCall",
    "Runner",
    "check",
    "confirmation",
    "consequences",
    "summary",
]

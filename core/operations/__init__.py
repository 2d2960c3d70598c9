"""What an operator does: checked, journalled, carried out, verified."""

from core.operations.caution import Caution, Danger
from core.operations.checks import check
from core.operations.danger import danger, danger_of
from core.operations.port import Hosts, PowerCall
from core.operations.runner import Runner
from core.operations.wording import summary

__all__ = [
    "Caution",
    "Danger",
    "Hosts",
    "PowerCall",
    "Runner",
    "check",
    "danger",
    "danger_of",
    "summary",
]

"""What is told of an operation whose instance is gone meanwhile. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from core.engine.case import Case
from core.errors import NotFoundError, VirtdeckError
from core.model import LinkStatus, OperationRecord, State
from core.model.operation import OperationQuestion
from core.model.text import clean


def is_gone(record: OperationRecord, state: State) -> bool:
    """Whether the instance of an operation is neither defined nor running on its host any more."""
    key, host = record.subject, state.hosts.get(record.subject.host)
    seen = host is not None and host.link.status is LinkStatus.UP and "instances" in host.listed
    return seen and key.kind == "instance" and key not in state.instances


def reworded(case: Case, question: OperationQuestion, state: State) -> OperationQuestion:
    """Return a question with what became of its instance, and with the answers that make sense."""
    if case.verb.makes is not None or not is_gone(case.record, state):
        return question
    left = tuple(choice for choice in question.choices if choice.harmless) or question.choices
    words = " or ".join(choice.word for choice in left)
    text = f"{_gone(case.record)}. Nothing can be done to it there: answer {words}."
    return replace(question, text=f"{text} It was asked: {question.text}", choices=left)


def named(case: Case, error: VirtdeckError, state: State) -> VirtdeckError:
    """Return an error of a call, by the name of the instance where that is gone: libvirt's has no
    more than its UUID.
    """
    if not isinstance(error, NotFoundError) or case.verb.makes is not None:
        return error
    if case.record.subject.kind != "instance" or case.record.subject in state.instances:
        return error
    return NotFoundError(f"{_gone(case.record)}.", "See `virtdeck instances` for where it may be.")


def _gone(record: OperationRecord) -> str:
    name, host = clean(record.name), clean(record.host)
    return f"{name} is gone from {host}: it is neither defined nor running there any more"

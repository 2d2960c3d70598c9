"""Every event as one clean line."""

from __future__ import annotations

import unicodedata
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import AnyEvent
from core.model import event as ev
from core.state.event_text import describe, severity
from tests.unit.state_builders import HOST, lifecycle

STAMP = (HOST, 1.0, "web-uuid", "web")


def example(kind, word="x"):
    """An event of that kind with something in every field."""
    values = {str: word, int: 7, str | None: word, dict: {}}
    fields = {}
    for field in msgspec.structs.fields(kind):
        given_type = field.type
        if field.name in ("host", "at", "uuid", "name"):
            continue
        if given_type in values:
            fields[field.name] = values[given_type]
        else:
            fields[field.name] = () if "tuple" in str(given_type) else {word: word}
    return kind(*STAMP, **fields)


@pytest.mark.parametrize("kind", get_args(AnyEvent), ids=lambda kind: kind.__name__)
def test_every_kind_has_its_own_sentence(kind):
    line = describe(example(kind))
    assert line.startswith("web ")
    assert kind.__name__ not in line, "it fell through to the class name"
    assert severity(example(kind)) in ("info", "warning", "error")


@given(st.sampled_from(get_args(AnyEvent)), st.text())
def test_one_clean_line_whatever_is_in_it(kind, word):
    line = describe(example(kind, word))
    assert not [one for one in line if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.parametrize(
    ("event", "line", "grade"),
    [
        (lifecycle("suspended", "ioerror"), "web was paused by an I/O error", "error"),
        (lifecycle("started", "booted"), "web started", "info"),
        (lifecycle("unknown-9", "unknown-1"), "web unknown-9 (unknown-1)", "info"),
        (
            ev.IoError(*STAMP, "/a.qcow2", "virtio-disk0", "pause", "enospc"),
            "web has no space left on virtio-disk0 (/a.qcow2); action: pause",
            "error",
        ),
        (
            ev.IoError(*STAMP, "/a.qcow2", "", "report"),
            "web has an I/O error on /a.qcow2; action: report",
            "error",
        ),
        (
            ev.LinkEvent(HOST, 1.0, "", HOST, "down", "Refused."),
            "alpha is unreachable: Refused.",
            "error",
        ),
        (ev.PoolLifecycle(HOST, 1.0, "p", "images", "created"), "images (pool) was built", "info"),
        (
            ev.Found(*STAMP, "instance", "running -> paused"),
            "web (instance) found: running -> paused",
            "warning",
        ),
        (ev.AgentChanged(*STAMP, "disconnected", "domain-started"), "web guest agent disconnected",
         "info"),
        (ev.JobCompleted(*STAMP, {"time_elapsed": 1500}), "web job completed after 1.5 s", "info"),
        (ev.JobCompleted(*STAMP, {"errmsg": "no"}), "web job failed: no", "error"),
        (ev.JobCompleted(*STAMP, {"success": True}), "web job completed", "info"),
        (ev.JobCompleted(*STAMP, {"success": False}), "web job failed: no reason given", "error"),
        (
            ev.UnknownEvent(*STAMP, "instance", 99, (1, "a")),
            "web instance event 99 of a newer libvirt (1, a)",
            "warning",
        ),
    ],
)  # fmt: skip
def test_lines(event, line, grade):
    assert describe(event) == line
    assert severity(event) == grade

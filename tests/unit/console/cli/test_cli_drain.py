"""`virtdeck drain`: what it says before, while it goes, and that it asks."""

from __future__ import annotations

import json

import pytest

from console.cli import drain, interrupts
from console.cli.migration_progress import ProgressPrinter
from core.errors import RefusedError
from core.model import ObjectKey, OperationRecord, OperationStatus, State
from core.model.drain import DrainItem, DrainProgress, Stage
from core.model.operation import OperationStep
from core.verbs.migration.requests import Drain

REQUEST = Drain(ObjectKey("host", "alpha", "alpha"))
PLAN = DrainProgress(
    items=(
        DrainItem("u1", "web", 1 << 30, "beta"),
        DrainItem("u2", "db", 2 << 30, "gamma"),
        DrainItem("u3", "mail", stage=Stage.STAYS, reason="mail has 1 snapshot."),
        DrainItem("u4", "old", stage=Stage.LEFT, reason="it is off"),
        DrainItem("u5", "cache", to="beta", stage=Stage.MOVING),
    )
)


def record(*texts: str, **fields: object) -> OperationRecord:
    steps = tuple(OperationStep(float(at), text) for at, text in enumerate(texts))
    made = OperationRecord("op", "drain", "alpha", REQUEST.subject, "alpha", "a@b", 1.0)
    return type(made)(**{**{name: getattr(made, name) for name in made.__struct_fields__},
                         "steps": steps, **fields})  # fmt: skip


def test_the_plan_says_where_each_goes_and_why_one_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    drain._print_plan(REQUEST, PLAN, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "alpha: moves 2 instances, 2 at a time.",
        "  web, 1.0G, to beta",
        "  db, 2.0G, to gamma",
        "  cache is on its way already",
        "  mail stays: mail has 1 snapshot.",
        "  old is left: it is off",
    ]
    drain._print_plan(REQUEST, DrainProgress(), as_json=False)
    assert capsys.readouterr().out == "Nothing runs on alpha.\n"
    drain._print_plan(REQUEST, PLAN, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in told["plan"]["items"]] == ["web", "db", "mail", "old", "cache"]


def test_its_log_is_printed_once_and_its_outcome_left_to_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = drain.Log(ProgressPrinter(as_json=False, live=False))
    log.tell(record("looking"))
    log.tell(record("looking", "web: asked to move to beta"))
    last = record("looking", "web: asked to move to beta", "1 of 1 moved", outcome="1 of 1 moved",
                  status=OperationStatus.DONE)  # fmt: skip
    log.tell(last)
    log.tell(last)
    lines = ["alpha: looking", "alpha: web: asked to move to beta"]
    assert capsys.readouterr().out.splitlines() == lines
    as_json = drain.Log(ProgressPrinter(as_json=True))
    as_json.tell(record("looking", progress=0.5))
    assert json.loads(capsys.readouterr().out) == {
        "kind": "drain", "id": "op", "host": "alpha", "progress": 0.5, "lines": ["looking"]
    }  # fmt: skip


@pytest.mark.parametrize("sure", [True, False])
def test_it_asks_with_the_names_and_where_they_go(
    sure: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(interrupts, "can_ask", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "alpha" if sure else "y")
    if sure:
        drain.ask(State(), REQUEST, PLAN)
    else:
        with pytest.raises(RefusedError, match="Nothing was done"):
            drain.ask(State(), REQUEST, PLAN)
    asked = capsys.readouterr().err
    assert "web to beta, db to gamma" in asked
    assert "mail stays" in asked


def test_without_a_terminal_it_wants_a_yes_and_with_nothing_to_move_it_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupts, "can_ask", lambda: False)
    wanted = r"away from alpha\. alpha: moves 2 instances"
    with pytest.raises(RefusedError, match=wanted) as caught:
        drain.ask(State(), REQUEST, PLAN)
    assert "--yes" in caught.value.hint
    with pytest.raises(RefusedError, match="mail stays"):
        drain.ask(State(), REQUEST, DrainProgress(items=PLAN.items[2:4]))
    with pytest.raises(RefusedError, match="Nothing runs on alpha"):
        drain.ask(State(), REQUEST, DrainProgress())

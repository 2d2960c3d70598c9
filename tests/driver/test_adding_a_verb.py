"""The verb that docs/architecture.md adds as an example is what it says: the lines are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from console.actions.verbs_page import verbs_page
from core.fleet import Fleet
from core.hypervisor.calls import table
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey, OperationStatus, Request
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.registry import VERBS
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Risk, Verb
from tests.patience import PATIENCE

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    (lines,) = re.findall(r"```python\n(class Poke.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {
        found.__name__: found
        for found in (Call, Connection, ObjectKey, Request, Risk, Situation, Step, Verb, sequence)
    }
    names |= {"Caution": Caution, "ClassVar": ClassVar, "TO_BE_ON": TO_BE_ON, "__name__": __name__}
    exec(lines, names)  # noqa: S102 - our own page
    verb = names["POKE"]
    monkeypatch.setitem(VERBS, verb.name, verb)
    functions = {**table.CALL_FUNCTIONS, names["PokeCall"]: names["poke"]}
    monkeypatch.setattr(table, "CALL_FUNCTIONS", functions)
    return names


async def test_it_is_carried_out_journalled_and_told(
    example: dict[str, Any], tmp_path: Path
) -> None:
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "j.db") as fleet:
        assert await fleet.ready(10 * PATIENCE)
        vm = next(iter(fleet.state.instances))
        request = example["Poke"](vm)
        assert fleet.check(request) == ()
        assert danger(fleet.state, request).caution is Caution.CONFIRM
        record = await (await fleet.submit(request))
        assert (record.status, record.outcome) == (OperationStatus.DONE, "test was poked")
        assert [step.text for step in record.steps] == ["poking test", "test was poked"]
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "j.db") as again:
        assert await again.ready(10 * PATIENCE)
        (kept,) = again.state.operations.values()
        assert (kept.verb, kept.doing, kept.outcome) == ("poke", "poking", "test was poked")
    assert "### Poke (`poke`)" in verbs_page()

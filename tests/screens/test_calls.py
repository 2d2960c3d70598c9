"""The list of calls: what was sent, as virsh would send it, with its time and its result."""

from __future__ import annotations

import pytest

from console.screens.operations.acting import no_calls
from console.screens.operations.calls import CallsScreen
from console.shell.app import VirtdeckApp
from core.model import ObjectKey, OperationRecord, OperationStatus, OperationStep
from core.model.observation import OperationChanged
from tests.screens.conftest import press, settled, until
from tests.screens.migrate_source import Answering
from tests.screens.test_migrate_dialog import shown

WEB = ObjectKey("instance", "alpha", "u-web")


def tell(
    app: VirtdeckApp, source: Answering, number: int, status: OperationStatus, *steps: OperationStep
) -> None:
    at = source.state.at
    record = OperationRecord(
        f"zz-{number}", "save", "alpha", WEB, "web", "ann@desk", at, status, steps=steps,
        doing="saving",
    )  # fmt: skip
    changed = OperationChanged("alpha", at, record)
    loop = app.bridge._loop
    assert loop is not None
    loop.call_soon_threadsafe(lambda: source._mailroom.post(source.player._store.apply(changed)))


async def test_each_call_is_there_with_what_came_of_it(app: VirtdeckApp, source: Answering) -> None:
    line = "virsh -c qemu:///system managedsave web"
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "at")
        await until(pilot, lambda: isinstance(app.screen, CallsScreen))
        assert "No call was made" in shown(app)
        at = source.state.at
        tell(app, source, 1, OperationStatus.RUNNING, OperationStep(at, "saving web", "save", line))
        await until(pilot, lambda: line in shown(app))
        assert "under way" in shown(app)
        assert "1 call" in shown(app)
        done = OperationStep(at, "saving web", "save", line, 3.2)
        tell(app, source, 1, OperationStatus.DONE, done, OperationStep(at + 4, "web is off"))
        await until(pilot, lambda: "took 3.2 s" in shown(app))
        broken = OperationStep(
            at + 5, "pausing web", "suspend", "virsh suspend web", 0.2, "no \x1bsuch web"
        )
        tell(app, source, 2, OperationStatus.FAILED, broken)
        # the page is drawn before it is as long as it will be
        await until(pilot, lambda: "no such web" in shown(app).replace("\ufffd", ""))
        assert shown(app).index("failed after") < shown(app).index("took 3.2 s"), "newest first"
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, CallsScreen))


@pytest.mark.parametrize(
    ("verb", "started", "said"),
    [
        ("migrate", 1.0, "Which calls it made is not known"),
        ("migrate", None, "It made no call."),
        ("shutdown", 1.0, "It made no call."),
    ],
    ids=["older journal", "never begun", "not a workflow"],
)
def test_nothing_is_said_of_calls_that_is_not_known(
    verb: str, started: float | None, said: str
) -> None:
    record = OperationRecord(
        "zz", verb, "alpha", WEB, "web", "ann@desk", 0.0, OperationStatus.DONE, started=started
    )
    assert no_calls(record).startswith(said)

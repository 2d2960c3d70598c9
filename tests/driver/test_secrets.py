"""A secret that is given with a request reaches what makes the call, and nothing else."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from console.cli.root import run
from core.engine import recovery
from core.engine.progress import progress_json, progress_of
from core.errors import NotSentError, OperationFailedError
from core.fleet import Fleet
from core.hypervisor.calls.table import CALL_FUNCTIONS
from core.journal.entry import Entry
from core.journal.ledger import Ledger
from core.journal.owner import NOBODY
from core.model import ObjectKey, Observation, OperationRecord, OperationStatus, Request
from core.model.secret_value import Secret
from core.verbs.call import Call
from core.verbs.parameter import parameter, parameter_of
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Progress, Sent, Situation
from core.verbs.verb import Verb
from tests.declared import declared
from tests.driver.watching import until
from tests.patience import PATIENCE

MARKER = "tell-n0body-4711"


class Unlock(Request, frozen=True):
    """Open an instance with a key, in two steps."""

    verb: ClassVar[str] = "unlock"
    key: Annotated[Secret, parameter("What opens it.")]
    fail: Annotated[bool, parameter("Let libvirt complain about the key.")] = False


class KnockCall(Call, frozen=True):
    """The first step."""


class UnlockCall(Call, frozen=True):
    """The second, with the key."""

    key: Secret
    fail: bool = False


def _unlock(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Unlock)
    return [
        Step(KnockCall(), "knocking"),
        Step(UnlockCall(request.key, request.fail), f"unlocking {situation.name}"),
    ]


UNLOCK = Verb(
    Unlock,
    title="Unlock",
    help="Open it with a key.",
    doing="unlocking",
    group="guest",
    decide=sequence(_unlock, lambda now: f"{now.name} is open"),
    steps=_unlock,
    calls=(KnockCall, UnlockCall),
    resumable=True,
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The keys that reached what makes the call."""
    found: list[str] = []

    def knock(conn: Any, subject: ObjectKey, _: KnockCall) -> None:
        conn.lookupByUUIDString(subject.id)

    def unlock(conn: Any, _: ObjectKey, call: UnlockCall) -> None:
        found.append(call.key.reveal())
        if call.fail:
            conn.storagePoolLookupByName(call.key.reveal())  # libvirt says it in its error

    monkeypatch.setitem(CALL_FUNCTIONS, KnockCall, knock)
    monkeypatch.setitem(CALL_FUNCTIONS, UnlockCall, unlock)
    with declared(UNLOCK):
        yield found


def everything(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


@pytest.mark.parametrize("fail", [False, True])
async def test_it_is_in_no_journal_tape_log_or_error(
    fail: bool, told: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    taped: list[Observation] = []
    said = []
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "journal.db") as fleet:
        fleet.tap = taped.append
        assert await fleet.ready(10 * PATIENCE)
        vm = next(iter(fleet.state.instances))
        request = Unlock(vm, Secret(MARKER), fail)
        operation = await fleet.submit(request)
        said += [repr(request), str(request), f"{request.key}"]
        if fail:
            with pytest.raises(OperationFailedError, match="matching name 'withheld'") as caught:
                await operation
            said += [repr(caught.value), str(caught.value), str(caught.value.__cause__)]
        else:
            said.append(repr(await operation))
        said.append(repr(fleet.state.operations))
        said.append(everything(tmp_path).decode(errors="replace"))  # the journal's log too
    assert told == [MARKER]
    tape = b"".join(map(msgspec.json.encode, taped)).decode()
    assert "unlocking test" in tape
    assert "unlocking test" in said[-1]
    for text in (*said, tape, caplog.text, everything(tmp_path).decode(errors="replace")):
        assert MARKER not in text


@pytest.mark.parametrize("words", [("--json",), (), ("--dry-run", "--json"), ("--fail", "--json")])
def test_a_command_takes_it_from_a_file_and_prints_it_nowhere(
    words: tuple[str, ...],
    told: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "journal.db"))
    file = tmp_path.parent / f"{tmp_path.name}-key"
    file.write_text(f"{MARKER}\n")
    command = ("-c", "test:///default", "unlock", "test")
    status = run((*command, "--key-file", str(file), *words))
    assert status == (1 if "--fail" in words else 0)
    assert told == ([] if "--dry-run" in words else [MARKER])
    assert run(("operations", "-c", "test:///default", "--json")) == 0
    printed = capsys.readouterr()
    assert "unlock" in printed.out
    assert MARKER not in printed.out + printed.err
    assert MARKER.encode() not in everything(tmp_path)
    # no option takes the value itself: it is in no list of processes
    assert run((*command, "--key", MARKER)) == 2


def test_nothing_writes_it_down_by_accident() -> None:
    secret = Secret(MARKER)
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, pickle.dumps):
        with pytest.raises(TypeError):
            encode(secret)
    assert MARKER not in f"{secret} {secret!r} {secret!s:>20} {[secret]}"
    assert parameter_of(Unlock, "key").secret


async def test_what_needs_one_that_is_gone_is_asked_for_again(
    told: list[str], tmp_path: Path
) -> None:
    """Its console died after the first step; the second cannot be made without the key."""
    sent = (Sent(KnockCall(), 1.0, 1.1), Sent(UnlockCall(Secret(MARKER)), 1.2))
    text = progress_json(Progress(sent=sent))
    assert MARKER not in text
    read = progress_of(UNLOCK, text)
    assert read is not None
    call = read.sent[1].call
    assert isinstance(call, UnlockCall)
    with pytest.raises(NotSentError, match="gone with the console"):
        call.key.reveal()

    journal = tmp_path / "journal.db"
    async with Fleet.open(["t=test:///default"], journal=journal) as fleet:
        assert await fleet.ready(10 * PATIENCE)
        vm = next(iter(fleet.state.instances))
        operation = await fleet.submit(Unlock(vm, Secret(MARKER)))
        record = await operation
    ledger = Ledger.open(journal)
    (entry,) = ledger.recent(10)
    left = msgspec.structs.replace(
        record, status=OperationStatus.RUNNING, ended=None, outcome="", hosts=entry.record.hosts
    )
    assert recovery.request_of(left) == Unlock(vm, Secret(None))
    ledger.put(Entry(left, NOBODY, entry.uri, progress_json(Progress(sent=sent[:1]))))
    ledger.close()

    def ended() -> OperationRecord | None:
        found = fleet.state.operations.get(record.id)
        return found if found is not None and found.status.final else None

    async with Fleet.open(["t=test:///default"], journal=journal) as fleet:
        await until(ended)
        end = ended()
    assert end is not None
    assert end.status is OperationStatus.FAILED
    assert "a secret, which is gone" in end.outcome
    assert end.hint == "Ask for it again."
    assert told == [MARKER]

"""`./dev bench`: what was measured is printed, whatever fails."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.bench import __main__ as bench
from tests.bench.rows import Row


def _rpc() -> Iterator[Row]:
    yield Row("rpc", "calls of the first", 12, "calls")
    raise AssertionError("the daemon is gone")


def _listing() -> Iterator[Row]:
    yield Row("listing", "time of the second", 0.5, "s")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_bench_that_fails_costs_its_own_rows_only(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {"tests.bench.rpc": _rpc, "tests.bench.listing": _listing}
    monkeypatch.setattr(
        bench.importlib, "import_module", lambda name: SimpleNamespace(run=runs[name])
    )
    monkeypatch.setattr("sys.argv", ["bench", "rpc", "listing", *words])
    assert bench.main() == 1
    told = capsys.readouterr()
    assert "calls of the first" in told.out
    assert "time of the second" in told.out
    assert "the daemon is gone" in told.err
    assert told.err.endswith("failed: rpc\n")

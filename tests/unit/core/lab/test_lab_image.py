"""The guest image's cache: what two commands that want it at the same time do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.lab import image
from core.lab.image import ensure_image


def test_two_who_want_the_image_at_once_build_it_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    begun, both, builds = threading.Event(), threading.Event(), []

    def build(work: Path, _store: Path, _say: Callable[[str], None]) -> None:
        """Stands for the download of 45 MB."""
        builds.append(work)
        begun.set()
        both.wait()
        (work / "out").mkdir()

    def say_second(line: str) -> None:
        said.append(line)
        both.set()

    monkeypatch.setattr(image, "_build", build)
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ensure_image, lambda _: None)
        begun.wait()
        second = pool.submit(ensure_image, say_second)
        assert first.result() == second.result()
    assert said == ["waiting for another command that builds the guest image"]
    assert len(builds) == 1
    assert [place.name for place in (tmp_path / "virtdeck/guest").iterdir()] == [first.result().key]

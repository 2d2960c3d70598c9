"""Where the project and the tests' data are."""

from __future__ import annotations

from pathlib import Path

ROOT_DIRECTORY = Path(__file__).resolve().parents[1]
DATA_DIRECTORY = ROOT_DIRECTORY / "tests" / "data"

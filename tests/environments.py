"""The virtual environments that ./dev made, one for each Python of the machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environments() -> list[Path]:
    """Their directories; of one that is not complete or whose Python is gone nothing is said."""
    made = (stamp.parent for stamp in sorted(ROOT.glob(".venv*/.stamp")))
    return [directory for directory in made if (directory / "bin/python").exists()]

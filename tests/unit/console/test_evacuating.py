"""What an evacuation is said to do before it is asked for, and what became of it, in words."""

from __future__ import annotations

from msgspec.structs import replace

from console import evacuating as words
from console.screens.hosts.evacuating import particulars
from console.widgets.columns import Cell, CellValue
from core.evacuation import Survey, SurveyedInstance
from core.model import ObjectKey, OperationStatus
from core.verbs.evacuation.evacuate import fenced_word
from core.verbs.evacuation.requests import Evacuate


def surveyed(name: str, *, start: bool = True, against: str = "") -> SurveyedInstance:
    key = ObjectKey("instance", "beta", f"u-{name}")
    request = Evacuate(key, source="alpha", fenced="alpha", name=name, start=start)
    return SurveyedInstance(request, 90.0, ("its NVRAM is new",) if start else (), against)


FOUND = Survey(
    *("alpha", "beta", 100.0),
    (
        surveyed("web"),
        surveyed("db", start=False),
        surveyed("odd\x1b[31m", against="another process holds the lock."),
    ),
    unseen=("gamma",),
)


def text(lines: list[CellValue]) -> str:
    cells = [(line,) if isinstance(line, str | Cell) else line for line in lines]
    return "\n".join(
        "".join(cell if isinstance(cell, str) else cell.text for cell in line) for line in cells
    )


def test_the_question_says_who_is_started_who_is_defined_and_who_is_left_alone() -> None:
    told = text(particulars(FOUND, 160.0))
    assert "alpha was seen last 1m00s ago." in told
    assert "Started there, as they ran (1):\n  web  its NVRAM is new" in told
    assert "Defined there, as they were off (1):\n  db" in told
    assert "Left alone (1):" in told
    assert "another process holds the lock." in told
    assert "Not looked at, as it is out of reach: gamma." in told
    assert "\x1b" not in told


def test_the_same_in_lines() -> None:
    lines = words.in_words(FOUND)
    assert lines[0].endswith("defined and started; its NVRAM is new")
    assert lines[1].endswith("defined, it was off")
    assert "left alone: another process holds the lock." in lines[2]
    assert words.summary(FOUND) == (
        "2 instances of alpha to beta, 1 of them started, as they ran, 1 left alone."
    )


def test_what_is_there_already_is_not_left_alone() -> None:
    there = replace(surveyed("web", against="it runs on beta already."), there=True)
    found = replace(FOUND, instances=(there, *FOUND.instances[1:]))
    assert words.in_words(found)[0].endswith("it runs on beta already.")
    assert words.summary(found) == (
        "1 instance of alpha to beta, 0 of them started, as they ran, 1 there already, "
        "1 left alone."
    )
    told = text(particulars(found, 160.0))
    assert "There already (1):\n  web  it runs on beta already." in told
    assert "Left alone (1):" in told
    assert words.outcome(found, {"u-db": OperationStatus.DONE}).startswith(
        "1 done, 1 there already: web, 1 refused: odd"
    )


def test_names_of_wide_characters_stand_in_one_column() -> None:
    found = replace(FOUND, instances=(surveyed("数据库"), surveyed("web")))
    wide, narrow = (line.partition("defined")[0] for line in words.in_words(found)[:2])
    assert (wide, narrow) == ("数据库  ", "web     ")
    lines = text(particulars(found, 160.0)).splitlines()
    assert "  数据库  its NVRAM is new" in lines
    assert "  web     its NVRAM is new" in lines


def test_the_result_is_one_sentence() -> None:
    ends = {"u-web": OperationStatus.DONE, "u-db": OperationStatus.FAILED}
    told = words.outcome(FOUND, ends)
    assert told.startswith("1 done, 1 failed: db, 1 refused: odd")
    assert "\x1b" not in told


def test_what_is_typed_names_the_host() -> None:
    assert fenced_word("alpha") == "alpha is fenced"

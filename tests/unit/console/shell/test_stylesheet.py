"""A style sheet parses each source once, and is as it was where one is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from textual.css import stylesheet as textual_stylesheet
from textual.css.stylesheet import Stylesheet, StylesheetParseError

from console.shell.stylesheet import ParsedOnce


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were parsed, as often as they were."""
    found: list[str] = []
    parse = textual_stylesheet.parse

    def counting(scope: str, css: str, *arguments: Any, **options: Any) -> Any:
        found.append(css)
        return parse(scope, css, *arguments, **options)

    monkeypatch.setattr(textual_stylesheet, "parse", counting)
    return found


def _filled(sheet: Stylesheet, count: int) -> Stylesheet:
    for number in range(count):
        sheet.add_source(f"Label {{ width: {number + 1}; }}", read_from=("", f"source {number}"))
    sheet.reparse()
    return sheet


def test_what_was_parsed_is_not_parsed_again_for_a_source_that_is_new(parsed: list[str]) -> None:
    sheet = _filled(ParsedOnce(variables={"primary": "red"}), 100)
    assert len(parsed) == 100
    sheet.add_source("Label { color: $primary; }", read_from=("", "another"))
    sheet.set_variables({"primary": "red"})
    sheet.reparse()
    assert len(parsed) == 101
    assert len(sheet.rules) == 101
    sheet.set_variables({"primary": "blue"})
    sheet.reparse()
    assert len(parsed) == 202
    assert sheet.rules[-1].styles.color.hex == "#0000FF"


def test_its_rules_are_those_that_textual_has_in_their_order() -> None:
    ours, theirs = _filled(ParsedOnce(), 100), _filled(Stylesheet(), 100)
    assert [rule.css for rule in ours.rules] == [rule.css for rule in theirs.rules]


def test_a_source_that_is_wrong_leaves_the_rules_as_they_were() -> None:
    sheet = _filled(ParsedOnce(), 2)
    sheet.add_source("Label { width: wide; }", read_from=("", "wrong"))
    with pytest.raises(StylesheetParseError):
        sheet.reparse()
    assert len(sheet._rules) == 2


def test_textual_itself_parses_all_of_them_again(parsed: list[str]) -> None:
    """Where this fails Textual has mended it, and `ParsedOnce` is not needed any more."""
    sheet = _filled(Stylesheet(), 3)
    sheet.reparse()
    assert len(parsed) == 6

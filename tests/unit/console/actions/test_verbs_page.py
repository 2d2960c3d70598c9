"""The documentation's page of verbs is made from the declarations."""

from __future__ import annotations

from console.actions.verbs_page import verbs_page
from core.verbs.registry import VERBS
from tests.places import ROOT_DIRECTORY

PAGE = ROOT_DIRECTORY / "docs" / "verbs.md"


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text("utf-8") == verbs_page(), (
        "write it again: python -c 'from console.actions.verbs_page import verbs_page;"
        ' print(verbs_page(), end="")\' > docs/verbs.md'
    )


def test_every_verb_is_on_it_with_its_parameters() -> None:
    page = verbs_page()
    for verb in VERBS.values():
        assert f"### {verb.title} (`{verb.name}`)" in page
    assert "- `timeout`: a number, 1 to 86,400 seconds; 60.0 unless given." in page
    assert "- Sends virDomainManagedSave, virDomainAbortJob, virDomainDetachDevice" in page

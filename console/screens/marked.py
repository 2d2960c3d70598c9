"""A list whose rows are what verbs can be asked for: the marked ones, or that under the cursor."""

from __future__ import annotations

from console.screens.listing import ListScreen, Row
from console.screens.subjects import SubjectScreen
from core.model import ObjectKey


class MarkedScreen(SubjectScreen, ListScreen[Row], inherit_bindings=False):
    """A subject screen over a list; its rows are held by the key of their object."""

    def chosen_subjects(self) -> list[ObjectKey]:
        """The marked ones, or the one under the cursor."""
        return list(self.table.chosen)

    def hidden_chosen(self) -> int:
        """How many of the marked ones the filter hides."""
        return self.table.counts.marked_hidden
